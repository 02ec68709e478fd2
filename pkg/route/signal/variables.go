package signal

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Names are what conditions may call the signals that the configuration names.
type Names struct {
	Domains    []string // nil when no model is there to name them: any may be
	Similarity []string
	Keywords   []string
	Languages  []string // nil are Languages
}

// Words are the variables whose values are of a closed set; conditions that compare one with another word could never hold.
func (n Names) Words() map[string][]string {
	words := map[string][]string{"language": n.languageNames()}
	if n.Domains != nil {
		words["domain"] = n.Domains
	}
	return words
}

// Maps are the variables that hold a signal for each name; each returns the names it has, nil for any.
func (n Names) Maps() map[string][]string {
	return map[string][]string{"similarity": or(n.Similarity), "keyword": or(n.Keywords), "header": nil, "role": {"system", "developer", "user", "assistant", "tool", "function"}}
}

// or makes no names an empty list, which has none, and not nil, which has any.
func or(names []string) []string { return append([]string{}, names...) }

// Declared are the variables of conditions with their types.
func Declared() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Variable("domain", cel.StringType), cel.Variable("confidence", cel.DoubleType), cel.Variable("difficulty", cel.DoubleType),
		cel.Variable("similarity", cel.MapType(cel.StringType, cel.DoubleType)), cel.Variable("keyword", cel.MapType(cel.StringType, cel.BoolType)),
		cel.Variable("code", cel.DoubleType), cel.Variable("language", cel.StringType),
		cel.Variable("tokens", cel.IntType), cel.Variable("turns", cel.IntType), cel.Variable("role", cel.MapType(cel.StringType, cel.IntType)),
		cel.Variable("tools", cel.IntType), cel.Variable("images", cel.IntType), cel.Variable("json", cel.BoolType),
		cel.Variable("header", cel.MapType(cel.StringType, cel.StringType)), cel.Variable("identity", cel.StringType),
		cel.Variable("hour", cel.IntType), cel.Variable("weekday", cel.IntType),
	}
}

// variables is a Set as conditions see it. It keeps the boxed values, so that fifty conditions box each of them once.
type variables struct {
	set   *Set
	ctx   context.Context
	boxed []named
	maps  []*lookup
}

type named struct {
	name  string
	value ref.Val
}

// Variables returns the signals by their names in conditions. They are found by ctx, and those that cannot be are errors of what asks for them:
// ErrNothing, ErrUnsure or an *Error.
func (s *Set) Variables(ctx context.Context) cel.Activation {
	s.vars.set, s.vars.ctx = s, ctx
	return &s.vars
}

// Parent returns nil: there is no outer scope.
func (v *variables) Parent() cel.Activation { return nil }

// ResolveName returns a variable's value.
func (v *variables) ResolveName(name string) (any, bool) {
	switch name {
	case "similarity", "keyword", "header", "role":
		return v.lookup(name), true
	}
	for i := range v.boxed {
		if v.boxed[i].name == name {
			return v.boxed[i].value, true
		}
	}
	value := v.find(name)
	if value == nil {
		return nil, false
	}
	v.boxed = append(v.boxed, named{name, value})
	return value, true
}

// find returns a signal that is one value, nil for a name nobody knows.
func (v *variables) find(name string) ref.Val {
	s := v.set
	switch name {
	case "domain", "confidence":
		d, err := s.Domain(v.ctx)
		switch {
		case err != nil:
			return types.WrapErr(err)
		case !d.Sure:
			return types.WrapErr(ErrUnsure)
		case name == "domain":
			return types.String(d.Label)
		}
		return types.Double(d.Probability)
	case "difficulty":
		return double(s.Difficulty(v.ctx))
	case "language":
		return types.String(s.Language())
	case "code":
		return types.Double(s.Code())
	case "tokens":
		return types.Int(s.Tokens())
	case "turns":
		return types.Int(s.Turns())
	case "tools":
		return types.Int(s.Tools())
	case "images":
		return types.Int(s.Images())
	case "json":
		return types.Bool(s.JSON())
	case "identity":
		return types.String(s.Identity())
	case "hour":
		return types.Int(s.Hour())
	case "weekday":
		return types.Int(s.Weekday())
	}
	return nil
}

func double(f float64, err error) ref.Val {
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Double(f)
}

// lookup is a variable that holds a signal for each name. To CEL it is a map, empty but for the names that are asked for.
type lookup struct {
	traits.Mapper
	vars  *variables
	name  string
	boxed []named
}

func (v *variables) lookup(name string) *lookup {
	for _, l := range v.maps {
		if l.name == name {
			return l
		}
	}
	l := &lookup{Mapper: types.NewStringInterfaceMap(types.DefaultTypeAdapter, nil), vars: v, name: name}
	v.maps = append(v.maps, l)
	return l
}

// Find returns the signal of a name.
func (l *lookup) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	if at := slices.IndexFunc(l.boxed, func(n named) bool { return n.name == string(name) }); at >= 0 {
		return l.boxed[at].value, true
	}
	var value ref.Val
	switch s := l.vars.set; l.name {
	case "similarity":
		value = double(s.Similarity(l.vars.ctx, string(name)))
	case "keyword":
		value = types.Bool(s.Keyword(string(name)))
	case "header":
		value = types.String(s.Header(string(name)))
	case "role":
		value = types.Int(s.Role(string(name)))
	}
	l.boxed = append(l.boxed, named{string(name), value})
	return value, true
}

// Get returns the same, as the index operator asks for it.
func (l *lookup) Get(key ref.Val) ref.Val {
	value, ok := l.Find(key)
	if !ok {
		return types.NewErr("no such name")
	}
	return value
}

// Found is a signal that a condition asked for. Value is as CEL writes it, or why there is none.
type Found struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Found returns the signals that conditions have asked for, in no set order but that those of one kind stand together.
func (s *Set) Found() []Found {
	out := []Found{}
	add := func(name string, v ref.Val) {
		f := Found{Name: name}
		switch v := v.(type) {
		case *types.Err:
			f.Value = v.Error()
			if d, ok := s.Read(); ok && name == "domain" {
				f.Value = fmt.Sprintf("%q %.3f: %s", d.Label, d.Probability, f.Value)
			}
		case types.String:
			f.Value = strconv.Quote(string(v))
		case types.Double:
			f.Value = strconv.FormatFloat(float64(v), 'f', 3, 64)
		default:
			f.Value = fmt.Sprint(v.Value())
		}
		out = append(out, f)
	}
	for _, n := range s.vars.boxed {
		add(n.name, n.value)
	}
	for _, m := range s.vars.maps {
		for _, n := range m.boxed {
			add(m.name+"."+n.name, n.value)
		}
	}
	return out
}
