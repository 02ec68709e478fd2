package app

import (
	"context"
	"io"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/spf13/cobra"
)

func newEvalSimilarity() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "similarity --data FILE",
		Short: "Measure whether texts of like meaning have vectors that are close",
		Long: `Measure whether texts of like meaning have vectors that are close.

Each line of the file is a JSON object with the fields
  a, b    the two texts
  score   how alike they are, 0 to 1 (graded pairs alone)
  label   1 when they mean the same, else 0 (may be left out)
  source  where the pair comes from
and any others. A pair with a text longer than one window has no vector; it is not judged, but counted and reported.

Printed are the rank correlation (Spearman) of the cosine with the score, over the graded pairs together and by source, the mean cosine of the pairs
without a score and with label 0 (negated ones, in the data of the recipe), and what the overlap of words (Jaccard) would have reached.`,
		Example: "  mom eval similarity --data similarity/val.jsonl.gz",
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
				return evalSimilarity(ctx, s, &f, d, progress)
			})
		},
	}
	f.common(c)
	return c
}

// similarityReport is what mom eval similarity prints.
type similarityReport struct {
	evalHead
	TooLong int           `json:"too_long"` // pairs without a vector
	Graded  []gradedPairs `json:"graded"`   // all together first, then by source
	Negated []plainPairs  `json:"negated"`  // the same of the pairs without a score and with label 0
}

type gradedPairs struct {
	Source   string          `json:"source"`
	N        int             `json:"n"`
	Spearman evaluate.Figure `json:"spearman"`
	Jaccard  evaluate.Figure `json:"jaccard_spearman"`
}

type plainPairs struct {
	Source  string          `json:"source"`
	N       int             `json:"n"`
	Cosine  evaluate.Figure `json:"mean_cosine"`
	Jaccard evaluate.Figure `json:"mean_jaccard"`
}

func evalSimilarity(ctx context.Context, s *Shelf, f *evalFlags, d pairs, progress io.Writer) (similarityReport, error) {
	rows, tooLong, e, err := measurePairs(ctx, s, f, spread(d.rows, f.limit), progress)
	if err != nil {
		return similarityReport{}, err
	}
	r := similarityReport{evalHead: newHead(e, f.data, d.sha256, len(d.rows), len(rows)), TooLong: tooLong}
	var graded, negated []pair
	for _, p := range rows {
		switch {
		case p.score != nil:
			graded = append(graded, p)
		case p.label != nil && *p.label == 0:
			negated = append(negated, p)
		}
	}
	for _, g := range bySource(graded) {
		score, cosine, overlap := make([]float64, len(g.rows)), make([]float64, len(g.rows)), make([]float64, len(g.rows))
		for i, p := range g.rows {
			score[i], cosine[i], overlap[i] = *p.score, p.cosine, p.overlap
		}
		r.Graded = append(r.Graded, gradedPairs{g.name, len(g.rows), evaluate.Spearman(cosine, score), evaluate.Spearman(overlap, score)})
	}
	for _, g := range bySource(negated) {
		cosine, overlap := make([]float64, len(g.rows)), make([]float64, len(g.rows))
		for i, p := range g.rows {
			cosine[i], overlap[i] = p.cosine, p.overlap
		}
		r.Negated = append(r.Negated, plainPairs{g.name, len(g.rows), evaluate.Mean(cosine), evaluate.Mean(overlap)})
	}
	return r, nil
}

func (r similarityReport) print(w io.Writer) error {
	p := &printer{w: w}
	r.line(p)
	if r.TooLong > 0 {
		p.line("not judged: %d pairs with a text longer than one window", r.TooLong)
	}
	p.line("\n%-40s  %6s  Spearman  of Jaccard", "graded pairs", "n")
	for _, g := range r.Graded {
		p.line("%-40s  %6d  %8s  %10s", g.Source, g.N, g.Spearman, g.Jaccard)
	}
	p.line("\n%-40s  %6s  mean cosine  mean Jaccard", "negated pairs", "n")
	for _, g := range r.Negated {
		p.line("%-40s  %6d  %11s  %12s", g.Source, g.N, g.Cosine, g.Jaccard)
	}
	return p.err
}
