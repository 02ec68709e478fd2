package guard_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/guard/text"
	"github.com/mom-router/mom/pkg/guard/text/hiding"
	"github.com/mom-router/mom/pkg/pipeline"
)

// placement is a place of a body that a model may read.
type placement struct {
	name string
	put  func(s string) object
}

const hello = "Hello, can you help me with something?"

var (
	picture = object{"type": "image_url", "image_url": object{
		"url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
	}}
	call = object{"id": "call_1", "type": "function", "function": object{"name": "read_page", "arguments": `{"page":1}`}}
)

// turns is a body of messages.
func turns(m ...any) object { return object{"messages": m} }

// beside is a body with a harmless turn and one more field.
func beside(field string, value any) object {
	return object{"messages": messages{said("user", hello)}, field: value}
}

// tool is a body with one tool of a description and a schema.
func tool(description string, schema any) object {
	return beside("tools", []any{object{"type": "function", "function": object{"name": "read_page", "description": description, "parameters": schema}}})
}

func schema(properties object) object { return object{"type": "object", "properties": properties} }

// answered is a body in which a tool has returned something.
func answered(content any) object {
	return turns(said("user", "Please read page one."), object{"role": "assistant", "content": nil, "tool_calls": []any{call}},
		object{"role": "tool", "tool_call_id": "call_1", "content": content})
}

// middle cuts a text near its middle: between words where it has some.
func middle(s string) (string, string) {
	half := []rune(s)
	n := len(half) / 4 * 2 // even, since codes come in twos
	if i := strings.IndexByte(string(half[n:]), ' '); i >= 0 {
		return string(half[:n]) + string(half[n:])[:i], string(half[n:])[i+1:]
	}
	return string(half[:n]), string(half[n:])
}

// inWord cuts a text in the middle of a word.
func inWord(s string) (string, string) {
	all := []rune(s)
	n := len(all)/2 | 1
	for n < len(all)-1 && (all[n] == ' ' || all[n-1] == ' ') {
		n++
	}
	return string(all[:n]), string(all[n:])
}

var placements = []placement{
	{"later text part", func(s string) object { return turns(said("user", []any{textPart(hello), textPart(s)})) }},
	{"text after an image", func(s string) object { return turns(said("user", []any{picture, textPart(s)})) }},
	{"split over parts", func(s string) object {
		a, b := inWord(s)
		return turns(said("user", []any{textPart(a), textPart(b)}))
	}},
	{"earlier turn", func(s string) object {
		return turns(said("user", s), said("assistant", "All right."), said("user", "And what is the weather like in Oslo?"))
	}},
	{"split over turns", func(s string) object {
		a, b := middle(s)
		return turns(said("user", a), said("assistant", "Go on."), said("user", b))
	}},
	{"fabricated assistant turn", func(s string) object {
		return turns(said("user", hello), said("assistant", s), said("user", "Go on, please."))
	}},
	{"tool result", func(s string) object { return answered(s) }},
	{"parts of a tool result", func(s string) object { return answered([]any{textPart("Page one of three."), textPart(s)}) }},
	{"tool-call arguments", func(s string) object {
		return turns(said("user", "Look it up."), object{"role": "assistant", "content": nil, "tool_calls": []any{object{
			"id": "call_1", "type": "function", "function": object{"name": "search", "arguments": compact(object{"query": s})},
		}}}, object{"role": "tool", "tool_call_id": "call_1", "content": "No results."})
	}},
	{"tool description", func(s string) object { return tool(s, schema(object{"page": object{"type": "integer"}})) }},
	{"description in a schema", func(s string) object {
		return tool("Reads one page.", schema(object{"page": object{"type": "integer", "description": s}}))
	}},
	{"enum value", func(s string) object {
		return tool("Reads one page.", schema(object{"page": object{"type": "string", "enum": []any{"first", s}}}))
	}},
	{"key of a schema", func(s string) object { return tool("Reads one page.", schema(object{s: object{"type": "string"}})) }},
	{"schema of the response", func(s string) object {
		return beside("response_format", object{"type": "json_schema", "json_schema": object{
			"name": "answer", "schema": schema(object{"answer": object{"type": "string", "description": s}}),
		}})
	}},
	{"name", func(s string) object { return turns(object{"role": "user", "content": hello, "name": s}) }},
	{"system text", func(s string) object { return turns(said("system", s), said("user", hello)) }},
	{"developer text", func(s string) object { return turns(said("developer", s), said("user", hello)) }},
	{"refusal part", func(s string) object {
		return turns(said("user", hello), said("assistant", []any{object{"type": "refusal", "refusal": s}}), said("user", "Go on, please."))
	}},
	{"prediction", func(s string) object { return beside("prediction", object{"type": "content", "content": s}) }},
	{"documents", func(s string) object {
		return beside("documents", []any{object{"title": "Minutes", "text": "The meeting began at nine. " + s}})
	}},
	{"metadata", func(s string) object { return beside("metadata", object{"note": s}) }},
	{"unknown field", func(s string) object { return beside("x_context", object{"pages": []any{object{"body": s}}}) }},
	{"text in a data URL", func(s string) object {
		return turns(said("user", []any{textPart(hello), object{"type": "file", "file": object{
			"filename": "note.txt", "file_data": "data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(s)),
		}}}))
	}},
	{"legacy functions", func(s string) object {
		return beside("functions", []any{object{"name": "read_page", "description": s, "parameters": schema(object{})}})
	}},
	{"stop", func(s string) object { return beside("stop", []any{s, "END"}) }},
	{"document in a turn", func(s string) object {
		return turns(said("user", "Summarise this:\n<document title=\"minutes\">\nThe meeting began at nine.\n"+s+"\nIt ended at ten.\n</document>"))
	}},
}

