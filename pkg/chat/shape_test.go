package chat_test

import (
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/chat"
)

func TestRefusesWhatIsNoChatCompletion(t *testing.T) {
	for _, row := range []struct{ name, body, code, param string }{
		{"an array at the top", `[` + user + `]`, "invalid_type", ""},
		{"a string at the top", `"hi"`, "invalid_type", ""},
		{"null at the top", `null`, "invalid_type", ""},
		{"an empty object", `{}`, "missing_required_parameter", "model"},
		{"no model", `{"messages":[` + user + `]}`, "missing_required_parameter", "model"},
		{"a Model that no one reads", `{"Model":"MoM","messages":[` + user + `]}`, "missing_required_parameter", "model"},
		{"model null", `{"model":null,"messages":[` + user + `]}`, "invalid_type", "model"},
		{"model a number", `{"model":1,"messages":[` + user + `]}`, "invalid_type", "model"},
		{"model an array", `{"model":["MoM"],"messages":[` + user + `]}`, "invalid_type", "model"},
		{"model empty", `{"model":"","messages":[` + user + `]}`, "invalid_value", "model"},
		{"model of 257 bytes", `{"model":"` + strings.Repeat("m", 257) + `","messages":[` + user + `]}`, "invalid_value", "model"},
		{"model with an escaped newline", `{"model":"a\nb","messages":[` + user + `]}`, "invalid_value", "model"},
		{"model with a NUL", `{"model":"a\u0000b","messages":[` + user + `]}`, "invalid_value", "model"},
		{"model with DEL", "{\"model\":\"a\x7fb\",\"messages\":[" + user + `]}`, "invalid_value", "model"},
		{"model with a C1 control", `{"model":"a\u0085b","messages":[` + user + `]}`, "invalid_value", "model"},
		{"a legacy completion", `{"model":"MoM","prompt":"hi"}`, "missing_required_parameter", "messages"},
		{"messages null", `{"model":"MoM","messages":null}`, "invalid_type", "messages"},
		{"messages a string", `{"model":"MoM","messages":"hi"}`, "invalid_type", "messages"},
		{"messages an object", `{"model":"MoM","messages":` + user + `}`, "invalid_type", "messages"},
		{"messages empty", say(), "invalid_value", "messages"},
		{"4097 messages", say(strings.Split(strings.Repeat(user+";", 4096)+user, ";")...), "too_many_messages", "messages"},
		{"a message that is a string", say(user, `"hi"`), "invalid_type", "messages[1]"},
		{"a message that is null", say(`null`), "invalid_type", "messages[0]"},
		{"a message that is an array", say(`[` + user + `]`), "invalid_type", "messages[0]"},
		{"no role", say(`{"content":"hi"}`), "missing_required_parameter", "messages[0].role"},
		{"role null", say(user, user, `{"role":null,"content":"hi"}`), "invalid_type", "messages[2].role"},
		{"role a number", say(`{"role":1,"content":"hi"}`), "invalid_type", "messages[0].role"},
		{"role unknown", say(`{"role":"ipython","content":"hi"}`), "invalid_value", "messages[0].role"},
		{"role in other case", say(`{"role":"User","content":"hi"}`), "invalid_value", "messages[0].role"},
		{"role padded", say(`{"role":"user ","content":"hi"}`), "invalid_value", "messages[0].role"},
		{"role empty", say(`{"role":"","content":"hi"}`), "invalid_value", "messages[0].role"},
		{"content a number", asks(`1`), "invalid_type", "messages[0].content"},
		{"content a boolean", asks(`true`), "invalid_type", "messages[0].content"},
		{"content an object", asks(`{"type":"text","text":"hi"}`), "invalid_type", "messages[0].content"},
		{"content absent for a user", say(`{"role":"user"}`), "missing_required_parameter", "messages[0].content"},
		{"content null for a user", asks(`null`), "invalid_type", "messages[0].content"},
		{"content null for a system", say(`{"content":null,"role":"system"}`), "invalid_type", "messages[0].content"},
		{"content null for a tool", say(`{"role":"tool","tool_call_id":"a","content":null}`), "invalid_type", "messages[0].content"},
		{"content absent for a function", say(`{"role":"function","name":"a"}`), "missing_required_parameter", "messages[0].content"},
		{"content absent for a user with tool calls", say(`{"role":"user","tool_calls":[{}]}`), "missing_required_parameter", "messages[0].content"},
		{"content absent for an assistant", say(user, `{"role":"assistant"}`), "missing_required_parameter", "messages[1].content"},
		{"content null for an assistant with no calls", say(`{"role":"assistant","content":null,"tool_calls":[ ],"refusal":null}`), "invalid_type", "messages[0].content"},
		{"content without parts", asks(`[]`), "invalid_value", "messages[0].content"},
		{"a part that is a bare string", asks(`["hi"]`), "invalid_type", "messages[0].content[0]"},
		{"a part that is an array", asks(`[{"type":"text","text":"a"},[{"type":"text","text":"b"}]]`), "invalid_type", "messages[0].content[1]"},
		{"a part without type", asks(`[{"text":"hi"}]`), "missing_required_parameter", "messages[0].content[0].type"},
		{"a part whose type is null", asks(`[{"type":null,"text":"hi"}]`), "invalid_type", "messages[0].content[0].type"},
		{"a part of another API", asks(`[{"type":"text","text":"a"},{"type":"input_text","text":"hi"}]`), "invalid_value", "messages[0].content[1].type"},
		{"a part of a vendor", asks(`[{"type":"video_url","video_url":{"url":"u"}}]`), "invalid_value", "messages[0].content[0].type"},
		{"a part type in other case", asks(`[{"type":"Text","text":"a"}]`), "invalid_value", "messages[0].content[0].type"},
		{"a text part without text", asks(`[{"type":"text"}]`), "missing_required_parameter", "messages[0].content[0].text"},
		{"a text part whose text is nested", asks(`[{"text":{"value":"hi"},"type":"text"}]`), "invalid_type", "messages[0].content[0].text"},
		{"a text part whose text is null", asks(`[{"text":null,"type":"text"}]`), "invalid_type", "messages[0].content[0].text"},
		{"a refusal part without refusal", say(`{"role":"assistant","content":[{"type":"refusal"}]}`), "missing_required_parameter", "messages[0].content[0].refusal"},
		{"stream null", with(`"stream":null`), "invalid_type", "stream"},
		{"stream a string", with(`"stream":"true"`), "invalid_type", "stream"},
		{"stream a number", with(`"stream":1`), "invalid_type", "stream"},
		{"a template of the client's", with(`"chat_template":"{{ messages }}"`), "unsupported_parameter", "chat_template"},
		{"a template by an escape", with(`"chat\u005ftemplate":null`), "unsupported_parameter", "chat_template"},
		{"a template among the settings of the template", with(`"chat_template_kwargs":{"chat_template":"secret"}`), "unsupported_parameter", "chat_template_kwargs.chat_template"},
		{"a template in what a client library adds", with(`"extra_body":{"chat_template":"secret"}`), "unsupported_parameter", "extra_body.chat_template"},
		{"a template deep in what a client library adds", with(`"extra_body":{"chat_template_kwargs":{"chat_template":"secret"}}`), "unsupported_parameter", "extra_body.chat_template_kwargs.chat_template"},
		{"two faults of shape, the first counts", `{"messages":[` + user + `],"stream":1}`, "invalid_type", "stream"},
		{"a fault of shape before one of JSON", `{"model":1,"messages":[}`, "invalid_json", ""},
		{"a fault of shape before a key twice", `{"model":1,"n":1,"n":2}`, "duplicate_key", "n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, fault := parse(t, row.body)
			check(t, fault, 400, row.code, row.param)
		})
	}
}

// check also holds the promise that no text of a body reaches a fault: the rows spell such text "secret".
func check(t *testing.T, f *chat.Fault, status int, code, param string) {
	t.Helper()
	if f == nil {
		t.Fatalf("accepted, want %s", code)
	}
	if f.Status != status || f.Code != code || f.Param != param {
		t.Errorf("got %d %s at %q (%s), want %d %s at %q", f.Status, f.Code, f.Param, f.Message, status, code, param)
	}
	if strings.Contains(f.Message+f.Param, "secret") || f.Message == "" {
		t.Errorf("message %q, param %q: echo the client's text, or are empty", f.Message, f.Param)
	}
}
