package chat_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

func set(field, json string) pipeline.Edit { return pipeline.Edit{Field: field, JSON: json} }

func TestApplyChangesTheFieldAndNothingElse(t *testing.T) {
	const odd = `"seed":12345678901234567890123, "x" : 1.0E+400,"html":"<&>\u2028\/", "text":"\"model\":\"MoM\""`
	for _, row := range []struct {
		name, body string
		edits      []pipeline.Edit
		want       string
	}{
		{"a model before odd values", `{ "model" : "MoM" , ` + odd + `,"messages":[` + user + "]}\n",
			[]pipeline.Edit{chat.SetModel("small")},
			`{ "model" : "small" , ` + odd + `,"messages":[` + user + "]}\n"},
		{"a model behind odd values", `{"messages":[` + user + `],` + odd + `,"model":"MoM"}`,
			[]pipeline.Edit{chat.SetModel("small")},
			`{"messages":[` + user + `],` + odd + `,"model":"small"}`},
		{"a model whose key is escaped", `{"messages":[` + user + `],"mod\u0065l":"MoM"}`,
			[]pipeline.Edit{chat.SetModel("small")},
			`{"messages":[` + user + `],"mod\u0065l":"small"}`},
		{"a model inside a message stays", say(`{"role":"user","content":"hi","model":"MoM"}`),
			[]pipeline.Edit{chat.SetModel("small")},
			strings.Replace(say(`{"role":"user","content":"hi","model":"MoM"}`), "MoM", "small", 1)},
		{"a model that needs quoting", say(user),
			[]pipeline.Edit{chat.SetModel("a\"b\\c<&>\u2028é")},
			strings.Replace(say(user), "MoM", `a\"b\\c<&>`+"\u2028é", 1)},
		{"a field that is not there", say(user),
			[]pipeline.Edit{set("reasoning_effort", `"low"`)},
			`{"reasoning_effort":"low",` + say(user)[1:]},
		{"a field that is not there in a body that begins with blanks", "\n {\n" + say(user)[1:],
			[]pipeline.Edit{set("a\"b", `{"c":[]}`)},
			"\n {" + `"a\"b":{"c":[]},` + "\n" + say(user)[1:]},
		{"fields there and not there", with(`"max_tokens":9000`),
			[]pipeline.Edit{set("n", "1"), set("max_tokens", "10"), set("p", "2"), chat.SetModel("m")},
			`{"n":1,"p":2,` + strings.Replace(with(`"max_tokens":10`), "MoM", "m", 1)[1:]},
		{"of two edits the later", say(user),
			[]pipeline.Edit{chat.SetModel("a"), set("n", "1"), chat.SetModel("b"), set("n", "2")},
			`{"n":2,` + strings.Replace(say(user), "MoM", "b", 1)[1:]},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, fault := parse(t, row.body)
			if fault != nil {
				t.Fatal(fault.Code)
			}
			if diff := cmp.Diff(row.want, string(b.Apply(row.edits))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(row.body, string(b.Apply(nil))); diff != "" {
				t.Errorf("the raw body was written to: %s", diff)
			}
		})
	}
}

func TestApplyOfNothingIsTheRawBody(t *testing.T) {
	raw := []byte(say(user))
	b, fault := (&chat.Parser{}).Parse("", raw)
	if fault != nil {
		t.Fatal(fault.Code)
	}
	for name, edits := range map[string][]pipeline.Edit{"nil": nil, "the same model": {chat.SetModel("MoM")}, "changed and changed back": {chat.SetModel("a"), chat.SetModel("MoM")}} {
		if got := b.Apply(edits); &got[0] != &raw[0] || len(got) != len(raw) {
			t.Errorf("%s: a copy, or other bytes: %s", name, got)
		}
	}
}

// splice does what the proxy does with the splices, in the same order and with the same trust: it refuses none, it only applies.
func splice(t *testing.T, body string, splices []chat.Splice) string {
	t.Helper()
	last := len(body) + 1
	for _, s := range splices {
		if s.Offset < 0 || s.Length < 0 || s.Offset+s.Length > len(body) || s.Offset+s.Length >= last {
			t.Fatalf("splice %+v is outside %d bytes, or not left of the one at %d", s, len(body), last)
		}
		last = s.Offset
		body = body[:s.Offset] + s.Text + body[s.Offset+s.Length:]
	}
	return body
}

