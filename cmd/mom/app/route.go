package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
	"github.com/spf13/cobra"
)

func newRoute() *cobra.Command {
	var file string
	var where Places
	var asJSON, explain bool
	c := &cobra.Command{
		Use:   "route < request.json",
		Short: "Decide about one chat request without Envoy, and say why",
		Long: `Read one chat completion request from standard input, decide about it exactly as serve would, and print the decision and what each stage
found. Nothing is sent anywhere. A request that would be refused prints the refusal and exits with 1.

With --explain it also prints every signal that was asked for, what became of every condition and its parts, and why the winner won; it then shows values
of headers that conditions ask for.`,
		Example: `  echo '{"model":"MoM","messages":[{"role":"user","content":"What is 12 * 13?"}]}' | mom route`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(file)
			if err != nil {
				return err
			}
			s := NewShelf(where)
			g, err := Build(c.Context(), cfg, s)
			if err == nil {
				var x *route.Router
				if explain {
					x, err = chooser(c.Context(), cfg, s)
				}
				if err == nil {
					err = routeOne(c.Context(), g, x, c.InOrStdin(), c.OutOrStdout(), asJSON)
				}
			}
			return errors.Join(err, s.Close())
		},
	}
	configFlag(c, &file)
	where.flags(c)
	jsonFlag(c, &asJSON)
	c.Flags().BoolVar(&explain, "explain", false, "also print the signals, the conditions and why the winner won")
	return c
}

// routed is what mom route prints.
type routed struct {
	Decision string      `json:"decision,omitempty"`
	Domain   string      `json:"domain,omitempty"`
	Model    string      `json:"model,omitempty"`
	Plan     []tierLine  `json:"plan,omitempty"`
	Degraded string      `json:"degraded,omitempty"`
	Redacted []string    `json:"redacted,omitempty"` // placeholders that the body has for every tier
	Guard    string      `json:"guard,omitempty"`    // as in x-mom-guard
	Refused  *refusal    `json:"refused,omitempty"`
	Stages   []stageLine `json:"stages"`
	COT      string      `json:"cot,omitempty"`

	Explanation *route.Explanation `json:"explanation,omitempty"`
}

type tierLine struct {
	Model   string `json:"model"`
	Cluster string `json:"cluster"`
}

type refusal struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
}

type stageLine struct {
	Stage  string  `json:"stage"`
	Note   string  `json:"note,omitempty"`
	Error  string  `json:"error,omitempty"`
	Millis float64 `json:"ms"`
}

var errRefused = errors.New("the request is refused")

// routeOne decides about one request, and explains it where explainer is not nil.
func routeOne(ctx context.Context, g *extproc.Gateway, explainer *route.Router, in io.Reader, out io.Writer, asJSON bool) error {
	raw, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	r, err := decide(ctx, g, raw)
	if err != nil {
		return err
	}
	if body, fault := g.Parser.Parse("", raw); explainer != nil && fault == nil && body.Request.Alias == pipeline.MoM {
		x, err := explainer.Explain(ctx, body.Request)
		if err != nil {
			return fmt.Errorf("explain: %w", err)
		}
		r.Explanation = &x
	}
	return answer(out, r, r.Refused != nil, asJSON)
}

// answer prints what a command makes of a request, and returns errRefused when that is a refusal.
func answer(out io.Writer, report interface{ print(io.Writer) error }, isRefused, asJSON bool) error {
	var err error
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.print(out)
	}
	if err == nil && isRefused {
		err = errRefused
	}
	return err
}

func decide(ctx context.Context, g *extproc.Gateway, raw []byte) (routed, error) {
	body, fault := g.Parser.Parse("", raw)
	if fault != nil {
		return routed{Refused: refused(fault.Reply()), Stages: []stageLine{}}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	d, err := g.Runner.Run(ctx, body.Request)
	if err != nil {
		return routed{}, err
	}
	r := routed{}
	r.Stages = stageLines(d.Trail)
	r.Guard = pipeline.GuardState(d.Trail, g.Guards)
	if d.Verdict != pipeline.Continue {
		r.Refused = refused(d.Reply)
		return r, nil
	}
	plan, ok := pipeline.Find[pipeline.Plan](d.Trail)
	if !ok {
		return r, errors.New("the pipeline left no plan")
	}
	r.Decision, r.Domain, r.Degraded, r.Model = plan.Decision, plan.Domain, plan.Degraded, plan.Tiers[0].Model
	for _, t := range plan.Tiers {
		r.Plan = append(r.Plan, tierLine{t.Model, t.Cluster})
	}
	for _, p := range plan.Replacements {
		if !slices.Contains(r.Redacted, p.With) {
			r.Redacted = append(r.Redacted, p.With)
		}
	}
	trail := cot.FromPlan(plan, 0)
	if found, ok := pipeline.Find[pipeline.Guarded](d.Trail); ok && r.Guard != pipeline.GuardDegraded {
		trail.Guard = cot.FromGuarded(found)
	}
	if found, _ := pipeline.Find[pipeline.Recalled](d.Trail); found.State == pipeline.RecallMiss {
		trail.Memory = &cot.Memory{}
	}
	r.COT = trail.String()
	return r, nil
}

func stageLines(t pipeline.Trail) []stageLine {
	lines := []stageLine{}
	for _, e := range t.Entries() {
		l := stageLine{Stage: e.Stage, Note: e.Outcome.Note, Millis: float64(e.Took.Round(time.Microsecond).Microseconds()) / 1000}
		if err := cmp.Or(e.Err, e.Outcome.Lost); err != nil {
			l.Error = err.Error()
		}
		lines = append(lines, l)
	}
	return lines
}

// said is what a stage has to say for people.
func (s stageLine) said() string {
	switch {
	case s.Error == "":
		return s.Note
	case s.Note == "":
		return "failed: " + s.Error
	}
	return s.Note + "; failed: " + s.Error
}

func refused(r *pipeline.Reply) *refusal { return &refusal{Status: r.Status, Body: r.Body} }

func (r routed) print(w io.Writer) error {
	p := &printer{w: w}
	if r.Refused != nil {
		p.line("refused   %d %s", r.Refused.Status, r.Refused.Body)
	} else {
		p.line("decision  %s", r.Decision)
		if r.Domain != "" {
			p.line("domain    %s", r.Domain)
		}
		if r.Degraded != "" {
			p.line("degraded  %s", r.Degraded)
		}
		for i, t := range r.Plan {
			p.line("%-9s %s (cluster %s)", [...]string{"model", "then"}[min(i, 1)], t.Model, t.Cluster)
		}
		if len(r.Redacted) > 0 {
			p.line("redacted  %s, for every model of the plan", strings.Join(r.Redacted, ", "))
		}
	}
	for _, s := range r.Stages {
		p.line("stage     %-9s %7.3f ms  %s", s.Stage, s.Millis, s.said())
	}
	if x := r.Explanation; x != nil {
		for _, s := range x.Signals {
			p.line("signal    %-22s %s", s.Name, s.Value)
		}
		for _, d := range x.Decisions {
			p.line("when      %-22s %s: %s", d.Name, d.Value, strings.Join(strings.Fields(d.When), " "))
			for _, part := range d.Parts {
				p.line("          %-22s %s: %s", "", part.Value, part.Expression)
			}
		}
		p.line("winner    %-22s %s", x.Winner, x.Why)
	}
	if r.COT != "" {
		p.line("%s", r.COT)
	}
	return p.err
}

// printer keeps the first error, so that lines need no check of their own.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
