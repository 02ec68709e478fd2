package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/spf13/cobra"
)

func newEvalRouting() *cobra.Command {
	var f evalFlags
	var how routingFlags
	c := &cobra.Command{
		Use:   "routing --data FILE",
		Short: "Measure what routing by difficulty saves, on recorded answers of two models",
		Long: `Measure what routing by difficulty saves, on recorded answers of two models.

The file is that of mom eval difficulty. The share s of the questions that the model calls hardest goes to the strong model, the rest to the weak one,
for s of 0, 10, ... 100 %. Cost is the mean length of the recorded answers in characters: it stands for tokens, knows nothing of prices, and a weak
model that writes more than the strong one costs more here.

Unless named, the strong model is the most accurate of those that answered nine questions in ten, and the weak one the most accurate of those whose
answers are at most half as long; if none are, the one with the shortest answers. Questions that one of the two did not answer are left out.

Printed are accuracy and cost at each share, the mean accuracy above random routing over all shares (area) beside its standard deviation over random
orders, and the least share that goes 95 % of the way from the weak model's accuracy to the strong one's, for the model, for random routing, for the
length of the question, for the mean of its domain (with --train), and for an oracle that knows who will be right.`,
		Example: `  mom eval routing --data difficulty/val.jsonl.gz --train difficulty/train.jsonl.gz
  mom eval routing --data difficulty/val.jsonl.gz --strong Meta-Llama-3_1-70B-Instruct --weak Meta-Llama-3_1-8B-Instruct`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			x, err := readExams(f.data, how.train)
			if err != nil {
				return err
			}
			return f.run(c, func(ctx context.Context, s *Shelf, progress io.Writer) (evalReport, error) {
				return evalRouting(ctx, s, &f, how, x, progress)
			})
		},
	}
	f.common(c)
	trainFlag(c, &how.train)
	c.Flags().StringVar(&how.strong, "strong", "", "name of the strong model in the file (default see above)")
	c.Flags().StringVar(&how.weak, "weak", "", "name of the weak model in the file (default see above)")
	c.Flags().BoolVar(&how.options, "options", false, "ask with the options of the rows that have some, as lines A., B., ...")
	return c
}

type routingFlags struct {
	train, strong, weak string
	options             bool
}

// routingReport is what mom eval routing prints.
type routingReport struct {
	evalHead
	Options bool            `json:"options"` // asked with the options
	Train   *evalSource     `json:"train"`   // null without --train
	Strong  answerer        `json:"strong"`
	Weak    answerer        `json:"weak"`
	Cost    string          `json:"cost"` // what it is counted in
	Orders  []routingOrders `json:"orders"`
}

// An answerer is a model of the file, over the questions it answered.
type answerer struct {
	Name      string          `json:"name"`
	N         int             `json:"n"`
	Accuracy  evaluate.Figure `json:"accuracy"`
	OutputLen evaluate.Figure `json:"output_len"` // mean, characters
}

type routingOrders struct {
	Name string `json:"name"`
	evaluate.Curve
}

func evalRouting(ctx context.Context, s *Shelf, f *evalFlags, how routingFlags, x exams, progress io.Writer) (routingReport, error) {
	strong, weak, err := contestants(x.rows, how.strong, how.weak)
	if err != nil {
		return routingReport{}, fmt.Errorf("%s: %w", f.data, err)
	}
	m, err := forTask(ctx, s, "difficulty", f.model)
	if err != nil {
		return routingReport{}, err
	}
	var rows []exam
	for _, r := range x.rows {
		_, one := r.models[strong.Name]
		if _, two := r.models[weak.Name]; one && two {
			rows = append(rows, r)
		}
	}
	rows = spread(rows, f.limit)
	if len(rows) == 0 {
		return routingReport{}, fmt.Errorf("%s: no row was answered by both %s and %s", f.data, strong.Name, weak.Name)
	}
	trials := make([]evaluate.Trial, len(rows))
	length, table, oracle := make([]float64, len(rows)), make([]float64, len(rows)), make([]float64, len(rows))
	for i, r := range rows {
		a, b := r.models[strong.Name], r.models[weak.Name]
		trials[i] = evaluate.Trial{Strong: a.Correct == 1, Weak: b.Correct == 1, StrongCost: a.OutputLen, WeakCost: b.OutputLen}
		length[i], table[i], oracle[i] = textLength(r.text), x.said(r.label), float64(a.Correct-b.Correct)
	}
	said, err := difficulties(ctx, m, f.data, rows, how.options, progress)
	if err != nil {
		return routingReport{}, err
	}
	report := routingReport{
		evalHead: newHead(m.entry, f.data, x.sha256, len(x.rows), len(rows)), Options: how.options, Train: x.train, Strong: strong, Weak: weak,
		Cost: "mean output_len of the chosen answers, characters",
	}
	report.Task = "routing"
	order := func(name string, scores []float64) {
		report.Orders = append(report.Orders, routingOrders{name, evaluate.Route(trials, scores)})
	}
	order("model", said)
	order("random", make([]float64, len(rows)))
	order("length", length)
	if x.train != nil {
		order("domain", table)
	}
	order("oracle", oracle)
	return report, nil
}

