package chat

// The kinds of a chat completion, from OpenAI's API as of 2026 and the fields vLLM adds. What hiding names is the whole list of what no guard
// reads; every other string of a body is in Texts or Leaves.
var (
	schemaKind   = &kind{schema: true}
	biasKind     = &kind{} // of logit_bias: its keys are numbers of tokens
	functionKind = newKind(map[string]*kind{"parameters": schemaKind},
		"name", "description", "parameters", "strict", "arguments", "input")
	callKind = newKind(map[string]*kind{"function": functionKind, "custom": functionKind},
		"id", "call_id", "type", "function", "custom", "index").hiding(word, "id", "call_id", "type")
	mediaKind = newKind(nil, "url", "detail", "data", "format", "file_id", "file_data", "filename").
			hiding(word, "detail", "format").hiding(reference, "file_id").hiding(dataURL, "url").hiding(payload, "data", "file_data")
	partKind = newKind(map[string]*kind{"image_url": mediaKind, "input_audio": mediaKind, "file": mediaKind},
		"type", "text", "image_url", "input_audio", "file", "refusal").hiding(dataURL, "image_url")
	messageKind = newKind(map[string]*kind{"content": partKind, "tool_calls": callKind, "function_call": functionKind, "audio": audioKind},
		"role", "content", "name", "refusal", "audio", "tool_calls", "tool_call_id", "call_id", "function_call", "reasoning", "reasoning_content").
		hiding(word, "tool_call_id", "call_id")
	audioKind     = newKind(nil, "id", "voice", "format").hiding(word, "id", "voice", "format")
	reasoningKind = newKind(nil, "effort", "summary", "max_tokens", "enabled", "exclude").hiding(word, "effort", "summary")
	allowedKind   = newKind(map[string]*kind{"tools": callKind}, "mode", "tools").hiding(word, "mode")
	choiceKind    = newKind(map[string]*kind{"function": functionKind, "custom": functionKind, "allowed_tools": allowedKind},
		"type", "function", "custom", "allowed_tools").hiding(word, "type")
	schemaTextKind = newKind(map[string]*kind{"schema": schemaKind}, "name", "description", "schema", "strict")
	formatKind     = newKind(map[string]*kind{"json_schema": schemaTextKind}, "type", "json_schema").hiding(word, "type")
	textKind       = newKind(nil, "type", "text").hiding(word, "type")
	predictionKind = newKind(map[string]*kind{"content": textKind}, "type", "content").hiding(word, "type")
	templateKind   = newKind(nil, template)
	extraKind      = newKind(map[string]*kind{"chat_template_kwargs": templateKind}, template, "chat_template_kwargs")
	requestKind    = newKind(map[string]*kind{
		"messages": messageKind, "tools": callKind, "functions": functionKind, "function_call": functionKind, "tool_choice": choiceKind,
		"logit_bias": biasKind, "response_format": formatKind, "audio": audioKind, "prediction": predictionKind, "reasoning": reasoningKind,
		"chat_template_kwargs": templateKind, "extra_body": extraKind, "guided_json": schemaKind,
	},
		"model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call",
		"max_tokens", "max_completion_tokens", "n", "temperature", "top_p", "top_k", "min_p", "stop", "seed", "frequency_penalty",
		"presence_penalty", "repetition_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format", "modalities", "audio",
		"prediction", "moderation", "reasoning", "reasoning_effort", "verbosity", "service_tier", "store", "metadata", "user",
		"safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "web_search_options",
		template, "chat_template_kwargs", "documents", "guided_json", "guided_regex", "prompt", "input", "extra_body").
		hiding(word, "tool_choice", "function_call", "modalities", "reasoning_effort", "verbosity", "service_tier", "prompt_cache_retention")

	kinds = []*kind{
		requestKind, messageKind, partKind, callKind, functionKind, mediaKind, audioKind, reasoningKind, allowedKind, choiceKind,
		schemaTextKind, formatKind, textKind, predictionKind, templateKind, extraKind,
	}
)

// template is a member that is refused wherever a backend would take it: a template of the client's would reword what the guard has read.
const template = "chat_template"

// words are the keys that are no leaves: they are of a language that the model has seen in every request, and none of them says anything.
var words = makeWords(
	// JSON Schema, 2020-12 and the drafts before it.
	"$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary", "additionalItems",
	"additionalProperties", "allOf", "anyOf", "const", "contains", "contentEncoding", "contentMediaType", "contentSchema", "default",
	"definitions", "dependencies", "dependentRequired", "dependentSchemas", "deprecated", "else", "enum", "examples", "exclusiveMaximum",
	"exclusiveMinimum", "if", "items", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems",
	"minLength", "minProperties", "minimum", "multipleOf", "not", "nullable", "oneOf", "pattern", "patternProperties", "prefixItems",
	"properties", "propertyNames", "readOnly", "required", "then", "title", "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
	"writeOnly",
	// Members of the API's smaller objects, and the settings of vLLM's that are common.
	"approximate", "cache_control", "city", "country", "definition", "enable_thinking", "grammar", "include_obfuscation", "include_usage",
	"region", "search_context_size", "syntax", "thinking", "timezone", "user_location",
)

func makeWords(more ...string) map[string]struct{} {
	all := make(map[string]struct{}, 256)
	for _, k := range kinds {
		for _, name := range k.names {
			all[name] = struct{}{}
		}
	}
	for _, name := range more {
		all[name] = struct{}{}
	}
	return all
}
