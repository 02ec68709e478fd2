package chat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// tokens reads raw with the strict decoder of jsontext: one value, no key twice, UTF-8, whole surrogate pairs, nothing behind it.
func tokens(raw []byte) ([]string, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	var all []string
	for {
		whole := len(all) > 0 && d.StackDepth() == 0
		token, err := d.ReadToken()
		switch {
		case whole && err == io.EOF:
			return all, nil
		case err != nil:
			return nil, err
		case whole:
			return nil, errors.New("a second value")
		}
		all = append(all, string(token.Kind())+token.String())
	}
}

// second is what encoding/json makes of a body that was accepted, by maps, since its structs fold case.
func second(raw []byte) (req pipeline.Request, top map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&top); err != nil {
		return req, nil, err
	}
	req.Model = top["model"].(string)
	req.Stream, _ = top["stream"].(bool)
	for _, m := range top["messages"].([]any) {
		in := m.(map[string]any)
		out := pipeline.Message{Role: in["role"].(string)}
		switch content := in["content"].(type) {
		case string:
			out.Texts = []string{content}
		case []any:
			for _, p := range content {
				if part := p.(map[string]any); part["type"] == "text" {
					out.Texts = append(out.Texts, part["text"].(string))
				}
			}
		}
		req.Messages = append(req.Messages, out)
	}
	return req, top, nil
}

var seeds = []string{
	say(user), typical, with(`"stream":true`), with(`"model":"x"`), with(`"mod\u0065l":"x"`), with(`"Model":"x"`), with(`"meſſages":1`),
	asks(`"\ud83d\ude00\u0000\n"`), asks(`"\ud83d"`), asks("\"\xff\""), asks("\"\xed\xa0\x80\""), asks(`[{"text":"a","type":"text"},{"type":"image_url"}]`),
	say(`{"role":"assistant","tool_calls":[{"function":{"arguments":"{}"}}]}`, user), with(`"x":[1.5e-3,-0,true,false,null,{}]`), with(`"x":01`),
	toolbox(2), with(`"tool_choice":{"type":"function","function":{"name":"f"}},"response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{"type":["string","x"]}}}`),
	asks(`[{"type":"image_url","image_url":{"url":"` + png + `"},"text":"x"},{"type":"file","file":{"file_data":"data:text/plain;base64,aGk=","filename":"a","file_id":"b"}}]`),
	with(`"metadata":{"a\u00e9":"\ud83d\ude00 b\n"},"user":"u","logit_bias":{"12":1},"stop":["a",["b"]],"modalities":["a","b c"],"prediction":{"type":"content","content":[{"type":"text","text":"p"}]}`),
	say(user, `{"role":"assistant","name":"n","refusal":"r","audio":{"id":"i"},"tool_calls":[{"id":"i","type":"function","function":{"name":"f","arguments":"{\"a\":1}","parameters":{"type":"x"}}}]}`),
	with(`"x":{` + keys(20) + `}`), with(`"x":` + nested(63)), "\ufeff" + say(user), "[]", "", " ", "0", `{}{}`, "\xff\xfe{\x00", `{"model":1,"messages":[{}]}`,
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	p := &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		b, fault := p.Parse("", raw)
		if !bytes.Equal(before, raw) {
			t.Fatal("the body was written to")
		}
		read, strict := tokens(raw)
		if fault != nil {
			if b != nil {
				t.Fatal("a body beside a fault")
			}
			if reply := fault.Reply(); !json.Valid(reply.Body) || reply.Status != fault.Status {
				t.Fatalf("reply %d %s", reply.Status, reply.Body)
			}
			switch fault.Code {
			case "invalid_json", "invalid_utf8", "invalid_unicode", "duplicate_key":
				if strict == nil {
					t.Fatalf("%s, but jsontext reads it as %q", fault.Message, read)
				}
			case "nesting_too_deep", "too_many_keys", "request_too_large", "ambiguous_key":
			default:
				if strict != nil {
					t.Fatalf("a fault of shape, %s, but jsontext says %v", fault.Message, strict)
				}
			}
			return
		}
		if strict != nil {
			t.Fatalf("accepted, but jsontext says %v", strict)
		}
		other, top, err := second(raw)
		if err != nil {
			t.Fatalf("accepted, but encoding/json says %v", err)
		}
		other.Alias = p.Aliases[other.Model]
		other.Needs = needs(t, raw)
		other.Leaves, other.Unscannable = b.Request.Leaves, b.Request.Unscannable
		if diff := cmp.Diff(&other, b.Request); diff != "" {
			t.Fatalf("encoding/json reads something else (-) than Parse (+): %s", diff)
		}
		if diff := cmp.Diff(reach(top), handed(b.Request.Leaves)); diff != "" {
			t.Fatalf("strings that can reach a model (-) and the leaves (+): %s", diff)
		}
		for _, leaf := range b.Request.Leaves {
			if !loggable(leaf.Path) {
				t.Fatalf("a path with text of the client's: %s", leaf.Path)
			}
		}
		again, fault := p.Parse("", b.Apply(nil))
		if fault != nil {
			t.Fatalf("accepted once, then %s", fault.Message)
		}
		if diff := cmp.Diff(b.Request, again.Request); diff != "" {
			t.Fatalf("a second Parse reads something else: %s", diff)
		}
	})
}

