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
