package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route/signal"
	"github.com/mom-router/mom/pkg/route/strategy"
)

// priceFlag reads USD per million tokens, IN/OUT.
func priceFlag(name, said string) (*strategy.Price, error) {
	if said == "" {
		return nil, nil //nolint:nilnil // not said is no fault
	}
	in, out, _ := strings.Cut(said, "/")
	a, errA := strconv.ParseFloat(in, 64)
	b, errB := strconv.ParseFloat(out, 64)
	if errA != nil || errB != nil || !(a >= 0 && b >= 0) || math.IsInf(a+b, 0) {
		return nil, usageError{fmt.Errorf("--%s %q is not IN/OUT in USD per million tokens, such as 2.50/10", name, said)}
	}
	return &strategy.Price{Input: a, Output: b}, nil
}

// prices returns what the two models cost; both nil where nothing was said.
func (how routingFlags) prices() (strong, weak *strategy.Price, err error) {
	if strong, err = priceFlag("price-strong", how.priceStrong); err != nil {
		return nil, nil, err
	}
	if weak, err = priceFlag("price-weak", how.priceWeak); err != nil {
		return nil, nil, err
	}
	switch {
	case (strong == nil) != (weak == nil):
		return nil, nil, usageError{errors.New("--price-strong and --price-weak belong together")}
	case strong != nil && !(strong.Input >= weak.Input && strong.Output > weak.Output):
		return nil, nil, usageError{errors.New("the strong model must be the dearer one")}
	}
	return strong, weak, nil
}

// charsPerToken turns the lengths of the file into tokens, as the estimate of a request does.
const charsPerToken = 4

// dollars is what a thousand answers of so many characters to a text cost.
func dollars(p *strategy.Price, text string, answer float64) float64 {
	return (textLength(text)*p.Input + answer*p.Output) / charsPerToken / 1e3
}

// A forecast is the served strategy cost-quality with what it knows of the two models.
type forecast struct {
	name    string
	reader  *signal.Reader
	strong  strategy.Model
	weak    strategy.Model
	flipped []float64 // by question: the least quality asked for at which it goes to the strong model, above 1 where it never does
}

// forecasts calibrate the strategy by the rows of --train, three times: by domain, by difficulty, and by both.
func forecasts(ctx context.Context, s *Shelf, f *evalFlags, how routingFlags, x exams, strong, weak string, progress io.Writer) ([]forecast, error) {
	difficulty, err := forTask(ctx, s, "difficulty", f.model)
	if err != nil {
		return nil, err
	}
	domain, err := forTask(ctx, s, "domain", how.brain)
	if err != nil {
		return nil, err
	}
	rows := spread(x.others, f.limit)
	harder, err := hardness(ctx, difficulty, how, rows, progress)
	if err != nil {
		return nil, err
	}
	priceStrong, priceWeak, err := how.prices()
	if err != nil {
		return nil, err
	}
	if priceStrong == nil { // then calls of the strong model are what counts
		priceStrong, priceWeak = &strategy.Price{Input: 1, Output: 1}, &strategy.Price{}
	}
	var out []forecast
	for _, by := range []struct {
		name   string
		config signal.Config
		harder []float64
	}{
		{"domain", signal.Config{Domain: domain}, make([]float64, len(rows))},
		{"difficulty", signal.Config{Difficulty: difficulty}, harder},
		{"both", signal.Config{Domain: domain, Difficulty: difficulty}, harder},
	} {
		reader, err := signal.NewReader(ctx, by.config)
		if err != nil {
			return nil, err
		}
		out = append(out, forecast{
			name: by.name, reader: reader,
			strong: strategy.Model{Name: "strong", Price: priceStrong, Quality: calibrate(rows, strong, by.harder)},
			weak:   strategy.Model{Name: "weak", Price: priceWeak, Quality: calibrate(rows, weak, by.harder)},
		})
	}
	return out, nil
}

// sampled is how many rows of --train the difficulty is read of: what is needed of it is a mean by domain.
const sampled = 1400