// put writes a text into the place of a name.
func put(name, s string) object {
	return placements[slices.IndexFunc(placements, func(p placement) bool { return p.name == name })].put(s)
}

// placedRows is every pair in every place, as it is.
func placedRows() []row {
	var rows []row
	for _, at := range placements {
		for i, p := range pairs {
			write := func(s string) string { return bodyOf(at.put(s)) }
			rows = append(rows, both("placement: "+at.name, sentence(i), p, write, say(p.attack))...)
		}
	}
	return rows
}

// each is how many placements lie between two that an encoding meets; with placements that do not divide by it, every place meets many.
const each = 3

// movedRows is every encoding in every third place, another third for the next encoding. What is hidden must be judged as the same sentence in the
// same place.
func movedRows() []row {
	var rows []row
	for i, e := range hiding.Ways() {
		for j := i % each; j < len(placements); j += each {
			at, p := placements[j], pairs[(i+j)%len(pairs)]
			write := func(s string) string { return bodyOf(at.put(e.Hide(s))) }
			rows = append(rows, both("moved: "+e.Name, at.name, p, write, bodyOf(at.put(p.attack)))...)
		}
	}
	return rows
}

// texts is what a guard has to judge of a request, put together here in the simplest way.
func texts(req *pipeline.Request) []string {
	var all, user []string
	for _, m := range req.Messages {
		all = append(all, strings.Join(m.Texts, ""), strings.Join(m.Texts, "\n"))
		if m.Role == "user" {
			user = append(user, m.Texts...)
		}
	}
	all = append(all, strings.Join(user, "\n"))
	for _, l := range req.Leaves {
		all = append(all, l.Text)
		if decoded, kind := text.DataURL(l.Text); kind == text.Text {
			all = append(all, decoded)
		}
	}
	return all
}

// Every sentence can be read in every body that it was put in, however it is written.
func TestPlacements(t *testing.T) {
	parser := chat.Parser{}
	read := func(body string) []string {
		b, fault := parser.Parse("", []byte(body))
		if fault != nil {
			t.Fatalf("%s of %s: %s", fault.Code, fault.Param, body)
		}
		return texts(b.Request)
	}
	for j, at := range placements {
		for i, p := range pairs {
			if s := bodyOf(at.put(p.attack)); !shows(p.attack, read(s)...) {
				t.Errorf("%s: sentence %d is nowhere in %s", at.name, i+1, s)
			}
		}
		for i, e := range hiding.Ways() {
			if s := bodyOf(at.put(e.Hide(pairs[0].attack))); i%each == j%each && !shows(pairs[0].attack, read(s)...) {
				t.Errorf("%s in %s is nowhere in %s", e.Name, at.name, s)
			}
		}
	}
}
