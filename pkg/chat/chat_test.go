package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

const user = `{"role":"user","content":"hi"}`

// with returns a sound body with one more top-level member.
func with(member string) string { return `{"model":"MoM","messages":[` + user + `],` + member + `}` }

// say returns a body with these messages.
func say(messages ...string) string {
	return `{"model":"MoM","messages":[` + strings.Join(messages, ",") + `]}`
}

func asks(content string) string { return say(`{"role":"user","content":` + content + `}`) }

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":0,`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

func parse(t *testing.T, body string) (*chat.Body, *chat.Fault) {
	t.Helper()
	p := &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}
	b, fault := p.Parse("id-1", []byte(body))
	if (b == nil) == (fault == nil) {
		t.Fatalf("body %v and fault %v: want exactly one", b, fault)
	}
	return b, fault
}

func TestReadsARequest(t *testing.T) {
	one := func(role string, texts ...string) pipeline.Message { return pipeline.Message{Role: role, Texts: texts} }
	for _, row := range []struct {
		name, body string
		want       pipeline.Request
	}{
		{"a plain question", say(user), pipeline.Request{Model: "MoM", Alias: pipeline.MoM, Messages: []pipeline.Message{one("user", "hi")}}},
		{"a named model that streams", `{"stream":true,"messages":[` + user + `],"model":"llama"}`, pipeline.Request{Model: "llama", Stream: true, Messages: []pipeline.Message{one("user", "hi")}}},
		{"stream false", with(`"stream":false`), pipeline.Request{Model: "MoM", Alias: pipeline.MoM, Messages: []pipeline.Message{one("user", "hi")}}},
		{"another case is another name", strings.Replace(say(user), "MoM", "MOM", 1), pipeline.Request{Model: "MOM", Messages: []pipeline.Message{one("user", "hi")}}},
		{"an alias spelled by escapes", strings.Replace(say(user), "MoM", `M\u006fM`, 1), pipeline.Request{Model: "MoM", Alias: pipeline.MoM, Messages: []pipeline.Message{one("user", "hi")}}},
		{"a field spelled by escapes", strings.Replace(say(user), "model", `mod\u0065l`, 1), pipeline.Request{Model: "MoM", Alias: pipeline.MoM, Messages: []pipeline.Message{one("user", "hi")}}},
		{"blanks everywhere", " { \"model\" :\t\"x\" ,\r\n\"messages\" : [ { \"role\" : \"user\" , \"content\" : \"hi\" , \"name\" : { } , \"refusal\":[ ] } ] } \n", pipeline.Request{Model: "x", Messages: []pipeline.Message{one("user", "hi")}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, fault := parse(t, row.body)
			if fault != nil {
				t.Fatal(fault.Code, fault.Message)
			}
			row.want.ID = "id-1"
			if diff := cmp.Diff(&row.want, b.Request); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadsMessages(t *testing.T) {
	one := func(role string, texts ...string) []pipeline.Message {
		return []pipeline.Message{{Role: role, Texts: texts}}
	}
	for _, row := range []struct {
		name, message string
		want          []pipeline.Message
	}{
		{"an empty text", `{"role":"user","content":""}`, one("user", "")},
		{"a blank text", `{"role":"user","content":"  "}`, one("user", "  ")},
		{"every short escape", `{"role":"user","content":"\"\\\/\b\f\n\r\t"}`, one("user", "\"\\/\b\f\n\r\t")},
		{"unicode escapes of all lengths", `{"role":"user","content":"a\u0041\u00e9\u20AC\ud83d\ude00z"}`, one("user", "aAé€😀z")},
		{"text beyond ASCII", `{"role":"user","content":"Grüße, 世界, 😀"}`, one("user", "Grüße, 世界, 😀")},
		{"text behind an escaped NUL", `{"role":"user","content":"a\u0000b"}`, one("user", "a\x00b")},
		{"a raw DEL", "{\"role\":\"user\",\"content\":\"a\x7f\"}", one("user", "a\x7f")},
		{"a replacement character of the client's own", `{"role":"user","content":"\ufffd�"}`, one("user", "��")},
		{"several parts", `{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:"},"text":"x"},{"text":"b\n","type":"text"}]}`, one("user", "a", "b\n")},
		{"parts without any text", `{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"wav"}},{"type":"file","file":{"file_id":"f"}}]}`, one("user")},
		{"a refusal part", `{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}`, one("assistant")},
		{"an assistant with tool calls and null", `{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}`, one("assistant")},
		{"an assistant with tool calls and nothing", `{"tool_calls":[{}],"role":"assistant"}`, one("assistant")},
		{"an assistant with tool calls and no parts", `{"role":"assistant","content":[],"tool_calls":[{}]}`, one("assistant")},
		{"an assistant with a legacy call", `{"role":"assistant","content":null,"function_call":{"name":"f","arguments":""}}`, one("assistant")},
		{"an assistant that refused", `{"role":"assistant","content":null,"refusal":"no"}`, one("assistant")},
		{"an assistant that spoke", `{"role":"assistant","audio":{"id":"a"}}`, one("assistant")},
		{"a tool's result", `{"role":"tool","tool_call_id":"a","content":"42"}`, one("tool", "42")},
		{"a tool's result in parts", `{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"42"}]}`, one("tool", "42")},
		{"a function's null", `{"role":"function","name":"f","content":null}`, one("function")},
		{"a developer's text", `{"role":"developer","content":"be brief"}`, one("developer", "be brief")},
		{"a system's text and unknown fields", `{"role":"system","content":"be brief","Name":1,"cache":{"a":[1.5e-3,-0,true,null]}}`, one("system", "be brief")},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, fault := parse(t, say(row.message))
			if fault != nil {
				t.Fatal(fault.Code, fault.Param, fault.Message)
			}
			if diff := cmp.Diff(row.want, b.Request.Messages); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAcceptsWhatBackendsJudge(t *testing.T) {
	for _, row := range []struct{ name, body string }{
		{"tools null", with(`"tools":null`)},
		{"tools empty", with(`"tools":[]`)},
		{"a built-in tool without a function", with(`"tools":[{"type":"web_search"}]`)},
		{"a schema whose properties differ in case", with(`"tools":[{"function":{"parameters":{"properties":{"name":1,"Name":2,"type":3,"Type":4}}}}]`)},
		{"metadata that looks like ours", with(`"metadata":{"model":"a","Model":"b"}`)},
		{"a variant alone", with(`"Stream":"yes"`)},
		{"two variants without the exact key", with(`"SEED":1,"Seed":2`)},
		{"a key that only looks like model", with(`"mоdel":"cyrillic o"`)},
		{"numbers beyond any float", with(`"seed":123456789012345678901234567890,"x":1e999999,"y":-0.0E-5`)},
		{"the same key in two objects", with(`"x":[{"a":1},{"a":{"a":1}}]`)},
		{"template settings", with(`"chat_template_kwargs":{"enable_thinking":false}`)},
		{"no user turn", say(`{"role":"system","content":"a"}`)},
		{"a final assistant turn", say(user, `{"role":"assistant","content":"a"}`)},
		{"a model that is a path", strings.Replace(say(user), "MoM", "../../etc/passwd", 1)},
		{"a padded model", strings.Replace(say(user), "MoM", " MoM ", 1)},
	} {
		if _, fault := parse(t, row.body); fault != nil {
			t.Errorf("%s: %s at %q: %s", row.name, fault.Code, fault.Param, fault.Message)
		}
	}
}

func TestStringsDoNotAliasTheBody(t *testing.T) {
	raw := []byte(say(`{"role":"user","content":"a plain text"}`))
	b, fault := (&chat.Parser{}).Parse("", raw)
	if fault != nil {
		t.Fatal(fault.Message)
	}
	clear(raw)
	if got := b.Request.Model + b.Request.LastUser()[0]; got != "MoMa plain text" {
		t.Errorf("after the body's bytes were overwritten the request reads %q", got)
	}
}
