package route

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Warning is what is odd about a decision, by its number. It never is about a decision that works as it reads.
type Warning struct {
	Decision int
	Text     string
}

// Warnings finds decisions that can never win, since they can never hold or an earlier one holds whenever they do, and pairs about the same signals of
// which either may win. It reads comparisons with constants, && and ||; of all else it knows no more than that the same text is the same.
func Warnings(decisions []Decision) []Warning {
	var out []Warning
	forms := make([]form, len(decisions))
	for i, d := range decisions {
		forms[i] = formOf(d.When.checked)
		if len(forms[i]) == 0 {
			out = append(out, Warning{i, "it can never hold"})
			continue
		}
		for j := range i {
			if len(forms[j]) == 0 {
				continue
			}
			if forms[i].implies(forms[j]) {
				out = append(out, Warning{i, fmt.Sprintf("it can never win: %q stands before it and holds whenever it does", decisions[j].Name)})
				break
			}
			if shared := forms[i].overlap(forms[j]); shared != "" && !forms[j].implies(forms[i]) {
				out = append(out, Warning{i, fmt.Sprintf("for %s it and %q both hold, and %q wins", shared, decisions[j].Name, decisions[j].Name)})
			}
		}
	}
	return out
}

// form is a condition as alternatives, any of which may hold; none can never hold. An alternative is what must be so of each signal.
type form []map[string]limits

// limits are what a signal may be. The zero value is no limit.
type limits struct {
	words, not []string // one of words, where it is not nil; none of not
	low, high  edge     // between these, where they are set
}

type edge struct {
	at        float64
	set, open bool // open: at itself is outside
}

// most bounds the alternatives of a condition; one that has more is one that nobody reads.
const most = 64

func formOf(checked *cel.Ast) form {
	if checked == nil {
		return form{{}}
	}
	return alternatives(checked.NativeRep().Expr(), false, checked.NativeRep().SourceInfo())
}

// alternatives reads an expression, or its contrary.
func alternatives(e ast.Expr, contrary bool, info *ast.SourceInfo) form {
	opaque := func() form {
		text, err := cel.ExprToString(e, info)
		if err != nil {
			text = fmt.Sprint(e.ID()) // like no other
		}
		return form{{"(" + text + ")": {words: []string{said(!contrary)}}}}
	}
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			if bool(b) != contrary {
				return form{{}}
			}
			return form{}
		}
	case ast.SelectKind, ast.IdentKind:
		if name, ok := variable(e); ok {
			return form{{name: {words: []string{said(!contrary)}}}}
		}
	case ast.CallKind:
		call := e.AsCall()
		switch f := call.FunctionName(); f {
		case operators.LogicalNot:
			return alternatives(call.Args()[0], !contrary, info)
		case operators.LogicalAnd, operators.LogicalOr:
			a, b := alternatives(call.Args()[0], contrary, info), alternatives(call.Args()[1], contrary, info)
			if (f == operators.LogicalOr) != contrary {
				if len(a)+len(b) > most {
					return opaque()
				}
				return append(slices.Clone(a), b...)
			}
			if len(a)*len(b) > most {
				return opaque()
			}
			both := form{}
			for _, x := range a {
				for _, y := range b {
					if m, ok := and(x, y); ok {
						both = append(both, m)
					}
				}
			}
			return both
		case operators.Index:
			if name, ok := variable(e); ok {
				return form{{name: {words: []string{said(!contrary)}}}}
			}
		default:
			if name, l, ok := comparison(f, call.Args(), contrary); ok {
				return form{{name: l}}
			}
		}
	}
	return opaque()
}

// variable returns the name of a signal, in one spelling.
func variable(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), true
	case ast.SelectKind:
		if s := e.AsSelect(); s.Operand().Kind() == ast.IdentKind && !s.IsTestOnly() {
			return s.Operand().AsIdent() + "." + s.FieldName(), true
		}
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Index && call.Args()[0].Kind() == ast.IdentKind {
			key, ok := literal(call.Args()[1])
			return call.Args()[0].AsIdent() + "." + key, ok
		}
	}
	return "", false
}

