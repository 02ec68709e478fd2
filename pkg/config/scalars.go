package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text returns a string value; a number or a bool is not one, for a name such as 007 would lose its zeros.
func (r *reader) text(n ast.Node, path string) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(v.Value.Value), true
	}
	r.wrong(n, path, "text")
	return "", false
}

// word reads one of a closed set of words.
func (r *reader) word(n ast.Node, path string, into *string, words ...string) {
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	for _, w := range words {
		if s == w {
			*into = s
			return
		}
	}
	r.fault(path, line(n), "%q is not one of %s%s", s, strings.Join(words, ", "), DidYouMean(s, words))
}

// onOff reads on or off, which YAML 1.2 takes for text, and true or false, which it does not.
func (r *reader) onOff(n ast.Node, path string, into *string) {
	if b, ok := n.(*ast.BoolNode); ok {
		*into = map[bool]string{true: "on", false: "off"}[b.Value]
		return
	}
	r.word(n, path, into, "on", "off")
}

// boolean reads true or false.
func (r *reader) boolean(n ast.Node, path string, into *bool) {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		r.wrong(n, path, "true or false")
		return
	}
	*into = b.Value
}

// number reads a count in [low, high].
func (r *reader) number(n ast.Node, path string, into *int, low, high int) {
	v, ok := n.(*ast.IntegerNode)
	if !ok {
		r.wrong(n, path, "a whole number")
		return
	}
	i, err := strconv.Atoi(fmt.Sprint(v.Value))
	if err != nil || i < low || i > high {
		r.fault(path, line(n), "%v is not within %d..%d", v.Value, low, high)
		return
	}
	*into = i
}

// float returns a number, whole or not.
func (r *reader) float(n ast.Node, path string) (float64, bool) {
	switch v := n.(type) {
	case *ast.FloatNode:
		return v.Value, true
	case *ast.IntegerNode:
		f, err := strconv.ParseFloat(fmt.Sprint(v.Value), 64)
		return f, err == nil
	}
	r.wrong(n, path, "a number")
	return 0, false
}

// probability reads a number in (0, 1].
func (r *reader) probability(n ast.Node, path string, into *float64) {
	p, ok := r.float(n, path)
	if !ok {
		return
	}
	if !(p > 0 && p <= 1) {
		r.fault(path, line(n), "%v is not above 0 and at most 1", p)
		return
	}
	*into = p
}

// duration reads a time with its unit in [low, high].
func (r *reader) duration(n ast.Node, path string, into *time.Duration, low, high time.Duration) {
	if _, ok := n.(*ast.IntegerNode); ok {
		r.fault(path, line(n), "a time needs a unit, such as 500ms or 4s")
		return
	}
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		r.fault(path, line(n), "%q is not a time such as 500ms or 4s", s)
	case d < low || d > high:
		r.fault(path, line(n), "%s is not within %s..%s", s, low, high)
	default:
		*into = d
	}
}

// size reads a number of bytes with its unit in [low, high].
func (r *reader) size(n ast.Node, path string, into *int64, low, high int64) {
	if _, ok := n.(*ast.IntegerNode); ok {
		r.fault(path, line(n), "a size needs a unit, such as 512KiB or 1MiB")
		return
	}
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	digits := strings.TrimRight(s, "BKMikm ")
	unit, known := map[string]int64{"B": 1, "kB": 1000, "MB": 1000 * 1000, "KiB": 1 << 10, "MiB": 1 << 20}[strings.TrimSpace(s[len(digits):])]
	count, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil || !known:
		r.fault(path, line(n), "%q is not a size such as 512KiB or 1MiB", s)
	case count < 0 || count > high/unit || count*unit < low:
		r.fault(path, line(n), "%s is not within %dKiB..%dMiB", s, low>>10, high>>20)
	default:
		*into = count * unit
	}
}
