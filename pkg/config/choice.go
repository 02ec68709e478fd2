package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Choice is what a decision comes to.
type Choice struct {
	Models    []string // names of Models, no repeats: the first is asked, the rest are the fallbacks, in order
	Reasoning string   // on, off, low, medium, high, or "" for as asked
	System    System   // what becomes of the system prompt
	Params    []Param  // what becomes of other fields: stripped, then set, then by default, then capped
	Headers   []Header // set on the request, in the file's order
	Strategy  Strategy // how the models are ordered for each request
}

// System is a text of the operator's in the system prompt. The zero System is none.
type System struct{ How, Text string } // How is prepend, append or replace

// Param is an edit of one field of the request.
type Param struct {
	How  string // strip, set, default or cap
	Name string
	JSON string // a value, for a cap a number, for a strip nothing
}

// Header is one header of a request, its name in lower case.
type Header struct{ Name, Value string }

func choiceKeys(r *reader, c *Choice) []key {
	return []key{
		{"models", func(n ast.Node, p string) { readNames(r, n, p, &c.Models) }},
		{"reasoning", func(n ast.Node, p string) { readReasoning(r, n, p, &c.Reasoning) }},
		{"system", func(n ast.Node, p string) { readSystem(r, n, p, &c.System) }},
		{"params", func(n ast.Node, p string) { readParams(r, n, p, &c.Params) }},
		{"headers", func(n ast.Node, p string) { readHeaders(r, n, p, &c.Headers) }},
		{"strategy", func(n ast.Node, p string) { readStrategy(r, n, p, &c.Strategy) }},
	}
}

// readReasoning reads a degree; on and off may be spelled as YAML's words too.
func readReasoning(r *reader, n ast.Node, path string, into *string) {
	if _, ok := n.(*ast.BoolNode); ok {
		r.onOff(n, path, into)
		return
	}
	r.word(n, path, into, "on", "off", "low", "medium", "high")
}

func readSystem(r *reader, n ast.Node, path string, into *System) {
	var keys []key
	for _, how := range []string{"prepend", "append", "replace"} {
		keys = append(keys, key{how, func(n ast.Node, p string) {
			text, ok := r.text(n, p)
			switch {
			case !ok:
			case text == "":
				r.fault(p, line(n), "the text is empty")
			case into.How != "":
				r.fault(p, line(n), "%s stands here too; one of them is enough", into.How)
			default:
				*into = System{how, text}
			}
		}})
	}
	r.object(n, path, keys...)
}

// kept are the fields that a decision may not touch: they are what was judged, and what the answer is read by.
var kept = []string{"model", "messages", "stream"}

func readParams(r *reader, n ast.Node, path string, into *[]Param) {
	add := func(how, name, value, path string, line int) {
		switch {
		case slices.ContainsFunc(kept, func(k string) bool { return strings.EqualFold(k, name) }):
			r.fault(path, line, "%s is not a parameter", name)
		case !isWord(name, 32):
			r.fault(path, line, "%q is not a name of letters, digits, - _ and inner dots, at most 32", name)
		case slices.ContainsFunc(*into, func(p Param) bool { return p.Name == name && !capped(p.How, how) }):
			r.fault(path, line, "%q stands here twice", name)
		default:
			*into = append(*into, Param{how, name, value})
		}
	}
	values := func(how string, read func(n ast.Node, path string) (string, bool)) key {
		return key{how, func(n ast.Node, p string) {
			r.entries(n, p, func(name string, n ast.Node, p string) {
				if value, ok := read(n, p); ok {
					add(how, name, value, p, line(n))
				}
			})
		}}
	}
	r.object(n, path,
		key{"strip", func(n ast.Node, p string) {
			r.list(n, p, func(n ast.Node, p string) {
				if name, ok := r.text(n, p); ok {
					add("strip", name, "", p, line(n))
				}
			})
		}},
		values("set", r.json), values("default", r.json),
		values("cap", func(n ast.Node, p string) (string, bool) {
			switch n.(type) {
			case *ast.IntegerNode, *ast.FloatNode:
				return r.json(n, p)
			}
			r.wrong(n, p, "a number")
			return "", false
		}))
	// In one order, whatever the file's: what is set by default may be capped.
	order := []string{"strip", "set", "default", "cap"}
	slices.SortStableFunc(*into, func(a, b Param) int { return slices.Index(order, a.How) - slices.Index(order, b.How) })
}

// capped says whether the one only bounds what the other puts there.
func capped(one, other string) bool {
	return one != other && (one == "cap" || other == "cap") && one != "strip" && other != "strip"
}

// entries reads a mapping whose keys are the file's own.
func (r *reader) entries(n ast.Node, path string, entry func(name string, n ast.Node, path string)) {
	var values []*ast.MappingValueNode
	switch v := n.(type) {
	case *ast.MappingNode:
		values = v.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{v}
	}
	var keys []key
	for _, v := range values {
		name, ok := keyName(v.Key)
		if ok && !slices.ContainsFunc(keys, func(k key) bool { return k.name == name }) { // a repeat is a fault of object's
			keys = append(keys, key{name, func(n ast.Node, p string) { entry(name, n, p) }})
		}
	}
	r.object(n, path, keys...)
}

// json returns a value as JSON. Nothing is no value: a field is taken away by strip.
func (r *reader) json(n ast.Node, path string) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		s, ok := r.text(n, path)
		text, err := json.Marshal(s)
		return string(text), ok && err == nil
	case *ast.IntegerNode:
		return fmt.Sprint(v.Value), true
	case *ast.FloatNode:
		return strconv.FormatFloat(v.Value, 'g', -1, 64), true
	case *ast.BoolNode:
		return strconv.FormatBool(v.Value), true
	case *ast.SequenceNode:
		items := make([]string, len(v.Values))
		whole := true
		for i, n := range v.Values {
			var ok bool
			items[i], ok = r.json(n, path+"["+strconv.Itoa(i)+"]")
			whole = whole && ok
		}
		return "[" + strings.Join(items, ",") + "]", whole
	case *ast.MappingNode, *ast.MappingValueNode:
		var items []string
		whole := true
		r.entries(n, path, func(name string, n ast.Node, p string) {
			value, ok := r.json(n, p)
			key, err := json.Marshal(name)
			items, whole = append(items, string(key)+":"+value), whole && ok && err == nil
		})
		return "{" + strings.Join(items, ",") + "}", whole
	}
	r.wrong(n, path, "a value")
	return "", false
}

// ours begin the headers that MoM itself sets, or that Envoy takes away before a backend.
var ours = []string{"x-mom-", "x-vsr-", "x-router-", "x-vllm-semantic-router-", "x-envoy-"}

func readHeaders(r *reader, n ast.Node, path string, into *[]Header) {
	r.entries(n, path, func(name string, n ast.Node, p string) {
		value, ok := r.text(n, p)
		switch {
		case !ok:
		case !isWord(name, 64) || strings.ToLower(name) != name || !strings.HasPrefix(name, "x-") || strings.ContainsAny(name, "_."):
			r.fault(p, line(n), "%q is not the name of a header: x- and lower-case letters, digits and -", name)
		case slices.ContainsFunc(ours, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
			r.fault(p, line(n), "%q would not reach a backend: headers that begin so stay inside", name)
		case value == "" || len(value) > 256 || strings.TrimSpace(value) != value || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }):
			r.fault(p, line(n), "a value has 1..256 printable ASCII characters and no space at either end")
		default:
			*into = append(*into, Header{name, value})
		}
	})
}
