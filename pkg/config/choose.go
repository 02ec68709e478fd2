package config

import (
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// maxPrice is in USD per million tokens: more is a price for one token.
const maxPrice = 1e5

// readPrice reads what a model costs. One of the two alone would make the other free.
func readPrice(r *reader, n ast.Node, path string, into **Price) {
	*into = &Price{}
	read := func(to *float64) func(n ast.Node, p string) {
		return func(n ast.Node, p string) {
			f, ok := r.float(n, p)
			if ok && !(f >= 0 && f <= maxPrice) {
				r.fault(p, line(n), "%v is not within 0..%v USD per million tokens", f, maxPrice)
				return
			}
			*to = f
		}
	}
	r.object(n, path, key{"input", read(&(*into).Input)}, key{"output", read(&(*into).Output)})
	for _, k := range [...]string{"input", "output"} {
		if _, ok := r.lines[path+"."+k]; !ok && isMapping(n) {
			r.fault(path, line(n), "needs %q, in USD per million tokens", k)
		}
	}
}

// readQuality reads one share for all domains, or a table by domain.
func readQuality(r *reader, n ast.Node, path string, into *map[string]float64) {
	*into = map[string]float64{}
	share := func(name string, n ast.Node, p string) {
		f, ok := r.float(n, p)
		switch {
		case !ok:
		case !(f > 0 && f < 1):
			r.fault(p, line(n), "%v is not above 0 and below 1", f)
		default:
			(*into)[name] = f
		}
	}
	if !isMapping(n) {
		share("", n, path)
		return
	}
	r.entries(n, path, func(name string, n ast.Node, p string) {
		if name == "default" {
			name = ""
		}
		share(name, n, p)
	})
}

// readSupports reads what a model can do. The empty list is nothing beside text.
func readSupports(r *reader, n ast.Node, path string, m *Model) {
	m.Says = true
	if seq, ok := n.(*ast.SequenceNode); ok && len(seq.Values) == 0 {
		return
	}
	r.list(n, path, func(n ast.Node, p string) {
		var s string
		r.word(n, p, &s, "tools", "images", "json")
		m.Supports = append(m.Supports, s)
	})
}

// readStrategy reads a name, or {NAME: settings}.
func readStrategy(r *reader, n ast.Node, path string, into *Strategy) {
	if !isMapping(n) {
		into.Name, _ = r.text(n, path)
		return
	}
	r.entries(n, path, func(name string, n ast.Node, p string) {
		if into.Name != "" {
			r.fault(path, line(n), "one strategy, not %q beside %q", name, into.Name)
			return
		}
		into.Name = name
		settings, ok := r.plain(n, p).(map[string]any)
		if !ok {
			r.wrong(n, p, "a mapping of its settings")
		}
		into.Settings = settings
	})
}

// plain returns a value as string, float64, bool, []any or map[string]any, and nil after a fault.
func (r *reader) plain(n ast.Node, path string) any {
	switch v := n.(type) {
	case *ast.BoolNode:
		return v.Value
	case *ast.FloatNode, *ast.IntegerNode:
		f, _ := r.float(n, path)
		return f
	case *ast.SequenceNode:
		list := make([]any, len(v.Values))
		for i, item := range v.Values {
			at := path + "[" + strconv.Itoa(i) + "]"
			r.lines[at] = line(item)
			list[i] = r.plain(item, at)
		}
		return list
	case *ast.MappingNode, *ast.MappingValueNode:
		m := map[string]any{}
		r.entries(n, path, func(name string, n ast.Node, p string) { m[name] = r.plain(n, p) })
		return m
	}
	s, ok := r.text(n, path)
	if !ok {
		return nil
	}
	return s
}
