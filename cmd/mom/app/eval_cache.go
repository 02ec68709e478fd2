package app

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/mom-router/mom/pkg/recall/gate"
	"github.com/spf13/cobra"
)

func newEvalCache() *cobra.Command {
	var f evalFlags
	var answers string
	c := &cobra.Command{
		Use:   "cache --data FILE [--answers FILE]",
		Short: "Measure what a cache by meaning would find, and what it would confuse",
		Long: `Measure what a cache by meaning would find, and what it would confuse.

The file is that of mom eval similarity, and may have a field kind, the kind of change from one text to the other; pairs without a label are not
judged, but counted and reported. For each threshold of the cosine from 0.80 to 0.99, printed are the share of the pairs of the same meaning that
reach it (hits) and the share of the pairs of different meaning that do (wrong hits), both with the upper end of the 95 % Wilson interval; the same of
the pairs that also pass the gate, which compares the words that may reverse a meaning; and what the overlap of words (Jaccard) would have reached.
Then the ways to decide, side by side, those that learn after every pair was asked a thousand times; the wrong hits by kind of change, and why the
gate refused. --answers names pairs of answers, in the same form: how well they are compared, by which a memory learns.`,
		Example: "  mom eval cache --data similarity/val.jsonl.gz\n  mom eval cache --data models/recipes/samples/cache.jsonl --answers models/recipes/samples/answers.jsonl",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			d, err := readPairs(f.data)
			if err != nil {
				return err
			}
			return f.run(c, func(ctx context.Context, s *Shelf, progress io.Writer) (evalReport, error) {
				r, err := evalCache(ctx, s, &f, d, progress)
				if err == nil && answers != "" {
					r.Answers, err = evalAnswers(ctx, s, &f, answers, progress)
				}
				return r, err
			})
		},
	}
	f.common(c)
	c.Flags().StringVar(&answers, "answers", "", "pairs of answers, to compare as a memory does")
	return c
}

// cacheReport is what mom eval cache prints.
type cacheReport struct {
	evalHead
	TooLong    int           `json:"too_long"`  // pairs without a vector
	Unlabelled int           `json:"unlabeled"` // pairs of which nobody says whether they mean the same
	Thresholds []cacheFigure `json:"thresholds"`
	// BestHits are the most hits of any limit, on these very rows, that at most 1 % of the pairs of different meaning pass.
	BestHits struct {
		Cosine  evaluate.Share `json:"cosine"`
		Gate    evaluate.Share `json:"cosine_and_gate"`
		Jaccard evaluate.Share `json:"jaccard"`
	} `json:"hits_at_1_percent_wrong"`
	Policies []cachePolicy   `json:"policies"`
	Answers  *answersReport  `json:"answers,omitempty"`
	Gate     cacheShares     `json:"gate"`    // the gate alone, whatever the cosine
	Kinds    []cacheKind     `json:"kinds"`   // the pairs of different meaning that have a kind of change, by its name
	Refused  []cacheRefusals `json:"refused"` // by reason
}

type cacheFigure struct {
	Threshold float64     `json:"threshold"`
	Cosine    cacheShares `json:"cosine"`
	Gate      cacheShares `json:"cosine_and_gate"`
	Jaccard   cacheShares `json:"jaccard"`
}

// cacheKind holds the wrong hits of one kind of change, at a low and at a usual threshold.
type cacheKind struct {
	Kind  string            `json:"kind"`
	Gate  evaluate.Share    `json:"gate"` // alone
	Fixed [2]cacheThreshold `json:"thresholds"`
}

type cacheThreshold struct {
	Threshold float64        `json:"threshold"`
	Cosine    evaluate.Share `json:"cosine"`
	Gate      evaluate.Share `json:"cosine_and_gate"`
}

// cacheRefusals counts the pairs that the gate refused for one reason.
type cacheRefusals struct {
	Reason gate.Reason `json:"reason"`
	Same   int         `json:"same"`      // of the same meaning
	Differ int         `json:"different"` // of different meaning
}

type cacheShares struct {
	Hits  evaluate.Share `json:"hits"`
	Wrong evaluate.Share `json:"wrong_hits"`
}

// fixed are the thresholds at which the kinds of change are told apart: the lowest of the sweep, and one that caches by meaning ship with.
var fixed = [2]float64{0.8, 0.92}

// shutOut is below every cosine.
const shutOut = -2

// gated is the cosine of a pair that passes the gate, else shutOut.
func (p pair) gated() (float64, gate.Reason) {
	a, b := gate.Read(p.a), gate.Read(p.b)
	if ok, why := gate.Same(&a, &b); !ok {
		return shutOut, why
	}
	return p.cosine, ""
}

