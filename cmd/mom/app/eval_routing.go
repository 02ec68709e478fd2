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
	"strconv"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/mom-router/mom/pkg/route/strategy"
	"github.com/spf13/cobra"
)

func newEvalRouting() *cobra.Command {
	var f evalFlags
	var how routingFlags
	c := &cobra.Command{
		Use:   "routing --data FILE",
		Short: "Measure what routing between two models saves, on their recorded answers",
		Long: `Measure what routing between two models saves, on their recorded answers.

The file is that of mom eval difficulty. The share s of the questions that an order puts first goes to the strong model, the rest to the weak one, for
s of 0, 10, ... 100 %. The orders are
  model       by the difficulty that the model sees, the hardest first
  domain, difficulty, both (with --train)
              by the served strategy cost-quality: in the order in which it takes the strong model when ever more quality is asked for; calibrated by the
              rows of --train alone, for what it reads of the question: its domain, its difficulty, or both
  random, length, oracle
              as likely all, by the length of the question, by who will be right

Unless named, the strong model is the most accurate of those that answered nine questions in ten, and the weak one the most accurate of those whose
answers are at most half as long; if none are, the one with the shortest answers. Questions that one of the two did not answer are left out.

Cost is in USD by --price-strong and --price-weak, four characters a token; without them it is the mean length of the answers in characters, which knows
nothing of prices: a weak model that writes more than the strong one costs more there.

Printed are, for each order, APGR (the mean over all shares of the part of the way from the weak to the strong model's accuracy that is gone; 0.5 is
random), CPT 50 % (the least share at which half of it is gone), the cost at 95 % of the strong model's accuracy as a share of the strong model's, each
with its 95 % interval; the mean accuracy above random (area); the least share that goes 95 % of the way; accuracy and cost at each share; and with
--train what comes of the settings of the strategy, and the qualities of both models as the configuration has them.`,
		Example: `  mom eval routing --data difficulty/val.jsonl.gz --train difficulty/train.jsonl.gz
  mom eval routing --data difficulty/val.jsonl.gz --strong Meta-Llama-3_1-70B-Instruct --weak Meta-Llama-3_1-8B-Instruct`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if _, _, err := how.prices(); err != nil {
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
	c.Flags().StringVar(&how.priceStrong, "price-strong", "", "what the strong model costs, IN/OUT in USD per million tokens (default see above)")
	c.Flags().StringVar(&how.priceWeak, "price-weak", "", "the same of the weak one")
	c.Flags().StringVar(&how.brain, "brain", "", "name of the model that reads the domain (default the first in the models folder)")
	return c
}

type routingFlags struct {
	train, strong, weak    string
	priceStrong, priceWeak string
	brain                  string
	options                bool
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
	// With --train: what comes of the strategy's settings, and what it was calibrated to, for the order both.
	Settings      []setting        `json:"settings"`
	QualityStrong strategy.Quality `json:"quality_strong"`
	QualityWeak   strategy.Quality `json:"quality_weak"`
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
	length, oracle := make([]float64, len(rows)), make([]float64, len(rows))
	priceStrong, priceWeak, err := how.prices()
	if err != nil {
		return routingReport{}, err
	}
	for i, r := range rows {
		a, b := r.models[strong.Name], r.models[weak.Name]
		trials[i] = evaluate.Trial{Strong: a.Correct == 1, Weak: b.Correct == 1, StrongCost: a.OutputLen, WeakCost: b.OutputLen}
		if priceStrong != nil {
			trials[i].StrongCost, trials[i].WeakCost = dollars(priceStrong, r.text, a.OutputLen), dollars(priceWeak, r.text, b.OutputLen)
		}
		length[i], oracle[i] = textLength(r.text), float64(a.Correct-b.Correct)
	}
	said, err := difficulties(ctx, m, f.data, rows, how.options, progress)
	if err != nil {
		return routingReport{}, err
	}
	report := routingReport{
		evalHead: newHead(m.entry, f.data, x.sha256, len(x.rows), len(rows)), Options: how.options, Train: x.judged(f.limit), Strong: strong, Weak: weak,
		Cost: "mean output_len of the chosen answers, characters",
	}
	report.Task = "routing"
	if priceStrong != nil {
		report.Cost = fmt.Sprintf("USD for a thousand questions, at %s and %s a million tokens in/out, %d characters a token", how.priceStrong, how.priceWeak, charsPerToken)
	}
	order := func(name string, scores []float64) {
		report.Orders = append(report.Orders, routingOrders{name, evaluate.Route(trials, scores)})
	}
	order("model", said)
	order("random", make([]float64, len(rows)))
	order("length", length)
	if x.train != nil {
		served, err := forecasts(ctx, s, f, how, x, strong.Name, weak.Name, progress)
		if err != nil {
			return routingReport{}, err
		}
		for i := range served {
			if err := served[i].ask(ctx, f.data, rows, how.options, progress); err != nil {
				return routingReport{}, err
			}
			order(served[i].name, served[i].scores())
		}
		both := served[len(served)-1]
		report.Settings, report.QualityStrong, report.QualityWeak = both.settings(trials), both.strong.Quality, both.weak.Quality
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
	estimate := func(o evaluate.Estimate, scale float64, format string) string {
		if math.IsNaN(float64(o.Value)) {
			return "-"
		}
		f := func(v evaluate.Figure) string { return fmt.Sprintf(format, scale*float64(v)) }
		return fmt.Sprintf("%s (%s-%s)", f(o.Value), f(o.Low), f(o.High))
	}
	p.line("\n%-10s  %-21s  %-18s  %-18s  %-8s  95 %% at", "n "+strconv.Itoa(r.Data.Judged), "APGR", "CPT 50 %", "cost at 95 %", "area")
	for _, o := range r.Orders {
		reaches := "-"
		if !math.IsNaN(float64(o.Reaches)) {
			reaches = fmt.Sprintf("%.1f %%", 100*o.Reaches)
		}
		p.line("%-10s  %-21s  %-18s  %-18s  %+.4f  %s", o.Name, estimate(o.APGR, 1, "%.3f"), estimate(o.CPT50, 100, "%.1f"), estimate(o.Cost95, 100, "%.1f"),
			o.Area, reaches)
	}
	p.line("\nAPGR: 0.5 is random; CPT 50 %% and 95 %% at: of the questions, to the strong model, for 50 and 95 %% of the way from weak to strong")
	p.line("cost at 95 %%: of the strong model's cost, for 95 %% of its accuracy; intervals of 95 %%, by drawing the questions again")
	p.line("area: mean accuracy above random routing, over all shares; a random order has one of 0 ± %.4f", r.Orders[0].Chance)
	p.line("\nby the share sent to the strong model: accuracy / cost (%s)", r.Cost)
	p.line("%s", row("", r.Orders, func(o routingOrders) string { return o.Name }))
	for i := range r.Orders[0].Points {
		p.line("%s", row(fmt.Sprintf("%.0f %%", 100*r.Orders[0].Points[i].Share), r.Orders, func(o routingOrders) string {
			return fmt.Sprintf("%s / %s", o.Points[i].Accuracy, cost(o.Points[i].Cost))
		}))
	}
	if r.Train == nil {
		return p.err
	}
	p.line("\nstrategy: {cost-quality: {quality: ...}}, by domain and difficulty, calibrated on %d rows of %s", r.Train.Judged, r.Train.File)
	p.line("quality  to strong  accuracy (95 %% interval)  cost")
	for _, s := range r.Settings {
		low, high := s.Accuracy.Wilson()
		p.line("%7.2f  %7.1f %%  %s (%s-%s)        %s", s.Quality, 100*s.Share, s.Accuracy.Value(), low, high, cost(s.Cost))
	}
	p.line("\n%s:\n  quality: %s\n%s:\n  quality: %s", r.Strong.Name, yaml(r.QualityStrong), r.Weak.Name, yaml(r.QualityWeak))
	return p.err
}

// cost is characters, or dollars.
func cost(c evaluate.Figure) string {
	if c < 10 {
		return fmt.Sprintf("%.3f", float64(c))
	}
	return fmt.Sprintf("%.0f", float64(c))
}

// row is a line of a table: a name and a cell for each order.
func row(name string, orders []routingOrders, cell func(routingOrders) string) string {
	line := fmt.Sprintf("%-8s", name)
	for _, o := range orders {
		line += fmt.Sprintf("  %14s", cell(o))
	}
	return line
}