// hardness returns for each row how hard its domain is in the mean, in logits of the difficulty that the model sees.
func hardness(ctx context.Context, m *onnxModel, how routingFlags, rows []exam, progress io.Writer) ([]float64, error) {
	some := spread(rows, min(sampled, len(rows)))
	said, err := difficulties(ctx, m, how.train, some, how.options, progress)
	if err != nil {
		return nil, err
	}
	byLabel, all := map[string][]float64{}, make([]float64, len(said))
	for i, p := range said {
		p = min(max(p, 0.01), 0.99)
		all[i] = math.Log(p / (1 - p))
		byLabel[some[i].label] = append(byLabel[some[i].label], all[i])
	}
	out := make([]float64, len(rows))
	for i, r := range rows {
		of := byLabel[r.label]
		if of == nil {
			of = all
		}
		out[i] = float64(evaluate.Mean(of))
	}
	return out, nil
}

// A domain with few rows has a table entry of its own only as far as they go beyond so many of the mean.
const calibratedBy = 4

// calibrate returns a model's quality by domain, at a difficulty of 0.5 where harder says how much harder than that each question is taken to be.
func calibrate(rows []exam, model string, harder []float64) strategy.Quality {
	right, by := map[string][]bool{}, map[string][]float64{}
	for i, r := range rows {
		a, ok := r.models[model]
		if !ok {
			continue
		}
		for _, label := range []string{"", r.label} {
			right[label], by[label] = append(right[label], a.Correct == 1), append(by[label], harder[i])
			if r.label == "" {
				break
			}
		}
	}
	mean := evaluate.Level(right[""], by[""], 0.5, 1)
	q := strategy.Quality{}
	for label := range right {
		q[label] = evaluate.Level(right[label], by[label], mean, calibratedBy)
	}
	q[""] = mean
	return q
}

// ask finds for each question the quality that must be asked for until the served strategy takes the strong model.
func (c *forecast) ask(ctx context.Context, file string, rows []exam, options bool, progress io.Writer) error {
	c.flipped = make([]float64, len(rows))
	return inParallel(ctx, len(rows), progress, func(ctx context.Context, i int) error {
		text := rows[i].text
		if options {
			text = rows[i].withOptions()
		}
		set := c.reader.Read(&pipeline.Request{Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "user", Texts: []string{text}}}})
		low, high := 0.0, 1.0
		strong, err := c.takesStrong(ctx, set, high)
		if err == nil && !strong {
			low, high = 2, 2
		}
		for err == nil && high-low > 1e-6 {
			middle := (low + high) / 2
			if strong, err = c.takesStrong(ctx, set, middle); strong {
				high = middle
			} else {
				low = middle
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", rows[i].at(file), err)
		}
		c.flipped[i] = high
		return nil
	})
}

func (c *forecast) takesStrong(ctx context.Context, set *signal.Set, quality float64) (bool, error) {
	s, err := strategy.New("cost-quality", strategy.Settings{"quality": quality}, strategy.Decision{Models: []strategy.Model{c.weak, c.strong}})
	if err != nil {
		return false, err
	}
	got, err := s.Order(ctx, strategy.Asked{Signals: set, Candidates: []string{"weak", "strong"}})
	return err == nil && got.Models[0] == "strong", err
}

// scores orders the questions: those that go to the strong model first come first.
func (c *forecast) scores() []float64 {
	out := make([]float64, len(c.flipped))
	for i, q := range c.flipped {
		out[i] = -q
	}
	return out
}

// A setting says what comes of one value of the strategy's quality.
type setting struct {
	Quality  float64         `json:"quality"`
	Share    evaluate.Figure `json:"share"` // to the strong model
	Accuracy evaluate.Share  `json:"accuracy"`
	Cost     evaluate.Figure `json:"cost"` // mean of a question
}

func (c *forecast) settings(trials []evaluate.Trial) []setting {
	var out []setting
	for _, q := range []float64{0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95} {
		s := setting{Quality: q}
		sent, cost := 0, 0.0
		for i, t := range trials {
			if c.flipped[i] <= q {
				sent++
				cost += t.StrongCost
				s.Accuracy.Add(t.Strong)
			} else {
				cost += t.WeakCost
				s.Accuracy.Add(t.Weak)
			}
		}
		s.Share, s.Cost = evaluate.Figure(float64(sent)/float64(len(trials))), evaluate.Figure(cost/float64(len(trials)))
		out = append(out, s)
	}
	return out
}

// yaml is a quality as models[].quality of the configuration has it.
func yaml(q strategy.Quality) string {
	var b strings.Builder
	for _, label := range slices.Sorted(maps.Keys(q)) {
		if label != "" {
			fmt.Fprintf(&b, "%s: %.2f, ", label, q[label])
		}
	}
	return fmt.Sprintf("{%sdefault: %.2f}", b.String(), q[""])
}