func FuzzSplice(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), "small", "a \"larger\" one", byte(i), byte(i*7), int64(i))
	}
	p := &chat.Parser{}
	f.Fuzz(func(t *testing.T, raw []byte, one, two string, from, to byte, n int64) {
		b, fault := p.Parse("", raw)
		if fault != nil {
			return
		}
		before, err := tokens(raw)
		if err != nil {
			t.Fatal(err)
		}
		after, err := tokens(b.Apply([]pipeline.Edit{chat.SetModel(one)}))
		if err != nil {
			t.Fatalf("after the edit jsontext says %v", err)
		}
		if diff := cmp.Diff(replaceModel(before, strings.ToValidUTF8(one, "\ufffd")), replaceModel(after, strings.ToValidUTF8(one, "\ufffd"))); diff != "" {
			t.Fatalf("more than the model changed: %s", diff)
		}
		number, _ := json.Marshal(n)
		edits := func(which byte, name string) (es []pipeline.Edit) {
			all := []pipeline.Edit{chat.SetModel(name), set("max_tokens", string(number)), set("reasoning_effort", `"low"`), set("x", string(number)),
				thinking("false"), edit(pipeline.StripField, []string{"x", "stop", "metadata", "tools"}[n&3], ""),
				edit(pipeline.CapField, "max_tokens", "100"), chat.EditSystem(pipeline.PrependSystem+pipeline.How(n>>2&3)%3, name)}
			for i, e := range all {
				if which>>i&1 == 1 {
					es = append(es, e)
				}
			}
			return es
		}
		fe, te := edits(from, one), edits(to, two)
		// Two replacements, in texts that the edits may replace too.
		var rs []pipeline.Replacement
		keys := false
		for i, text := range b.Request.All() {
			if i == pipeline.Ref(from>>4) || i == pipeline.Ref(to>>4) {
				rs = append(rs, pipeline.Replacement{Ref: i, Start: int(from & 7), End: int(to & 15), With: two})
				keys = keys || strings.HasSuffix(text.Path, "{key}")
			}
		}
		whole := string(b.Apply(te, rs...))
		// Two keys may have become the same.
		if _, err := tokens([]byte(whole)); err != nil && !keys {
			t.Fatalf("the edited body is not strict JSON: %v", err)
		}
		was, is := members(t, raw), members(t, b.Apply(te))
		for name, value := range was {
			edited := func(e pipeline.Edit) bool { return strings.EqualFold(e.Field, name) }
			if now := is[name]; now != value && !slices.ContainsFunc(te, edited) {
				t.Fatalf("%q was %s and is %s, which no edit names", name, value, now)
			}
		}
		if got := splice(t, string(b.Apply(fe, rs...)), b.Between(fe, te, rs...)); got != whole {
			t.Fatalf("Between turns Apply(from) into\n%s, want\n%s", got, whole)
		}
		if !bytes.Equal(b.Apply(nil), raw) {
			t.Fatal("the raw body was written to")
		}
	})
}

// members are those of the top-level object, byte for byte.
func members(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	all := map[string]string{}
	if _, err := d.ReadToken(); err != nil {
		t.Fatal(err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			t.Fatal(err)
		}
		key := name.String()
		v, err := d.ReadValue()
		if err != nil {
			t.Fatal(err)
		}
		all[key] = string(v)
	}
	return all
}

// replaceModel returns the tokens with the value of the top-level model set to name.
func replaceModel(all []string, name string) []string {
	out, depth, key := append([]string(nil), all...), 0, true
	for i, tok := range out {
		switch tok[0] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth != 1 || tok == "{{" {
			continue
		}
		if key && tok == `"model` {
			out[i+1] = `"` + name
			return out
		}
		key = !key
	}
	return out
}
