// Package signal is what can be known of one request to choose a model by: the domain and the difficulty of what the user asks, what it is like, how
// long it is, what it needs. A Reader makes a Set for each request, and a Set finds each signal when it is first asked for, and once: what nobody asks
// for costs nothing, and what needs no model makes no forward pass.
//
// It chooses nothing, changes nothing of a request, and puts no text of a user into an error or a signal.
package signal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abadojack/whatlanggo"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
)

// Config is what a Reader is built from. The zero value of a field is a signal that nobody can ask for.
type Config struct {
	Domain classifiers.Classifier
	// Sure is the probability from which on the domain counts as known, within [0, 1].
	Sure float64
	// Difficulty has two labels, the second the harder.
	Difficulty classifiers.Classifier
	// Embedder and Similarity belong together: what a text is compared by, and with.
	Embedder   Embedder
	Similarity []Exemplars
	Keywords   []Keywords
	Languages  []string // the codes of those that are told apart; nil are Languages
	// Timeout bounds each reading of a model; 0 means only the request's own deadline counts.
	Timeout time.Duration
	// Zone is the place whose hours count; nil is UTC.
	Zone *time.Location
}

// Reader makes Sets. It is immutable and safe for concurrent use. The zero Reader has no model and tells no language.
type Reader struct {
	config   Config
	sets     []exemplars
	keywords []keywords
	// languages are those that are told apart; nil tells none.
	languages map[whatlanggo.Lang]bool
}

// NewReader checks the configuration, compiles the keywords and embeds the exemplars. Errors: what is not whole, a pattern that is none, and the
// embedder's, by the name of the set and the number of the exemplar.
func NewReader(ctx context.Context, c Config) (*Reader, error) {
	if !(c.Sure >= 0 && c.Sure <= 1) {
		return nil, fmt.Errorf("threshold %v is not within [0, 1]", c.Sure)
	}
	if c.Difficulty != nil && len(c.Difficulty.Labels()) != 2 {
		return nil, fmt.Errorf("the difficulty has the labels %q; two are needed, the harder last", c.Difficulty.Labels())
	}
	words, err := compileKeywords(c.Keywords)
	if err != nil {
		return nil, err
	}
	languages, err := codes(c.Languages)
	if err != nil {
		return nil, err
	}
	r := &Reader{config: c, keywords: words, languages: languages}
	for _, e := range c.Similarity {
		set, err := e.embed(ctx, c.Embedder)
		if err != nil {
			return nil, fmt.Errorf("exemplars %q: %w", e.Name, err)
		}
		r.sets = append(r.sets, set)
	}
	return r, nil
}

// Read returns the Set of a request. Nothing is found yet.
func (r *Reader) Read(req *pipeline.Request) *Set { return &Set{reader: r, req: req} }

// ErrNothing is the error of a signal that has nothing to be found in or by: the request has no text of a user, or the Reader no such model.
var ErrNothing = errors.New("there is nothing to read")

// ErrUnsure is what a condition gets that rests on a domain below the threshold: it would hold, or not, by accident.
var ErrUnsure = errors.New("the domain is below the threshold")

// An Error says which signal could not be found, though there was something to find. Its text holds none of the request's.
type Error struct {
	Signal string // such as domain
	Err    error
}

func (e *Error) Error() string { return e.Signal + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }
