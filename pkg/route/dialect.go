package route

import (
	"fmt"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Dialect is how a backend is told to reason or not to. "" means it cannot be told.
type Dialect string

// The dialects. Each sets one top-level field of the request and replaces what the client put there.
const (
	// Qwen3 is vLLM's and llama.cpp's switch of the chat template: {"chat_template_kwargs": {"enable_thinking": BOOL}} (Qwen3 model card,
	// "Switching between thinking and non-thinking mode"; vLLM documentation, "Reasoning outputs").
	Qwen3 Dialect = "qwen3"
	// DeepSeek is {"thinking": {"type": "enabled" | "disabled"}} (DeepSeek API documentation, "Thinking mode").
	DeepSeek Dialect = "deepseek"
	// OpenAI is {"reasoning_effort": "high" | "low"} (OpenAI API reference, chat completions). Models that reason cannot all stop it, so off is
	// the least effort that all of them accept.
	OpenAI Dialect = "openai"
)

// edit returns the field that asks for r in this dialect; ok is false when there is nothing to ask, or no way to.
func (d Dialect) edit(r pipeline.Reasoning) (e pipeline.Edit, ok bool, err error) {
	on := r == pipeline.On
	pick := func(field, yes, no string) pipeline.Edit {
		if on {
			return pipeline.Edit{Field: field, JSON: yes}
		}
		return pipeline.Edit{Field: field, JSON: no}
	}
	switch d {
	case "":
		return e, false, nil
	case Qwen3:
		e = pick("chat_template_kwargs", `{"enable_thinking":true}`, `{"enable_thinking":false}`)
	case DeepSeek:
		e = pick("thinking", `{"type":"enabled"}`, `{"type":"disabled"}`)
	case OpenAI:
		e = pick("reasoning_effort", `"high"`, `"low"`)
	default:
		return e, false, fmt.Errorf("unknown reasoning dialect %q", string(d))
	}
	return e, r != pipeline.AsAsked, nil
}
