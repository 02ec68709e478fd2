package chat_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

func TestWhatABodyAsksOfAModel(t *testing.T) {
	const hello = `{"role":"user","content":"hello"}`
	for name, tt := range map[string]struct {
		messages, more string
		want           pipeline.Needs
	}{
		"nothing":                              {messages: hello},
		"two tools":                            {messages: hello, more: `,"tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}]`, want: pipeline.Needs{Tools: 2}},
		"a function of the older kind":         {messages: hello, more: `,"functions":[{"name":"a"}]`, want: pipeline.Needs{Tools: 1}},
		"an empty list of tools":               {messages: hello, more: `,"tools":[ ]`},
		"tools that are no list":               {messages: hello, more: `,"tools":{"a":[1,2]}`},
		"a JSON object":                        {messages: hello, more: `,"response_format":{"type":"json_object"}`, want: pipeline.Needs{JSON: true}},
		"a schema":                             {messages: hello, more: `,"response_format":{"json_schema":{"name":"a","schema":{"type":"object"}},"type":"json_schema"}`, want: pipeline.Needs{JSON: true}},
		"text, with a type further in":         {messages: hello, more: `,"response_format":{"type":"text","x":{"type":"json_object"}}`},
		"no format":                            {messages: hello, more: `,"response_format":null`},
		"a schema by vLLM's name":              {messages: hello, more: `,"guided_json":{"type":"object"}`, want: pipeline.Needs{JSON: true}},
		"a bound":                              {messages: hello, more: `,"max_tokens":100`, want: pipeline.Needs{MaxTokens: 100}},
		"two bounds, the newer first":          {messages: hello, more: `,"max_completion_tokens":5,"max_tokens":100`, want: pipeline.Needs{MaxTokens: 5}},
		"two bounds, the newer last":           {messages: hello, more: `,"max_tokens":100,"max_completion_tokens":5`, want: pipeline.Needs{MaxTokens: 5}},
		"a JSON object, spelled otherwise":     {messages: hello, more: `,"response_format":{"type":"json\u005fobject"}`, want: pipeline.Needs{JSON: true}},
		"bounds that are none":                 {messages: hello, more: `,"max_tokens":-1,"max_completion_tokens":1e3`},
		"a bound beyond all numbers":           {messages: hello, more: `,"max_tokens":99999999999999999999`},
		"images in two messages":               {messages: `{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}},{"type":"text","text":"a"}]},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}`, want: pipeline.Needs{Images: 2}},
		"audio and a file":                     {messages: `{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},{"type":"file","file":{"file_id":"file-1"}}]}`, want: pipeline.Needs{Files: 2}},
		"a file given as text":                 {messages: `{"role":"user","content":[{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain,hello"}}]}`},
		"words that only look like it":         {messages: `{"role":"user","content":"\"tools\":[1,2],\"type\":\"image_url\""}`, more: `,"metadata":{"tools":"[1]","max_tokens":"5"}`},
		"everything at once, before the model": {messages: hello, more: `,"response_format":{"type":"json_object"},"max_tokens":7,"tools":[{}]`, want: pipeline.Needs{Tools: 1, JSON: true, MaxTokens: 7}},
	} {
		b, fault := new(chat.Parser).Parse("", []byte(`{"model":"m","messages":[`+tt.messages+`]`+tt.more+`}`))
		if fault != nil {
			t.Errorf("%s: %v", name, fault)
			continue
		}
		if diff := cmp.Diff(tt.want, b.Request.Needs); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// needs reads the same with another parser. A file given as text is only told from others by its URL, which is left to the table above.
func needs(t *testing.T, raw []byte) pipeline.Needs {
	t.Helper()
	list := func(v json.RawMessage) (l []json.RawMessage) {
		_ = json.Unmarshal(v, &l)
		return l
	}
	object := func(v json.RawMessage) (o map[string]json.RawMessage) {
		_ = json.Unmarshal(v, &o)
		return o
	}
	word := func(v json.RawMessage) (s string) {
		_ = json.Unmarshal(v, &s)
		return s
	}
	top := object(raw)
	n := pipeline.Needs{Tools: len(list(top["tools"])) + len(list(top["functions"]))}
	for _, m := range list(top["messages"]) {
		for _, p := range list(object(m)["content"]) {
			switch word(object(p)["type"]) {
			case "image_url":
				n.Images++
			case "input_audio", "file":
				b, fault := new(chat.Parser).Parse("", []byte(`{"model":"m","messages":[{"role":"user","content":[`+string(p)+`]}]}`))
				if fault != nil {
					t.Fatal(fault.Message)
				}
				n.Files += b.Request.Unscannable
			}
		}
	}
	kind := word(object(top["response_format"])["type"])
	guided, ok := top["guided_json"]
	n.JSON = kind == "json_object" || kind == "json_schema" || ok && string(guided) != "null"
	for _, key := range []string{"max_tokens", "max_completion_tokens"} {
		if v, err := strconv.Atoi(string(top[key])); err == nil && v > 0 {
			n.MaxTokens = v
		}
	}
	return n
}
