package route

import (
	"fmt"
	"strconv"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Dialect is how a backend is told to reason or not to. "" means it cannot be told.
type Dialect string

// The dialects.
const (
	// Qwen3 is vLLM's and llama.cpp's switch of the chat template: {"chat_template_kwargs": {"enable_thinking": BOOL}} (Qwen3 model card,
	// "Switching between thinking and non-thinking mode"; vLLM documentation, "Reasoning outputs"). Other members stay. It knows no degrees.
	Qwen3 Dialect = "qwen3"
	// DeepSeek is {"thinking": {"type": "enabled" | "disabled"}} (DeepSeek API documentation, "Thinking mode"). It knows no degrees.
	DeepSeek Dialect = "deepseek"
	// OpenAI is {"reasoning_effort": "high" | "medium" | "low"} (OpenAI API reference, chat completions), and Mistral's too. On is high. Models that
	// reason cannot all stop it, so off is the least effort that all of them accept.
	OpenAI Dialect = "openai"
	// GPTOSS is the same among the switches of the chat template, for servers that do not read OpenAI's field:
	// {"chat_template_kwargs": {"reasoning_effort": ...}} (the template of gpt-oss).
	GPTOSS Dialect = "gpt-oss"
)

// edit returns the field that asks for r in this dialect; ok is false when there is nothing to ask, or no way to.
func (d Dialect) edit(r pipeline.Reasoning) (e pipeline.Edit, ok bool, err error) {
	effort := map[pipeline.Reasoning]string{
		pipeline.On: `"high"`, pipeline.High: `"high"`, pipeline.Medium: `"medium"`, pipeline.Low: `"low"`, pipeline.Off: `"low"`,
	}[r]
	switch d {
	case "":
		return e, false, nil
	case Qwen3:
		e = pipeline.Edit{Field: "chat_template_kwargs", Key: "enable_thinking", JSON: strconv.FormatBool(r.Thinks())}
	case DeepSeek:
		e = pipeline.Edit{Field: "thinking", JSON: `{"type":"disabled"}`}
		if r.Thinks() {
			e.JSON = `{"type":"enabled"}`
		}
	case OpenAI:
		e = pipeline.Edit{Field: "reasoning_effort", JSON: effort}
	case GPTOSS:
		e = pipeline.Edit{Field: "chat_template_kwargs", Key: "reasoning_effort", JSON: effort}
	default:
		return e, false, fmt.Errorf("unknown reasoning dialect %q", string(d))
	}
	return e, r != pipeline.AsAsked, nil
}
