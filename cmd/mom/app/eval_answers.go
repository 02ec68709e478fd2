package app

import (
	"context"
	"io"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/mom-router/mom/pkg/recall"
)

// answersReport says what becomes of pairs of answers when they are compared as a sample of the memory is.
type answersReport struct {
	Same   answersFigure `json:"same"`
	Differ answersFigure `json:"different"`
}

// answersFigure are the pairs that come to the same, or those that do not.
type answersFigure struct {
	Right  evaluate.Share `json:"right"`  // said to agree
	Wrong  evaluate.Share `json:"wrong"`  // said to differ
	Unsure evaluate.Share `json:"unsure"` // not said
}

func (f *answersFigure) add(right, sure bool) {
	f.Right.Add(sure && right)
	f.Wrong.Add(sure && !right)
	f.Unsure.Add(!sure)
}

// evalAnswers compares the answers of a file of pairs.
func evalAnswers(ctx context.Context, s *Shelf, f *evalFlags, file string, progress io.Writer) (*answersReport, error) {
	d, err := readPairs(file)
	if err != nil {
		return nil, err
	}
	name, err := nameFor(s, "similarity", f.model)
	if err != nil {
		return nil, err
	}
	trunk, e, err := s.Tried(ctx, name)
	if err != nil {
		return nil, err
	}
	embedder, err := trunk.Embedder(e)
	if err != nil {
		return nil, err
	}
	type verdict struct{ right, sure bool }
	said := make([]verdict, len(d.rows))
	err = inParallel(ctx, len(d.rows), progress, func(ctx context.Context, i int) error {
		said[i].right, said[i].sure = recall.Agree(ctx, embedder, limitOf(e.Threshold), d.rows[i].a, d.rows[i].b)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	r := &answersReport{}
	for i, p := range d.rows {
		switch {
		case p.label == nil:
		case *p.label == 1:
			r.Same.add(said[i].right, said[i].sure)
		default:
			r.Differ.add(said[i].right, said[i].sure)
		}
	}
	return r, nil
}

func (r *answersReport) print(p *printer) {
	p.line("\n%-38s  %-22s  %-22s  not sure", "answers compared", "said to agree", "said to differ")
	for _, x := range []struct {
		name string
		f    answersFigure
	}{{"come to the same", r.Same}, {"do not", r.Differ}} {
		p.line("%-16s  n %-18d  %-22s  %-22s  %s", x.name, x.f.Right.N, within(x.f.Right), within(x.f.Wrong), within(x.f.Unsure))
	}
}
