package chat_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

func asked(t interface {
	Helper()
	Fatal(...any)
}, body string) pipeline.Asked {
	t.Helper()
	p := chat.Parser{Ask: true}
	b, fault := p.Parse("id", []byte(body))
	if fault != nil {
		t.Fatal(fault.Code, body)
	}
	return b.Request.Asked
}

func TestAskedIsTheSame(t *testing.T) {
	const plain = `{"model":"MoM","temperature":0.5,"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Why is the sky blue?"}]}`
	want := asked(t, plain)
	if want.Question != "Why is the sky blue?" || want.Unlike != "" || want.Frame == want.Whole {
		t.Fatalf("asked %q, unlike %q", want.Question, want.Unlike)
	}
	for name, body := range map[string]string{
		"as a stream":        `{"model":"MoM","stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Why is the sky blue?"}]}`,
		"by another name":    `{"model":"auto","temperature":0.5,"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Why is the sky blue?"}]}`,
		"with other spaces":  "{\"model\":\"MoM\",\n \"temperature\": 0.5, \"messages\": [ {\"role\":\"system\",\"content\":\"Be kind.\"},{\"role\":\"user\",\"content\":\"Why is the sky blue?\"}]\t}",
		"in another order":   `{"messages":[{"content":"Be kind.","role":"system"},{"content":"Why is the sky blue?","role":"user"}],"model":"MoM","temperature":0.5}`,
		"with other escapes": `{"model":"MoM","temperature":0.5,"messages":[{"role":"system","content":"Be \u006bind."},{"role":"user","content":"Why is the sk\u0079 blue?"}]}`,
	} {
		got := asked(t, body)
		if got.Usage != (name == "as a stream") {
			t.Errorf("%s: usage is wanted: %v", name, got.Usage)
		}
		if got.Usage = false; got != want {
			t.Errorf("%s: another request", name)
		}
	}
}

func TestAskedIsAnother(t *testing.T) {
	const plain = `{"model":"MoM","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Why is the sky blue?"}]}`
	base := asked(t, plain)
	for _, c := range []struct {
		name, body  string
		sameFrame   bool
		hasQuestion bool
	}{
		{"asks something else", `{"model":"MoM","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Why is the sea blue?"}]}`, true, true},
		{"has another system message", `{"model":"MoM","messages":[{"role":"system","content":"Be rude."},{"role":"user","content":"Why is the sky blue?"}]}`, false, true},
		{"has a turn before", `{"model":"MoM","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Hi"},{"role":"user","content":"Why is the sky blue?"}]}`, false, true},
		{"has a setting", `{"model":"MoM","seed":1,"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Why is the sky blue?"}]}`, false, true},
		{"names its user", `{"model":"MoM","messages":[{"role":"system","content":"Be kind."},{"role":"user","name":"ann","content":"Why is the sky blue?"}]}`, false, true},
		{"moves a text to another role", `{"model":"MoM","messages":[{"role":"user","content":"Be kind."},{"role":"user","content":"Why is the sky blue?"}]}`, false, true},
		{"ends with two texts", `{"model":"MoM","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":[{"type":"text","text":"Why is the sky"},{"type":"text","text":" blue?"}]}]}`, false, false},
		{"ends with the assistant", `{"model":"MoM","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Why is the sky blue?"},{"role":"assistant","content":"Because"}]}`, false, false},
	} {
		got := asked(t, c.body)
		if got.Whole == base.Whole {
			t.Errorf("%s: the same as a whole", c.name)
		}
		if (got.Frame == base.Frame) != c.sameFrame {
			t.Errorf("%s: the same frame: %v, want %v", c.name, got.Frame == base.Frame, c.sameFrame)
		}
		if (got.Question != "") != c.hasQuestion {
			t.Errorf("%s: question %q", c.name, got.Question)
		}
	}
	// Numbers that one float64 stands for are two.
	if a, b := asked(t, fmt.Sprintf(seeded, "9007199254740992")), asked(t, fmt.Sprintf(seeded, "9007199254740993")); a.Whole == b.Whole {
		t.Error("two large seeds are taken for one")
	}
}

const seeded = `{"model":"m","seed":%s,"messages":[{"role":"user","content":"x"}]}`

func TestAskedBars(t *testing.T) {
	for _, c := range []struct{ name, field, want string }{
		{"nothing more", `"top_p":1`, ""},
		{"tools that are none", `"tools":[]`, ""},
		{"a tool", `"tools":[{"type":"function","function":{"name":"f"}}]`, "tools"},
		{"a tool to choose", `"tool_choice":{"type":"function","function":{"name":"f"}}`, "tools"},
		{"one choice", `"n":1`, ""},
		{"two choices", `"n":2`, "choices"},
		{"no probabilities", `"logprobs":false`, ""},
		{"probabilities", `"logprobs":true`, "logprobs"},
		{"speech", `"modalities":["text","audio"]`, "attachment"},
		{"text alone", `"modalities":[ "text" ]`, ""},
		{"a search of the web", `"web_search_options":{}`, "field"},
		{"a field nobody knows", `"magic":1`, "field"},
	} {
		if got := asked(t, `{"model":"m",`+c.field+`,"messages":[{"role":"user","content":"x"}]}`).Unlike; got != c.want {
			t.Errorf("%s: unlike %q, want %q", c.name, got, c.want)
		}
	}
	for name, messages := range map[string]string{
		"attachment": `[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"https://example.org/x.png"}}]}]`,
		"tools":      `[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"7"},{"role":"user","content":"and?"}]`,
	} {
		if got := asked(t, `{"model":"m","messages":`+messages+`}`).Unlike; got != name {
			t.Errorf("unlike %q, want %q", got, name)
		}
	}
}

// Of two bodies made of the same pieces, those are the same whose pieces are, but for what only changes how the answer is sent.
func TestAskedTellsBodiesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) map[string]any {
			text := rapid.SampledFrom([]string{"", "a", "b", "a b", "\"", "ä", "\\u0061"})
			role := rapid.SampledFrom([]string{"user", "system", "assistant"})
			var messages []any
			for i := range rapid.IntRange(1, 3).Draw(t, name+" turns") {
				messages = append(messages, map[string]any{
					"role": role.Draw(t, fmt.Sprint(name, " role ", i)), "content": text.Draw(t, fmt.Sprint(name, " text ", i)),
				})
			}
			body := map[string]any{"model": rapid.SampledFrom([]string{"x", "y"}).Draw(t, name+" model"), "messages": messages}
			for _, field := range []string{"temperature", "seed", "max_tokens", "top_p"} {
				if n := rapid.IntRange(-1, 2).Draw(t, name+" "+field); n >= 0 {
					body[field] = n
				}
			}
			if rapid.Bool().Draw(t, name+" streams") {
				body["stream"] = true
			}
			return body
		}
		one, two := draw("one"), draw("two")
		if rapid.Bool().Draw(t, "the same") {
			two = map[string]any{"model": "z", "stream": false}
			for k, v := range one {
				if k != "model" && k != "stream" {
					two[k] = v
				}
			}
		}
		encoded := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		bare := func(body map[string]any) string {
			out := map[string]any{}
			for k, v := range body {
				if !slices.Contains([]string{"model", "stream"}, k) {
					out[k] = v
				}
			}
			return encoded(out)
		}
		a, b := asked(t, encoded(one)), asked(t, encoded(two))
		if same := bare(one) == bare(two); (a.Whole == b.Whole) != same {
			t.Fatalf("the same as a whole: %v, want %v", a.Whole == b.Whole, same)
		}
	})
}
