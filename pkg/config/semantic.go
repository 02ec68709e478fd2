package config

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Semantic says whether an answer is also given to its question in other words.
type Semantic struct {
	Model     string  // the folder of the model that makes vectors; "" switches it off
	Threshold float64 // (0, 1]: the least cosine of two questions; 0 leaves it to the model's manifest
	MaxError  float64 // (0, 0.5]: the share of wrong answers among those given so from which on it narrows or ends
	Shadow    float64 // [0, 1]: the share of those answers that a backend is asked for all the same, to compare
}

// meaning is a semantic section that says nothing but that there is one.
func meaning() Semantic {
	return Semantic{Model: "mom-similarity-flash", MaxError: 0.01, Shadow: 0.01}
}

// keys are those keys of the recall section that are about questions in other words.
func (s *Semantic) keys(r *reader) []key {
	return []key{
		{"semantic", func(n ast.Node, p string) {
			if isMapping(n) {
				r.object(n, p,
					key{"model", func(n ast.Node, p string) { readFolder(r, n, p, &s.Model) }},
					key{"threshold", func(n ast.Node, p string) { r.probability(n, p, &s.Threshold) }})
				return
			}
			mode := "on"
			if r.onOff(n, p, &mode); mode == "off" {
				s.Model = ""
			}
		}},
		{"max_error", func(n ast.Node, p string) { r.percent(n, p, &s.MaxError, 0.01, 50) }},
		{"shadow", func(n ast.Node, p string) { r.percent(n, p, &s.Shadow, 0, 100) }},
	}
}

// check finds what would change nothing, at the keys of the recall section.
func (s *Semantic) check(r *reader, path string) {
	if s.Model != "" {
		return
	}
	for _, k := range []string{path + ".max_error", path + ".shadow"} {
		if at, ok := r.lines[k]; ok {
			r.fault(k, at, "no question in other words is answered (%s.semantic is off), so this would change nothing", path)
		}
	}
	*s = Semantic{}
}

// percent reads a share such as 1% or 0.5%, within [low, high] of a hundred.
func (r *reader) percent(n ast.Node, path string, into *float64, low, high float64) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		r.fault(path, line(n), "a share needs its sign, such as 1%% or 0.5%%")
		return
	}
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	digits, sign := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(digits, 64)
	switch {
	case !sign || err != nil || strings.Trim(digits, "0123456789.") != "":
		r.fault(path, line(n), "%q is not a share such as 1%% or 0.5%%", s)
	case v < low || v > high:
		r.fault(path, line(n), "%s is not within %v%%..%v%%", s, low, high)
	default:
		*into = v / 100
	}
}
