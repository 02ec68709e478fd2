package app

import (
	"context"
	"fmt"
	"io"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/spf13/cobra"
)

func newEvalCache() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "cache --data FILE",
		Short: "Measure what a cache by meaning would find, and what it would confuse",
		Long: `Measure what a cache by meaning would find, and what it would confuse.

The file is that of mom eval similarity; pairs without a label are not judged, but counted and reported. For each threshold of the cosine from 0.80 to
0.99, printed are the share of the pairs of the same meaning that reach it (hits) and the share of the pairs of different meaning that do (wrong
hits), both with the upper end of the 95 % Wilson interval; and what the overlap of words (Jaccard) would have reached.`,
		Example: "  mom eval cache --data similarity/val.jsonl.gz",
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
				return evalCache(ctx, s, &f, d, progress)
			})
		},
	}
	f.common(c)
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
		Jaccard evaluate.Share `json:"jaccard"`
	} `json:"hits_at_1_percent_wrong"`
}

type cacheFigure struct {
	Threshold float64     `json:"threshold"`
	Cosine    cacheShares `json:"cosine"`
	Jaccard   cacheShares `json:"jaccard"`
}

type cacheShares struct {
	Hits  evaluate.Share `json:"hits"`
	Wrong evaluate.Share `json:"wrong_hits"`
}

// hit says whether a cache would answer one text of the pair with the answer to the other.
func (p pair) hit(threshold float64) bool {
	return p.cosine >= threshold // a check of the words beside the meaning would go here
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
	for percent := 80; percent <= 99; percent++ {
		t := float64(percent) / 100
		figure := cacheFigure{Threshold: t}
		for _, p := range rows {
			figure.Cosine.count(*p.label == 1, p.hit(t))
			figure.Jaccard.count(*p.label == 1, p.overlap >= t)
		}
		r.Thresholds = append(r.Thresholds, figure)
	}
	var cosine, overlap [2][]float64 // by label
	for _, p := range rows {
		cosine[*p.label] = append(cosine[*p.label], p.cosine)
		overlap[*p.label] = append(overlap[*p.label], p.overlap)
	}
	r.BestHits.Cosine, r.BestHits.Jaccard = evaluate.RecallAt(cosine[1], cosine[0], 0.01), evaluate.RecallAt(overlap[1], overlap[0], 0.01)
	return r, nil
}

func (c *cacheShares) count(same, hit bool) {
	s := &c.Wrong
	if same {
		s = &c.Hits
	}
	s.Add(hit)
}

func (c cacheShares) String() string {
	_, hits := c.Hits.Wilson()
	_, wrong := c.Wrong.Wilson()
	return fmt.Sprintf("%s (%s)  %s (%s)", c.Hits.Value(), hits, c.Wrong.Value(), wrong)
}

func (r cacheReport) print(w io.Writer) error {
	p := &printer{w: w}
	r.line(p)
	if r.Unlabelled+r.TooLong > 0 {
		p.line("not judged: %d pairs without a label, %d with a text longer than one window", r.Unlabelled, r.TooLong)
	}
	first := r.Thresholds[0].Cosine
	p.line("%d pairs mean the same, %d do not; in brackets the upper end of the 95 %% interval", first.Hits.N, first.Wrong.N)
	p.line("\n%9s  %-30s  words (Jaccard)", "", "meaning (cosine)")
	p.line("%9s  %-30s  %s", "threshold", "hits           wrong hits", "hits           wrong hits")
	for _, t := range r.Thresholds {
		p.line("%9.2f  %-30s  %s", t.Threshold, t.Cosine, t.Jaccard)
	}
	p.line("\nhits at a limit that at most 1 %% of the others pass, chosen on these rows")
	p.line("meaning  %s", percent(r.BestHits.Cosine))
	p.line("words    %s", percent(r.BestHits.Jaccard))
	return p.err
}