// contestants returns the two models of the file to route between: those named, or else those that the command's help describes.
func contestants(rows []exam, strong, weak string) (_, _ answerer, err error) {
	hits, lengths := map[string][]float64{}, map[string][]float64{}
	for _, r := range rows {
		for name, a := range r.models {
			hits[name] = append(hits[name], float64(a.Correct))
			lengths[name] = append(lengths[name], a.OutputLen)
		}
	}
	all := make([]answerer, 0, len(hits))
	for _, name := range slices.Sorted(maps.Keys(hits)) {
		all = append(all, answerer{name, len(hits[name]), evaluate.Mean(hits[name]), evaluate.Mean(lengths[name])})
	}
	best := func(said string, ok func(answerer) bool, better func(a, b answerer) int) (answerer, error) {
		fit := slices.DeleteFunc(slices.Clone(all), func(a answerer) bool { return said == "" && !ok(a) || said != "" && a.Name != said })
		switch {
		case len(fit) > 0:
		case said == "":
			return answerer{}, errors.New("no two models answered nine questions in ten")
		default:
			return answerer{}, fmt.Errorf("no model %s in the field models", said)
		}
		return slices.MaxFunc(fit, better), nil
	}
	accuracy := func(a, b answerer) int { return cmp.Compare(a.Accuracy, b.Accuracy) }
	often := func(a answerer) bool { return 10*a.N >= 9*len(rows) }
	first, err := best(strong, often, accuracy)
	if err != nil {
		return first, first, err
	}
	second, err := best(weak, func(a answerer) bool { return often(a) && a.Name != first.Name && 2*a.OutputLen <= first.OutputLen }, accuracy)
	if err != nil && weak == "" {
		second, err = best("", func(a answerer) bool { return often(a) && a.Name != first.Name }, func(a, b answerer) int { return cmp.Compare(b.OutputLen, a.OutputLen) })
	}
	if err == nil && first.Name == second.Name {
		err = usageError{fmt.Errorf("%s cannot be both the strong and the weak model", first.Name)}
	}
	return first, second, err
}

func (r routingReport) print(w io.Writer) error {
	p := &printer{w: w}
	r.line(p)
	for _, a := range []struct {
		is string
		answerer
	}{{"strong", r.Strong}, {"weak", r.Weak}} {
		p.line("%-7s %s: accuracy %s, %.0f characters, over the %d questions it answered", a.is, a.Name, a.Accuracy, a.OutputLen, a.N)
	}
	p.line("\nby the share sent to the strong model: accuracy / cost (%s)", r.Cost)
	p.line("%s", row("", r.Orders, func(o routingOrders) string { return o.Name }))
	for i := range r.Orders[0].Points {
		p.line("%s", row(fmt.Sprintf("%.0f %%", 100*r.Orders[0].Points[i].Share), r.Orders, func(o routingOrders) string {
			return fmt.Sprintf("%s / %.0f", o.Points[i].Accuracy, o.Points[i].Cost)
		}))
	}
	p.line("%s", row("area", r.Orders, func(o routingOrders) string { return fmt.Sprintf("%+.4f", o.Area) }))
	p.line("%s", row("95 % at", r.Orders, func(o routingOrders) string {
		if math.IsNaN(float64(o.Reaches)) {
			return "-"
		}
		return fmt.Sprintf("%.1f %%", 100*o.Reaches)
	}))
	p.line("\narea: mean accuracy above random routing, over all shares; a random order has one of 0 ± %.4f", r.Orders[0].Chance)
	p.line("95 %% at: the least share that goes 95 %% of the way from weak to strong")
	return p.err
}

// row is a line of a table: a name and a cell for each order.
func row(name string, orders []routingOrders, cell func(routingOrders) string) string {
	line := fmt.Sprintf("%-8s", name)
	for _, o := range orders {
		line += fmt.Sprintf("  %14s", cell(o))
	}
	return line
}
