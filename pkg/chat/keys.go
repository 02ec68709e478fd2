package chat

import "math/bits"

// kind is a kind of object that the API defines: its names, and the kinds of the objects below them. A nil kind is an object whose keys are the
// client's own, such as the properties of a schema, where Name beside name is no trick.
type kind struct {
	names []string // at most 64
	bits  map[string]uint64
	below map[string]*kind
}

func newKind(below map[string]*kind, names ...string) *kind {
	k := &kind{names: names, bits: make(map[string]uint64, len(names)), below: below}
	for i, name := range names {
		k.bits[name] = 1 << i
	}
	return k
}

func (k *kind) inside(key string) *kind {
	if k == nil {
		return nil
	}
	return k.below[key]
}

// bit returns the bit of the name that key is, or that key is another spelling of. Ok is false when it is neither.
func (k *kind) bit(key string) (bit uint64, exact, ok bool) {
	if k == nil {
		return 0, false, false
	}
	if bit, ok := k.bits[key]; ok {
		return bit, true, true
	}
	var buf [longestName]byte
	folded := fold(buf[:0], key)
	bit, ok = k.bits[string(folded)]
	return bit, false, ok
}

func (k *kind) name(bit uint64) string { return k.names[bits.TrailingZeros64(bit)] }

// longestName is as long as the longest name of any kind, or longer.
const longestName = 32

// fold appends key in lower case to buf, or as much of it as fits. Besides A to Z these are the letters beyond ASCII that some parser takes for
// an ASCII one: long s and Kelvin sign by Unicode's simple folding (Go's encoding/json), dotted and dotless i by Java's equalsIgnoreCase.
func fold(buf []byte, key string) []byte {
	for _, r := range key {
		switch {
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		case r == 'ſ':
			r = 's'
		case r == '\u212a':
			r = 'k'
		case r == 'İ' || r == 'ı':
			r = 'i'
		case r > '~':
			return nil
		}
		if len(buf) == cap(buf) {
			return nil
		}
		buf = append(buf, byte(r))
	}
	return buf
}

// The kinds of a chat completion, from OpenAI's API as of 2026 and the fields vLLM adds.
var (
	functionKind = newKind(nil, "name", "description", "parameters", "strict", "arguments", "input")
	callKind     = newKind(map[string]*kind{"function": functionKind, "custom": functionKind},
		"id", "type", "function", "custom", "index")
	mediaKind = newKind(nil, "url", "detail", "data", "format", "file_id", "file_data", "filename")
	partKind  = newKind(map[string]*kind{"image_url": mediaKind, "input_audio": mediaKind, "file": mediaKind},
		"type", "text", "image_url", "input_audio", "file", "refusal")
	messageKind = newKind(map[string]*kind{"tool_calls": callKind, "function_call": functionKind},
		"role", "content", "name", "refusal", "audio", "tool_calls", "tool_call_id", "function_call", "reasoning", "reasoning_content")
	requestKind = newKind(map[string]*kind{"tools": callKind, "functions": functionKind},
		"model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call",
		"max_tokens", "max_completion_tokens", "n", "temperature", "top_p", "top_k", "min_p", "stop", "seed", "frequency_penalty",
		"presence_penalty", "repetition_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format", "modalities", "audio",
		"prediction", "moderation", "reasoning", "reasoning_effort", "verbosity", "service_tier", "store", "metadata", "user",
		"safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "web_search_options",
		"chat_template", "chat_template_kwargs", "documents", "guided_json", "guided_regex", "prompt", "input")
)

// isKnown says whether key is one of the API's names and so may stand in an error.
func isKnown(key string) bool {
	for _, k := range []*kind{requestKind, messageKind, partKind, callKind, functionKind, mediaKind} {
		if _, ok := k.bits[key]; ok {
			return true
		}
	}
	return false
}
