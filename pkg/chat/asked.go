package chat

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mom-router/mom/pkg/pipeline"
)

// sending are the top-level fields that change how an answer is sent and nothing in it. The model is the caller's to add, by what its name stands for.
var sending = map[string]bool{"model": true, "stream": true, "stream_options": true}

// harmless are the top-level fields under which an earlier answer may serve, if they have the same value.
var harmless = map[string]bool{
	"messages": true, "temperature": true, "top_p": true, "top_k": true, "min_p": true, "max_tokens": true, "max_completion_tokens": true, "seed": true,
	"stop": true, "presence_penalty": true, "frequency_penalty": true, "repetition_penalty": true, "logit_bias": true, "response_format": true,
	"reasoning": true, "reasoning_effort": true, "thinking": true, "chat_template_kwargs": true, "verbosity": true, "user": true, "metadata": true,
	"service_tier": true, "safety_identifier": true, "prompt_cache_key": true,
}

// unlike says for other fields by which values they change nothing, and else by which word they bar an earlier answer.
var unlike = map[string]struct {
	word   string
	values []string
}{
	"tools":               {"tools", []string{"null", "[]"}},
	"functions":           {"tools", []string{"null", "[]"}},
	"tool_choice":         {"tools", []string{"null", `"none"`, `"auto"`}},
	"function_call":       {"tools", []string{"null", `"none"`, `"auto"`}},
	"parallel_tool_calls": {"tools", []string{"null", "true", "false"}},
	"n":                   {"choices", []string{"null", "1"}},
	"best_of":             {"choices", []string{"null", "1"}},
	"logprobs":            {"logprobs", []string{"null", "false"}},
	"top_logprobs":        {"logprobs", []string{"null", "0"}},
	"modalities":          {"attachment", []string{"null", `["text"]`}},
	"store":               {"field", []string{"null", "false"}},
}

// asked tells what the body asks. It reads the body a second time, for where the texts stand.
func (b *Body) asked() pipeline.Asked {
	a := pipeline.Asked{}
	if b.Request.Unscannable > 0 {
		a.Unlike = "attachment"
	}
	question := b.question()
	var whole, frame []byte
	for _, f := range b.fields {
		value := b.raw[f.start:f.end]
		if f.name == "stream_options" {
			var o struct {
				Usage bool `json:"include_usage"`
			}
			a.Usage = json.Unmarshal(value, &o) == nil && o.Usage
		}
		if sending[f.name] {
			continue
		}
		if a.Unlike == "" {
			a.Unlike = bars(f.name, value)
		}
		whole = member(whole, f.name, value)
		if question.start < f.start || question.end > f.end {
			frame = member(frame, f.name, value)
			continue
		}
		frame = member(frame, f.name, value[:question.start-f.start], []byte(`""`), value[question.end-f.start:])
	}
	a.Whole = digest(whole)
	if question != (span{}) {
		a.Frame = digest(frame)
		texts := b.Request.Messages[len(b.Request.Messages)-1].Texts
		a.Question = texts[0]
	}
	for i := range b.Request.Messages {
		// The turns of tools tell of a world that has moved on since.
		if role := b.Request.Messages[i].Role; a.Unlike == "" && (role == "tool" || role == "function") {
			a.Unlike = "tools"
		}
	}
	return a
}

// bars says by which word a field bars an earlier answer, "" if it does not.
func bars(name string, value []byte) string {
	if harmless[name] {
		return ""
	}
	u, known := unlike[name]
	if !known {
		return "field"
	}
	v := jsontext.Value(slices.Clone(value))
	if err := v.Compact(); err == nil && slices.Contains(u.values, string(v)) {
		return ""
	}
	return u.word
}

// question is where the literal of the last message's text stands, if that is one text of a user; else the zero span.
func (b *Body) question() span {
	messages := b.Request.Messages
	last := messages[len(messages)-1]
	if last.Role != "user" || len(last.Texts) != 1 {
		return span{}
	}
	s := newScanner(b.raw, b.limits)
	s.locate = true
	s.body(&Body{raw: b.raw})
	return s.textSpans[len(s.textSpans)-1]
}

// member appends a member of an object.
func member(dst []byte, name string, value ...[]byte) []byte {
	if len(dst) > 0 {
		dst = append(dst, ',')
	}
	dst = append(quote(dst, name), ':')
	return append(dst, bytes.Join(value, nil)...)
}

// digest is the SHA-256 of an object of these members, written in one way. Numbers stay as they are spelled: 1.0 for 1 is only a miss, and two large
// ones that a float64 takes for the same would be a wrong hit.
func digest(members []byte) [32]byte {
	v := jsontext.Value(append(append([]byte{'{'}, members...), '}'))
	if err := v.Format(jsontext.ReorderRawObjects(true), jsontext.PreserveRawStrings(false)); err != nil {
		panic("a body that was parsed is no JSON") // its text stays out
	}
	return sha256.Sum256(v)
}