func evalCache(ctx context.Context, s *Shelf, f *evalFlags, d pairs, progress io.Writer) (cacheReport, error) {
	var labelled []pair
	for _, p := range d.rows {
		if p.label != nil {
			labelled = append(labelled, p)
		}
	}
	rows, tooLong, e, err := measurePairs(ctx, s, f, spread(labelled, f.limit), progress)
	if err != nil {
		return cacheReport{}, err
	}
	r := cacheReport{evalHead: newHead(e, f.data, d.sha256, len(d.rows), len(rows)), TooLong: tooLong, Unlabelled: len(d.rows) - len(labelled)}
	r.Task = "cache"
	gated := make([]float64, len(rows))
	reasons := make([]gate.Reason, len(rows))
	for i, p := range rows {
		gated[i], reasons[i] = p.gated()
		r.Gate.count(*p.label == 1, gated[i] > shutOut)
	}
	for percent := 80; percent <= 99; percent++ {
		t := float64(percent) / 100
		figure := cacheFigure{Threshold: t}
		for i, p := range rows {
			figure.Cosine.count(*p.label == 1, p.cosine >= t)
			figure.Gate.count(*p.label == 1, gated[i] >= t)
			figure.Jaccard.count(*p.label == 1, p.overlap >= t)
		}
		r.Thresholds = append(r.Thresholds, figure)
	}
	var cosine, both, overlap [2][]float64 // by label
	for i, p := range rows {
		cosine[*p.label] = append(cosine[*p.label], p.cosine)
		both[*p.label] = append(both[*p.label], gated[i])
		overlap[*p.label] = append(overlap[*p.label], p.overlap)
	}
	r.BestHits.Cosine = evaluate.RecallAt(cosine[1], cosine[0], 0.01)
	r.BestHits.Gate = evaluate.RecallAt(both[1], both[0], 0.01)
	r.BestHits.Jaccard = evaluate.RecallAt(overlap[1], overlap[0], 0.01)
	r.Kinds, r.Refused = cacheKinds(rows, gated), cacheReasons(rows, reasons)
	r.Policies, err = cachePolicies(rows, gated, limitOf(e.Threshold))
	return r, err
}

// cacheKinds counts the wrong hits of each kind of change.
func cacheKinds(rows []pair, gated []float64) []cacheKind {
	kinds := map[string]*cacheKind{}
	for i, p := range rows {
		if p.kind == "" || *p.label == 1 {
			continue
		}
		k := kinds[p.kind]
		if k == nil {
			k = &cacheKind{Kind: p.kind}
			kinds[p.kind] = k
		}
		k.Gate.Add(gated[i] > shutOut)
		for j, t := range fixed {
			k.Fixed[j].Threshold = t
			k.Fixed[j].Cosine.Add(p.cosine >= t)
			k.Fixed[j].Gate.Add(gated[i] >= t)
		}
	}
	out := []cacheKind{}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, *kinds[name])
	}
	return out
}

// cacheReasons counts what the gate refused, by reason.
func cacheReasons(rows []pair, reasons []gate.Reason) []cacheRefusals {
	by := map[gate.Reason]*cacheRefusals{}
	for i, why := range reasons {
		if why == "" {
			continue
		}
		if by[why] == nil {
			by[why] = &cacheRefusals{Reason: why}
		}
		if *rows[i].label == 1 {
			by[why].Same++
		} else {
			by[why].Differ++
		}
	}
	out := []cacheRefusals{}
	for _, why := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[why])
	}
	return out
}

func (c *cacheShares) count(same, hit bool) {
	s := &c.Wrong
	if same {
		s = &c.Hits
	}
	s.Add(hit)
}

func (c cacheShares) String() string {
	return upTo(c.Hits) + "  " + upTo(c.Wrong)
}

func (r cacheReport) print(w io.Writer) error {
	p := &printer{w: w}
	r.line(p)
	if r.Unlabelled+r.TooLong > 0 {
		p.line("not judged: %d pairs without a label, %d with a text longer than one window", r.Unlabelled, r.TooLong)
	}
	first := r.Thresholds[0].Cosine
	p.line("%d pairs mean the same, %d do not; in brackets the upper end of the 95 %% interval", first.Hits.N, first.Wrong.N)
	p.line("\n%9s  %-30s  %-30s  words (Jaccard)", "", "meaning (cosine)", "meaning and gate")
	p.line("%9s  %-30s  %[2]s  %[2]s", "threshold", "hits           wrong hits    ")
	for _, t := range r.Thresholds {
		p.line("%9.2f  %-30s  %-30s  %s", t.Threshold, t.Cosine, t.Gate, t.Jaccard)
	}
	p.line("%9s  %-30s  %s", "none", "", r.Gate)
	p.line("\nhits at a limit that at most 1 %% of the others pass, chosen on these rows")
	p.line("meaning           %s", percent(r.BestHits.Cosine))
	p.line("meaning and gate  %s", percent(r.BestHits.Gate))
	p.line("words             %s", percent(r.BestHits.Jaccard))
	printPolicies(p, r.Policies)
	if len(r.Kinds) > 0 {
		p.line("\n%-12s  %5s  %-13s  %-13s  %-13s  %-13s  gate", "wrong hits", "", "meaning", "", "and gate", "")
		p.line("%-12s  %5s  %-13.2f  %-13.2f  %-13.2[3]f  %-13.2[4]f  alone", "by kind", "n", fixed[0], fixed[1])
	}
	for _, k := range r.Kinds {
		p.line("%-12s  %5d  %s  %s  %s  %s  %s", k.Kind, k.Gate.N, upTo(k.Fixed[0].Cosine), upTo(k.Fixed[1].Cosine), upTo(k.Fixed[0].Gate), upTo(k.Fixed[1].Gate),
			upTo(k.Gate))
	}
	if len(r.Refused) > 0 {
		p.line("\n%-12s  %14s  %14s", "refused for", "same meaning", "other meaning")
	}
	for _, x := range r.Refused {
		p.line("%-12s  %14d  %14d", x.Reason, x.Same, x.Differ)
	}
	if r.Answers != nil {
		r.Answers.print(p)
	}
	return p.err
}

// upTo is a share with the upper end of its interval.
func upTo(s evaluate.Share) string {
	_, high := s.Wilson()
	return fmt.Sprintf("%s (%s)", s.Value(), high)
}