// comparison reads a comparison of a signal with a constant, or its contrary.
func comparison(f string, args []ast.Expr, contrary bool) (string, limits, bool) {
	if len(args) != 2 {
		return "", limits{}, false
	}
	name, ok := variable(args[0])
	constant := args[1]
	if !ok {
		if name, ok = variable(args[1]); !ok || f == operators.In {
			return "", limits{}, false
		}
		constant = args[0]
		f = map[string]string{operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals, operators.Greater: operators.Less,
			operators.GreaterEquals: operators.LessEquals, operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals}[f]
	}
	var words []string
	if f == operators.In && constant.Kind() == ast.ListKind {
		for _, item := range constant.AsList().Elements() {
			w, ok := literal(item)
			if !ok {
				return "", limits{}, false
			}
			words = append(words, w)
		}
	} else if w, ok := literal(constant); ok {
		words = []string{w}
	}
	if words != nil {
		switch {
		case (f == operators.Equals || f == operators.In) && !contrary, f == operators.NotEquals && contrary:
			return name, limits{words: words}, true
		case (f == operators.Equals || f == operators.In) && contrary, f == operators.NotEquals && !contrary:
			return name, limits{not: words}, true
		}
		return "", limits{}, false
	}
	at, ok := number(constant)
	if !ok {
		return "", limits{}, false
	}
	if contrary {
		f = map[string]string{operators.Less: operators.GreaterEquals, operators.LessEquals: operators.Greater, operators.Greater: operators.LessEquals,
			operators.GreaterEquals: operators.Less, operators.NotEquals: operators.Equals}[f]
	}
	switch f {
	case operators.Less, operators.LessEquals:
		return name, limits{high: edge{at, true, f == operators.Less}}, true
	case operators.Greater, operators.GreaterEquals:
		return name, limits{low: edge{at, true, f == operators.Greater}}, true
	case operators.Equals:
		return name, limits{low: edge{at, true, false}, high: edge{at, true, false}}, true
	}
	return "", limits{}, false
}

func number(e ast.Expr) (float64, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	switch v := e.AsLiteral().(type) {
	case types.Int:
		return float64(v), true
	case types.Uint:
		return float64(v), true
	case types.Double:
		return float64(v), !math.IsNaN(float64(v))
	}
	return 0, false
}

// and joins two alternatives; not ok when nothing could be both.
func and(a, b map[string]limits) (map[string]limits, bool) {
	out := maps.Clone(a)
	for name, l := range b {
		if before, ok := out[name]; ok {
			l = before.and(l)
		}
		if l.none() {
			return nil, false
		}
		out[name] = l
	}
	return out, true
}

func (l limits) and(m limits) limits {
	switch {
	case l.words == nil:
		l.words = m.words
	case m.words != nil:
		l.words = append([]string{}, slices.DeleteFunc(slices.Clone(l.words), func(w string) bool { return !slices.Contains(m.words, w) })...)
	}
	l.not = append(slices.Clone(l.not), m.not...)
	if l.words != nil {
		l.words = append([]string{}, slices.DeleteFunc(slices.Clone(l.words), func(w string) bool { return slices.Contains(l.not, w) })...)
	}
	if m.low.set && (!l.low.set || m.low.at > l.low.at || m.low.at == l.low.at && m.low.open) {
		l.low = m.low
	}
	if m.high.set && (!l.high.set || m.high.at < l.high.at || m.high.at == l.high.at && m.high.open) {
		l.high = m.high
	}
	return l
}

// none says that nothing is within the limits.
func (l limits) none() bool {
	return l.words != nil && len(l.words) == 0 ||
		l.low.set && l.high.set && (l.low.at > l.high.at || l.low.at == l.high.at && (l.low.open || l.high.open))
}

// within says that whatever is within l is within m.
func (l limits) within(m limits) bool {
	if m.words != nil && (l.words == nil || slices.ContainsFunc(l.words, func(w string) bool { return !slices.Contains(m.words, w) })) {
		return false
	}
	for _, w := range m.not {
		if !slices.Contains(l.not, w) && (l.words == nil || slices.Contains(l.words, w)) {
			return false
		}
	}
	if m.low.set && !(l.low.set && (l.low.at > m.low.at || l.low.at == m.low.at && (l.low.open || !m.low.open))) {
		return false
	}
	return !m.high.set || l.high.set && (l.high.at < m.high.at || l.high.at == m.high.at && (l.high.open || !m.high.open))
}

// implies says that g holds whenever f does.
func (f form) implies(g form) bool {
	return !slices.ContainsFunc(f, func(a map[string]limits) bool {
		return !slices.ContainsFunc(g, func(b map[string]limits) bool {
			for name, l := range b {
				if mine, ok := a[name]; !ok || !mine.within(l) {
					return false
				}
			}
			return true
		})
	})
}

// overlap names the signals for which both hold, where an alternative of each is about the same ones; "" when there are none, or when one alternative
// is all within the other: then the order says which is meant.
func (f form) overlap(g form) string {
	for _, a := range f {
		for _, b := range g {
			names := slices.Sorted(maps.Keys(a))
			if len(names) == 0 || !slices.Equal(names, slices.Sorted(maps.Keys(b))) {
				continue
			}
			both, ok := and(a, b)
			if !ok || (form{a}).implies(form{b}) || (form{b}).implies(form{a}) {
				continue
			}
			for i, name := range names {
				if w := both[name].words; len(w) > 0 && name[0] != '(' {
					names[i] += " " + strings.Join(w, ", ")
				}
			}
			return "some " + strings.Join(names, " and ")
		}
	}
	return ""
}
