package route

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/mom-router/mom/pkg/route/signal"
)

// Compiler compiles the conditions of decisions: CEL over the signals of a request. Build it with NewCompiler.
type Compiler struct {
	env   *cel.Env
	words map[string][]string // what a variable may be
	maps  map[string][]string // what a variable has, nil for anything
}

// NewCompiler returns a Compiler. Conditions that compare domain with a word that is none of the domains, or ask for a signal by a name that the
// configuration does not have, are refused.
func NewCompiler(names signal.Names) (*Compiler, error) {
	env, err := cel.NewEnv(append(signal.Declared(), cel.CrossTypeNumericComparisons(true))...)
	if err != nil {
		return nil, fmt.Errorf("build the CEL environment: %w", err)
	}
	return &Compiler{env: env, words: names.Words(), maps: names.Maps()}, nil
}

// Condition is a compiled condition, safe for concurrent use. The zero Condition is none.
type Condition struct {
	program cel.Program
	signals []string

	text    string
	env     *cel.Env // these two are for those who explain it
	checked *cel.Ast
}

// Signals returns the signals that the condition may ask for, sorted; one of many names stands as such as header.x-plan.
func (c Condition) Signals() []string { return c.signals }

// Compile parses and type-checks one condition. The error says in one line all that is wrong with it, with columns from 1.
func (c *Compiler) Compile(when string) (Condition, error) {
	checked, issues := c.env.Compile(when)
	if issues.Err() != nil {
		var faults []string
		for _, e := range issues.Errors() {
			// CEL names the container of an unknown name, which is always '' here, and lists every token that could have stood at a fault.
			msg, _, _ := strings.Cut(strings.ReplaceAll(e.Message, " (in container '')", ""), " expecting {")
			faults = append(faults, at(e.Location.Line(), e.Location.Column()+1)+strings.ReplaceAll(msg, "\n", " "))
		}
		return Condition{}, errors.New(strings.Join(faults, "; "))
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return Condition{}, fmt.Errorf("a condition is true or false, this one is %s", checked.OutputType())
	}
	if err := c.checkWords(checked); err != nil {
		return Condition{}, err
	}
	signals, err := c.checkNames(checked)
	if err != nil {
		return Condition{}, err
	}
	program, err := c.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return Condition{}, fmt.Errorf("plan the condition: %w", err)
	}
	return Condition{program: program, signals: signals, text: when, env: c.env, checked: checked}, nil
}

func at(line, column int) string {
	if line > 1 {
		return "line " + strconv.Itoa(line) + ", column " + strconv.Itoa(column) + ": "
	}
	return "column " + strconv.Itoa(column) + ": "
}

// checkWords finds words that a variable can never be: such a condition would compile, and silently never hold.
func (c *Compiler) checkWords(checked *cel.Ast) error {
	unknown := map[string][]string{}
	check := func(variable, e ast.Expr) {
		if variable.Kind() != ast.IdentKind {
			return
		}
		of := variable.AsIdent()
		if s, ok := literal(e); ok && c.words[of] != nil && !slices.Contains(c.words[of], s) {
			unknown[of] = append(unknown[of], strconv.Quote(s))
		}
	}
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			check(left, right)
			check(right, left)
		case operators.In:
			if right.Kind() == ast.ListKind {
				for _, item := range right.AsList().Elements() {
					check(left, item)
				}
			}
		}
	}))
	var faults []string
	for _, of := range slices.Sorted(maps.Keys(unknown)) {
		known := slices.DeleteFunc(slices.Clone(c.words[of]), func(w string) bool { return w == "" })
		faults = append(faults, fmt.Sprintf("no %s is named %s; the %ss are %s", of, strings.Join(unknown[of], ", "), of, strings.Join(known, ", ")))
	}
	if faults == nil {
		return nil
	}
	return errors.New(strings.Join(faults, "; "))
}

// checkNames finds signals that are asked for by no name, or by one that nobody configured, and returns all that the condition asks for.
func (c *Compiler) checkNames(checked *cel.Ast) ([]string, error) {
	var signals, faults []string
	lines := checked.NativeRep().SourceInfo()
	fault := func(e ast.Expr, format string, args ...any) {
		where := lines.GetStartLocation(e.ID())
		faults = append(faults, at(where.Line(), where.Column()+1)+fmt.Sprintf(format, args...))
	}
	named := map[int64]bool{} // the variables that a name follows
	name := func(variable ast.Expr, key string, ok bool) {
		if variable.Kind() != ast.IdentKind {
			return
		}
		of := variable.AsIdent()
		names, isMap := c.maps[of]
		if !isMap {
			return
		}
		named[variable.ID()] = true
		switch {
		case !ok:
			fault(variable, "%s needs a name in quotes", of)
		case names != nil && !slices.Contains(names, key):
			have := "there are none"
			if len(names) > 0 {
				have = "there is " + strings.Join(names, ", ")
			}
			fault(variable, "no %s is named %q; %s", of, key, have)
		case of == "header" && key != strings.ToLower(key):
			fault(variable, "names of headers are written in lower case here: %q", strings.ToLower(key))
		default:
			signals = append(signals, of+"."+key)
		}
	}
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			s := e.AsSelect()
			if s.IsTestOnly() && s.Operand().Kind() == ast.IdentKind && c.isMap(s.Operand().AsIdent()) {
				named[s.Operand().ID()] = true
				fault(e, "has() tells nothing of a signal; one that is not there is an empty text or 0")
				return
			}
			name(s.Operand(), s.FieldName(), true)
		case ast.CallKind:
			if call := e.AsCall(); call.FunctionName() == operators.Index {
				key, ok := literal(call.Args()[1])
				name(call.Args()[0], key, ok)
			}
		case ast.IdentKind:
			switch of := e.AsIdent(); {
			case !c.isMap(of):
				signals = append(signals, of)
			case !named[e.ID()]:
				fault(e, "%s needs a name, such as %s.NAME or %s[\"NAME\"]", of, of, of)
			}
		}
	}))
	if faults != nil {
		return nil, errors.New(strings.Join(faults, "; "))
	}
	slices.Sort(signals)
	return slices.Compact(signals), nil
}

func (c *Compiler) isMap(name string) bool {
	_, ok := c.maps[name]
	return ok
}

// literal returns a text that stands in the condition as such.
func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// holds evaluates the condition. The error is that of a signal (signal.ErrNothing, signal.ErrUnsure or a *signal.Error), or errEvaluation for one of
// the condition's own, such as a division by zero, without CEL's text, which may quote values.
func (c Condition) holds(vars cel.Activation) (bool, error) {
	v, _, err := c.program.Eval(vars)
	return v == types.True, reasonOf(err)
}

// reasonOf returns why a condition could not be told, nil when it could.
func reasonOf(err error) error {
	if err == nil {
		return nil // before anything is allocated, fifty times a request
	}
	var of *signal.Error
	switch {
	case errors.Is(err, signal.ErrNothing):
		return signal.ErrNothing
	case errors.Is(err, signal.ErrUnsure):
		return signal.ErrUnsure
	case errors.As(err, &of):
		return of
	}
	return errEvaluation
}

var errEvaluation = errors.New("the condition could not be evaluated")
