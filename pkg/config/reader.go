package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// reader walks a YAML tree and writes down every fault instead of stopping at the first, which a decoder into structs would do.
type reader struct {
	file   string
	faults Faults
	lines  map[string]int // of every key path that was met
}

func (r *reader) fault(path string, line int, format string, args ...any) {
	r.faults = append(r.faults, Fault{File: r.file, Path: path, Line: line, Message: fmt.Sprintf(format, args...)})
}

// has says whether path has a fault already.
func (r *reader) has(path string) bool {
	return slices.ContainsFunc(r.faults, func(f Fault) bool { return f.Path == path })
}

// parse returns the file's one document, or nil after a fault.
func (r *reader) parse(data []byte) (root ast.Node) {
	if len(data) > maxFile {
		r.fault("", 0, "the file is larger than %d bytes", maxFile)
		return nil
	}
	// The YAML parser is handed whatever stands in a file that may be half written when a reload looks at it: a panic in it is a fault of
	// the file, and must not end a process that serves.
	defer func() {
		if v := recover(); v != nil {
			r.fault("", 0, "not readable as YAML")
			root = nil
		}
	}()
	f, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey()) // repeats are our own fault, beside the others
	if err != nil {
		line, msg := 0, "not readable as YAML"
		var e yaml.Error
		if errors.As(err, &e) {
			msg = "not YAML: " + e.GetMessage()
			if t := e.GetToken(); t != nil && t.Position != nil {
				line = t.Position.Line
			}
		}
		r.fault("", line, "%s", msg)
		return nil
	}
	var docs []ast.Node
	for _, d := range f.Docs {
		if d != nil && d.Body != nil {
			docs = append(docs, d.Body)
		}
	}
	switch len(docs) {
	case 0:
		r.fault("models", 0, "the file is empty; at least one model is needed")
		return nil
	case 1:
		return docs[0]
	}
	r.fault("", line(docs[1]), "a second YAML document; one file is one document")
	return nil
}

// line returns where n begins, 0 when the parser did not say.
func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// A key is one entry an object may have, and what reads its value.
type key struct {
	name string
	read func(n ast.Node, path string)
}

// object reads a mapping that has no other keys than keys.
func (r *reader) object(n ast.Node, path string, keys ...key) {
	var values []*ast.MappingValueNode
	switch v := n.(type) {
	case *ast.MappingNode:
		values = v.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{v}
	default:
		r.wrong(n, path, "a mapping")
		return
	}
	seen := map[string]bool{}
	for _, v := range values {
		name, ok := keyName(v.Key)
		at := join(path, name)
		switch {
		case !ok:
			r.fault(path, line(v.Key), "keys are plain words; anchors, aliases, tags and merges are not supported")
			continue
		case seen[name]:
			r.fault(at, line(v.Key), "this key stands here twice")
			continue
		}
		seen[name] = true
		known := make([]string, len(keys))
		found := false
		for i, k := range keys {
			known[i] = k.name
			if k.name == name {
				found = true
				r.lines[at] = line(v.Key)
				k.read(v.Value, at)
			}
		}
		if !found {
			r.fault(at, line(v.Key), "unknown key%s", DidYouMean(name, known))
		}
	}
}

func keyName(k ast.MapKeyNode) (string, bool) {
	switch v := k.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return k.String(), true
	}
	return "", false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// list reads a sequence of at least one item.
func (r *reader) list(n ast.Node, path string, item func(n ast.Node, path string)) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.wrong(n, path, "a list")
		return
	}
	if len(seq.Values) == 0 {
		r.fault(path, r.lines[path], "the list is empty")
	}
	for i, v := range seq.Values {
		at := path + "[" + strconv.Itoa(i) + "]"
		r.lines[at] = line(v)
		item(v, at)
	}
}

// wrong writes down a value of the wrong kind.
func (r *reader) wrong(n ast.Node, path, want string) {
	at := line(n)
	if at == 0 {
		at = lineOf(r.lines, path)
	}
	got := "something else"
	switch n.(type) {
	case nil, *ast.NullNode:
		got = "nothing"
	case *ast.StringNode, *ast.LiteralNode:
		got = "text"
	case *ast.IntegerNode, *ast.FloatNode:
		got = "a number"
	case *ast.InfinityNode, *ast.NanNode:
		got = "no finite number"
	case *ast.BoolNode:
		got = "true or false"
	case *ast.MappingNode, *ast.MappingValueNode:
		got = "a mapping"
	case *ast.SequenceNode:
		got = "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		got = "an anchor, alias or tag, which is not supported"
	}
	hint := ""
	if want == "text" && (got == "a number" || got == "true or false") {
		hint = "; put it in quotes"
	}
	r.fault(path, at, "must be %s, is %s%s", want, got, hint)
}
