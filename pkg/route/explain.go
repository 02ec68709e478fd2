package route

import (
	"context"
	"errors"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"

	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route/signal"
)

// Explanation is how a request that asks for the router is decided, before its models are looked at: which of them may have it is told by the plan.
type Explanation struct {
	Signals   []signal.Found `json:"signals"` // those that were asked for, in order
	Decisions []Judged       `json:"decisions"`
	Winner    string         `json:"winner"`
	Why       string         `json:"why"`
}

// Judged is a decision and what became of its condition.
type Judged struct {
	Name  string `json:"name"`
	When  string `json:"when"`
	Value string `json:"value"` // true, false, not reached, or why it could not be told
	Parts []Part `json:"parts,omitempty"`
}

// Part is an expression that a condition is made of by &&, || and !.
type Part struct {
	Expression string `json:"expression"`
	Value      string `json:"value"` // as in Judged, or not needed
}

// Explain decides as Run does, and says why. It asks for no signal that Run would not ask for.
func (r *Router) Explain(ctx context.Context, req *pipeline.Request) (Explanation, error) {
	set := r.reader.Read(req)
	vars := set.Variables(ctx)
	x := Explanation{Decisions: make([]Judged, 0, len(r.decisions))}
	for _, d := range r.decisions {
		j := Judged{Name: d.plan.Decision, When: d.when.text, Value: "not reached"}
		if x.Winner == "" {
			holds, parts, reason, err := d.when.explain(vars)
			if err != nil {
				return x, err
			}
			j.Value, j.Parts = said(holds), parts
			switch {
			case reason != nil:
				j.Value = reason.Error()
				x.Winner, x.Why = r.byDefault.plan.Decision, "the condition of "+j.Name+" could not be told: "+j.Value
			case holds:
				x.Winner, x.Why = j.Name, "the first whose condition holds"
			}
		}
		x.Decisions = append(x.Decisions, j)
	}
	if x.Winner == "" {
		x.Winner, x.Why = r.byDefault.plan.Decision, "no condition holds"
	}
	x.Signals = set.Found()
	return x, nil
}

func said(holds bool) string {
	if holds {
		return "true"
	}
	return "false"
}

// explain evaluates the condition once more, and slowly, to see the values of its parts. reason is why it could not be told.
func (c Condition) explain(vars cel.Activation) (holds bool, parts []Part, reason, err error) {
	program, err := c.env.Program(c.checked, cel.EvalOptions(cel.OptTrackState))
	if err != nil {
		return false, nil, nil, err
	}
	v, details, err := program.Eval(vars)
	reason = reasonOf(err)
	var state interpreter.EvalState
	if details != nil {
		state = details.State()
	}
	native := c.checked.NativeRep()
	var walk func(e ast.Expr) error
	walk = func(e ast.Expr) error {
		if e.Kind() == ast.CallKind {
			switch e.AsCall().FunctionName() {
			case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
				for _, arg := range e.AsCall().Args() {
					if err := walk(arg); err != nil {
						return err
					}
				}
				return nil
			}
		}
		text, err := cel.ExprToString(e, native.SourceInfo())
		if err != nil {
			return err
		}
		p := Part{Expression: text, Value: "not needed"}
		if state != nil {
			if v, ok := state.Value(e.ID()); ok {
				if fault, isErr := v.(*types.Err); isErr {
					p.Value = reasonOf(fault).Error()
				} else {
					p.Value = said(v == types.True)
				}
			}
		}
		parts = append(parts, p)
		return nil
	}
	if err := walk(native.Expr()); err != nil {
		return false, nil, nil, errors.New("the condition cannot be told in parts")
	}
	if len(parts) == 1 && parts[0].Expression == c.text {
		parts = nil // it is the whole
	}
	return v == types.True, parts, reason, nil
}