func TestBetween(t *testing.T) {
	body := with(`"max_tokens":9000,"stop":null`)
	for _, row := range []struct {
		name     string
		from, to []pipeline.Edit
		splices  int
	}{
		{"the same edits", []pipeline.Edit{chat.SetModel("a")}, []pipeline.Edit{chat.SetModel("a")}, 0},
		{"no edits", nil, nil, 0},
		{"another model", []pipeline.Edit{chat.SetModel("a")}, []pipeline.Edit{chat.SetModel("longer")}, 1},
		{"a model of UTF-8", []pipeline.Edit{chat.SetModel("größer")}, []pipeline.Edit{chat.SetModel("小")}, 1},
		{"back to the client's own", []pipeline.Edit{chat.SetModel("a")}, nil, 1},
		{"a field more", []pipeline.Edit{chat.SetModel("a")}, []pipeline.Edit{chat.SetModel("b"), set("n", "1")}, 2},
		{"a field less", []pipeline.Edit{chat.SetModel("a"), set("n", "1")}, []pipeline.Edit{chat.SetModel("b")}, 2},
		{"a field less and another more", []pipeline.Edit{set("n", "1"), chat.SetModel("a")}, []pipeline.Edit{set("reasoning_effort", `"low"`), chat.SetModel("a")}, 1},
		{"a clamp behind a model of another length", []pipeline.Edit{chat.SetModel("small"), set("max_tokens", "10"), set("x", "true")}, []pipeline.Edit{chat.SetModel("a much larger one"), set("stop", `"."`)}, 4},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, fault := parse(t, body)
			if fault != nil {
				t.Fatal(fault.Code)
			}
			splices := b.Between(row.from, row.to)
			if len(splices) != row.splices {
				t.Errorf("%d splices, want %d: %+v", len(splices), row.splices, splices)
			}
			got := splice(t, string(b.Apply(row.from)), splices)
			if diff := cmp.Diff(string(b.Apply(row.to)), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func edit(how pipeline.How, field, json string) pipeline.Edit {
	return pipeline.Edit{How: how, Field: field, JSON: json}
}

func thinking(json string) pipeline.Edit {
	return pipeline.Edit{Field: "chat_template_kwargs", Key: "enable_thinking", JSON: json}
}

func TestEditsOfParameters(t *testing.T) {
	const capped, stripped = pipeline.CapField, pipeline.StripField
	for _, row := range []struct {
		name, body string
		edits      []pipeline.Edit
		want       string
	}{
		{"a default where there is nothing", say(user), []pipeline.Edit{edit(pipeline.DefaultField, "top_p", "0.9")}, `{"top_p":0.9,` + say(user)[1:]},
		{"a default where there is null", with(`"top_p":null`), []pipeline.Edit{edit(pipeline.DefaultField, "top_p", "0.9")}, with(`"top_p":0.9`)},
		{"a default where there is something", with(`"top_p":0`), []pipeline.Edit{edit(pipeline.DefaultField, "top_p", "0.9")}, with(`"top_p":0`)},
		{"a cap under it", with(`"max_tokens":9000`), []pipeline.Edit{edit(capped, "max_tokens", "100")}, with(`"max_tokens":100`)},
		{"a cap above it", with(`"max_tokens": 1.0e1`), []pipeline.Edit{edit(capped, "max_tokens", "100")}, with(`"max_tokens": 1.0e1`)},
		{"a cap of nothing", say(user), []pipeline.Edit{edit(capped, "max_tokens", "100")}, say(user)},
		{"a cap of null", with(`"max_tokens":null`), []pipeline.Edit{edit(capped, "max_tokens", "100")}, with(`"max_tokens":null`)},
		{"a cap of a number beyond all", with(`"max_tokens":1e999`), []pipeline.Edit{edit(capped, "max_tokens", "100")}, with(`"max_tokens":100`)},
		{"a cap of a number in quotes, which some servers read", with(`"max_tokens":"9000"`), []pipeline.Edit{edit(capped, "max_tokens", "100")}, with(`"max_tokens":100`)},
		{"a cap below zero", with(`"presence_penalty":-1`), []pipeline.Edit{edit(capped, "presence_penalty", "-1.5")}, with(`"presence_penalty":-1.5`)},
		{"two caps, the smaller counts", with(`"max_tokens":9000`), []pipeline.Edit{edit(capped, "max_tokens", "100"), edit(capped, "max_tokens", "500")}, with(`"max_tokens":100`)},
		{"a default that is capped", say(user), []pipeline.Edit{edit(pipeline.DefaultField, "max_tokens", "500"), edit(capped, "max_tokens", "100")}, `{"max_tokens":100,` + say(user)[1:]},
		{"a field stripped and set", with(`"n":3`), []pipeline.Edit{edit(stripped, "n", ""), set("n", "1")}, with(`"n":1`)},
		{"a field set and stripped", say(user), []pipeline.Edit{set("n", "1"), edit(stripped, "n", "")}, say(user)},
		{"a field stripped at the front", `{ "n" : {"a":[1,2]} , "model":"MoM","messages":[` + user + `]}`, []pipeline.Edit{edit(stripped, "n", "")}, `{ "model":"MoM","messages":[` + user + `]}`},
		{"a field stripped in the middle", `{"model":"MoM", "n": 3 ,"messages":[` + user + `]}`, []pipeline.Edit{edit(stripped, "n", "")}, `{"model":"MoM" ,"messages":[` + user + `]}`},
		{"fields stripped at both ends", `{"a":1,"b":2,"model":"MoM","messages":[` + user + `],"c":"},","d":4 }`, []pipeline.Edit{edit(stripped, "d", ""), edit(stripped, "a", ""), edit(stripped, "c", ""), edit(stripped, "b", "")},
			`{"model":"MoM","messages":[` + user + `] }`},
		{"one stripped and one put in its place", `{"a":1,"model":"MoM","messages":[` + user + `]}`, []pipeline.Edit{edit(stripped, "a", ""), set("b", "2")}, `{"b":2,"model":"MoM","messages":[` + user + `]}`},
		{"another spelling is not it, and goes", with(`"Max_Tokens":9000`), []pipeline.Edit{edit(capped, "max_tokens", "100")}, say(user)},
		{"another spelling goes where it is set", with(`"Top_K":1,"top_\u212a":2`), []pipeline.Edit{set("top_k", "3")}, `{"top_k":3,` + say(user)[1:]},
		{"a member of an object that is not there", say(user), []pipeline.Edit{thinking("true")}, `{"chat_template_kwargs":{"enable_thinking":true},` + say(user)[1:]},
		{"a member of an object that has others", with(`"chat_template_kwargs": { "a":{"enable_thinking":1} }`), []pipeline.Edit{thinking("true")},
			with(`"chat_template_kwargs": {"enable_thinking":true, "a":{"enable_thinking":1} }`)},
		{"a member that is there", with(`"chat_template_kwargs":{"a":1, "enable_th\u0069nking" : false}`), []pipeline.Edit{thinking("true")}, with(`"chat_template_kwargs":{"a":1, "enable_th\u0069nking" : true}`)},
		{"a member of an empty object", with(`"chat_template_kwargs":{ }`), []pipeline.Edit{thinking("true")}, with(`"chat_template_kwargs":{"enable_thinking":true }`)},
		{"a member of no object", with(`"chat_template_kwargs":"x"`), []pipeline.Edit{thinking("true")}, with(`"chat_template_kwargs":{"enable_thinking":true}`)},
		{"a member of what was set", with(`"chat_template_kwargs":{"a":1}`), []pipeline.Edit{set("chat_template_kwargs", `{"b":2}`), thinking("true")}, with(`"chat_template_kwargs":{"enable_thinking":true,"b":2}`)},
	} {
		t.Run(row.name, func(t *testing.T) { applied(t, row.body, row.want, row.edits) })
	}
}

// applied checks what edits make of a body, and that a later attempt comes to the same by splices.
func applied(t *testing.T, body, want string, edits []pipeline.Edit, swaps ...swap) {
	t.Helper()
	b, fault := parse(t, body)
	if fault != nil {
		t.Fatal(fault.Code)
	}
	all := replacements(t, b.Request, swaps)
	got := string(b.Apply(edits, all...))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := tokens([]byte(got)); err != nil {
		t.Errorf("not strict JSON: %v", err)
	}
	first := []pipeline.Edit{chat.SetModel("first"), set("max_tokens", "7"), edit(pipeline.StripField, "n", ""), chat.EditSystem(pipeline.PrependSystem, "First.")}
	for _, from := range [][]pipeline.Edit{nil, first} {
		if diff := cmp.Diff(got, splice(t, string(b.Apply(from, all...)), b.Between(from, edits, all...))); diff != "" {
			t.Errorf("from %v: %s", from, diff)
		}
	}
}

func TestEditsOfTheSystemPrompt(t *testing.T) {
	const prepend, append, replace = pipeline.PrependSystem, pipeline.AppendSystem, pipeline.ReplaceSystem
	system := func(content string) string { return say(`{"role":"system","content":`+content+`}`, user) }
	for _, row := range []struct {
		name, body string
		how        pipeline.How
		want       string
	}{
		{"before a text", system(`"Be \u0062rief."`), prepend, system(`"Say \"x\".\n\nBe \u0062rief."`)},
		{"behind a text", system(`"Be brief."`), append, system(`"Be brief.\n\nSay \"x\"."`)},
		{"in place of a text", system(`"Be brief."`), replace, system(`"Say \"x\"."`)},
		{"before an empty text", system(`""`), prepend, system(`"Say \"x\"."`)},
		{"behind an empty text", system(`""`), append, system(`"Say \"x\"."`)},
		{"before parts", system(`[ {"type":"text","text":"a"}]`), prepend, system(`[{"type":"text","text":"Say \"x\"."}, {"type":"text","text":"a"}]`)},
		{"behind parts", system(`[{"type":"text","text":"a"} ]`), append, system(`[{"type":"text","text":"a"} ,{"type":"text","text":"Say \"x\"."}]`)},
		{"in place of parts", system(`[{"type":"text","text":"a"}]`), replace, system(`"Say \"x\"."`)},
		{"a developer's, behind another message", say(user, `{"content":"a","role":"d\u0065veloper"}`, `{"role":"system","content":"b"}`), append,
			say(user, `{"content":"a\n\nSay \"x\".","role":"d\u0065veloper"}`, `{"role":"system","content":"b"}`)},
		{"where there is none, before", say(user), prepend, say(`{"role":"system","content":"Say \"x\"."}`, user)},
		{"where there is none, behind", say(user), append, say(`{"role":"system","content":"Say \"x\"."}`, user)},
		{"where there is none, in place", say(user), replace, say(`{"role":"system","content":"Say \"x\"."}`, user)},
		{"where only a word of the text is system", asks(`"\"role\":\"system\""`), prepend, say(`{"role":"system","content":"Say \"x\"."}`, `{"role":"user","content":"\"role\":\"system\""}`)},
	} {
		t.Run(row.name, func(t *testing.T) {
			applied(t, row.body, row.want, []pipeline.Edit{chat.EditSystem(row.how, `Say "x".`)})
		})
	}
	t.Run("what is replaced in the client's text is replaced still", func(t *testing.T) {
		body := say(`{"role":"system","content":"ann is here, ann"}`, `{"role":"user","content":"ann"}`)
		want := say(`{"role":"system","content":"Hello.\n\n[NAME] is here, ann"}`, `{"role":"user","content":"[NAME]"}`)
		applied(t, body, want, []pipeline.Edit{chat.EditSystem(prepend, "Hello.")}, swap{0, "ann", "[NAME]"}, swap{1, "ann", "[NAME]"})
		want = say(`{"role":"system","content":"Hello."}`, `{"role":"user","content":"[NAME]"}`)
		applied(t, body, want, []pipeline.Edit{chat.EditSystem(replace, "Hello.")}, swap{0, "ann", "[NAME]"}, swap{1, "ann", "[NAME]"})
	})
	t.Run("what is replaced in a field that is stripped goes with it", func(t *testing.T) {
		applied(t, with(`"n":"ann","stop":"ann"`), with(`"stop":"[NAME]"`), []pipeline.Edit{edit(pipeline.StripField, "n", "")}, swap{1, "ann", "[NAME]"}, swap{2, "ann", "[NAME]"})
	})
	t.Run("what is replaced beside a member that is set is replaced still", func(t *testing.T) {
		applied(t, with(`"chat_template_kwargs":{"who":"ann"}`), with(`"chat_template_kwargs":{"enable_thinking":true,"who":"[NAME]"}`), []pipeline.Edit{thinking("true")}, swap{2, "ann", "[NAME]"})
	})
}
