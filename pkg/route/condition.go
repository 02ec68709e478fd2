package route

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Compiler compiles the conditions of decisions: CEL over the variables domain (string) and confidence (double). Build it with NewCompiler.
type Compiler struct {
	env    *cel.Env
	labels []string
}

// NewCompiler returns a Compiler. Conditions that compare domain with a word that is none of labels are refused; nil labels, when no model is
// loaded to name them, lets every word pass.
func NewCompiler(labels []string) (*Compiler, error) {
	env, err := cel.NewEnv(cel.Variable("domain", cel.StringType), cel.Variable("confidence", cel.DoubleType))
	if err != nil {
		return nil, fmt.Errorf("build the CEL environment: %w", err)
	}
	return &Compiler{env: env, labels: slices.Clone(labels)}, nil
}

// Condition is a compiled condition, safe for concurrent use. The zero Condition is none.
type Condition struct{ program cel.Program }

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
	if err := c.checkLabels(checked); err != nil {
		return Condition{}, err
	}
	program, err := c.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return Condition{}, fmt.Errorf("plan the condition: %w", err)
	}
	return Condition{program: program}, nil
}

func at(line, column int) string {
	if line > 1 {
		return "line " + strconv.Itoa(line) + ", column " + strconv.Itoa(column) + ": "
	}
	return "column " + strconv.Itoa(column) + ": "
}

// checkLabels finds words that domain can never be: such a condition would compile, and silently never hold.
func (c *Compiler) checkLabels(checked *cel.Ast) error {
	if c.labels == nil {
		return nil
	}
	var unknown []string
	check := func(e ast.Expr) {
		if e.Kind() != ast.LiteralKind {
			return
		}
		if s, ok := e.AsLiteral().(types.String); ok && !slices.Contains(c.labels, string(s)) {
			unknown = append(unknown, strconv.Quote(string(s)))
		}
	}
	isDomain := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == "domain" }
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			if isDomain(left) {
				check(right)
			} else if isDomain(right) {
				check(left)
			}
		case operators.In:
			if isDomain(left) && right.Kind() == ast.ListKind {
				for _, item := range right.AsList().Elements() {
					check(item)
				}
			}
		}
	}))
	if unknown == nil {
		return nil
	}
	return fmt.Errorf("no domain is named %s; the domains are %s", strings.Join(unknown, ", "), strings.Join(c.labels, ", "))
}

// signals are the variables of one request. The values are boxed once, not at every look-up of every decision.
type signals struct{ domain, confidence any }

func newSignals(d Domain) *signals {
	return &signals{domain: types.String(d.Label), confidence: types.Double(d.Probability)}
}

// ResolveName returns a variable's value.
func (s *signals) ResolveName(name string) (any, bool) {
	switch name {
	case "domain":
		return s.domain, true
	case "confidence":
		return s.confidence, true
	}
	return nil, false
}

// Parent returns nil: there is no outer scope.
func (s *signals) Parent() cel.Activation { return nil }

// holds evaluates the condition. The error, such as a division by zero, is left without CEL's text, which may quote values.
func (c Condition) holds(s *signals) (bool, error) {
	v, _, err := c.program.Eval(s)
	if err != nil {
		return false, errEvaluation
	}
	return v == types.True, nil
}

var errEvaluation = errors.New("the condition could not be evaluated")
