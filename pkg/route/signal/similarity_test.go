package signal_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/route/signal"
)

// compass embeds the names of the points of a compass, a line each; a text of more than one line is too long for one pass.
type compass struct {
	asked int
	err   error
}

func (*compass) Dim() int { return 2 }

func (c *compass) Embed(_ context.Context, text string) ([]float32, error) {
	if strings.Contains(text, "\n") {
		return nil, classifiers.ErrTooLong
	}
	half := float32(math.Sqrt(0.5))
	return map[string][]float32{"north": {0, 1}, "east": {1, 0}, "south": {0, -1}, "north-east": {half, half}}[text], c.err
}

func (c *compass) Windows(ctx context.Context, text string) ([][]float32, error) {
	c.asked++
	var out [][]float32
	for line := range strings.Lines(text) {
		v, err := c.Embed(ctx, strings.TrimSpace(line))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func TestSimilarity(t *testing.T) {
	c := &compass{}
	config := signal.Config{Embedder: c, Similarity: []signal.Exemplars{
		{Name: "up", Texts: []string{"north", "north-east"}}, {Name: "both", Texts: []string{"north", "east", "south"}, Top: 2},
	}}
	for _, tt := range []struct {
		name, text string
		up, both   float64
	}{
		{"the nearest exemplar counts, or the mean of the nearest two", "north-east", 1, 0.7071},
		{"none is near", "south", -0.7071, 0.5},
		{"each part of a long text is compared", "south\neast", 0.7071, 1},
	} {
		c.asked = 0
		s := read(t, config, ask(tt.text))
		for range 2 {
			up, err := s.Similarity(t.Context(), "up")
			both, err2 := s.Similarity(t.Context(), "both")
			if err != nil || err2 != nil || math.Abs(up-tt.up) > 1e-4 || math.Abs(both-tt.both) > 1e-4 {
				t.Errorf("%s: %v, %v, %v, %v", tt.name, up, both, err, err2)
			}
		}
		if c.asked != 1 {
			t.Errorf("%s: embedded %d times", tt.name, c.asked)
		}
	}
	near, err := read(t, config, ask("north")).Near(t.Context())
	want := []signal.Near{{"up", 0, 1}, {"both", 0, 1}, {"up", 1, float64(float32(math.Sqrt(0.5)))}, {"both", 1, 0}, {"both", 2, -1}}
	if diff := cmp.Diff(want, near); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, err := read(t, config, ask("north")).Similarity(t.Context(), "down"); !errors.Is(err, signal.ErrNothing) {
		t.Errorf("a set that is none: %v", err)
	}
	c.err = classifiers.ErrBusy
	r, err := signal.NewReader(t.Context(), signal.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(ask("north")).Near(t.Context()); !errors.Is(err, signal.ErrNothing) {
		t.Errorf("without exemplars: %v", err)
	}
}

func TestAnEmbedderThatFailsIsASignalThatFails(t *testing.T) {
	c := &compass{}
	s := read(t, signal.Config{Embedder: c, Similarity: []signal.Exemplars{{Name: "up", Texts: []string{"north"}}}}, ask("north"))
	c.err = classifiers.ErrBusy
	var of *signal.Error
	if _, err := s.Similarity(t.Context(), "up"); !errors.As(err, &of) || of.Signal != "similarity" || !errors.Is(err, classifiers.ErrBusy) {
		t.Errorf("%v", err)
	}
}

func TestExemplarsAreEmbeddedAtTheStart(t *testing.T) {
	for name, tt := range map[string]struct {
		e    signal.Exemplars
		by   signal.Embedder
		want string
	}{
		"no exemplar":                 {signal.Exemplars{Name: "a"}, &compass{}, `exemplars "a": there are none`},
		"one of more than one pass":   {signal.Exemplars{Name: "a", Texts: []string{"north", "north\neast"}}, &compass{}, `exemplars "a": number 2: text is too long for this model`},
		"a model that fails":          {signal.Exemplars{Name: "a", Texts: []string{"north"}}, &compass{err: classifiers.ErrBusy}, `exemplars "a": number 1: model queue is full`},
		"nobody who could embed them": {signal.Exemplars{Name: "a", Texts: []string{"north"}}, nil, `exemplars "a": no model embeds them`},
	} {
		_, err := signal.NewReader(t.Context(), signal.Config{Embedder: tt.by, Similarity: []signal.Exemplars{tt.e}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
