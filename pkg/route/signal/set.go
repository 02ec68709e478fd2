package signal

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
)

// Set is what is known of one request. Every signal is found when it is first asked for, by the context of who asks, and then stays as it is, an error
// too. The error is ErrNothing, or an *Error around the reason. A Set belongs to one goroutine.
type Set struct {
	reader *Reader
	req    *pipeline.Request

	text       found[string]
	domain     found[Domain]
	difficulty found[float64]
	near       found[[]Near]
	held       []found[bool] // by the number of the keywords
	folded     found[string]
	code       found[float64]
	language   found[string]
	tokens     found[int]
	now        found[time.Time]
	vars       variables
}

// found is a signal that is looked for once.
type found[T any] struct {
	value T
	err   error
	done  bool
}

func (f *found[T]) get(find func() (T, error)) (T, error) {
	if !f.done {
		f.value, f.err = find()
		f.done = true
	}
	return f.value, f.err
}

// Domain is what the request is about.
type Domain struct {
	Label       string    // one of Labels, also when it is not sure
	Probability float64   // of the label, [0, 1]
	Sure        bool      // Probability reached the threshold
	Labels      []string  // all domains; shared, so read and never changed
	P           []float32 // the probability of each of them, together 1; shared likewise
}

// Request returns the request itself, for what is no signal.
func (s *Set) Request() *pipeline.Request { return s.req }

// question returns the last user turn as the models read it: the same text for each of them, so that they share its forward passes.
func (s *Set) question() (string, error) {
	return s.text.get(func() (string, error) {
		text := strings.Join(s.req.LastUser(), "\n")
		if strings.TrimSpace(text) == "" {
			return "", ErrNothing
		}
		return excerpt(text), nil
	})
}

// Domain returns the domain of the last user turn, the unsure too.
func (s *Set) Domain(ctx context.Context) (Domain, error) {
	return s.domain.get(func() (Domain, error) {
		p, err := s.classify(ctx, "domain", s.reader.config.Domain)
		if err != nil {
			return Domain{}, err
		}
		i, top := classifiers.Scores{P: p}.Top()
		labels := s.reader.config.Domain.Labels()
		return Domain{Label: labels[i], Probability: float64(top), Sure: float64(top) >= s.reader.config.Sure, Labels: labels, P: p}, nil
	})
}

// Read returns the domain where somebody has asked for it and it could be found.
func (s *Set) Read() (Domain, bool) { return s.domain.value, s.domain.done && s.domain.err == nil }

// Difficulty returns how hard the last user turn is to answer well: the probability in [0, 1] that a model finds it hard.
func (s *Set) Difficulty(ctx context.Context) (float64, error) {
	return s.difficulty.get(func() (float64, error) {
		p, err := s.classify(ctx, "difficulty", s.reader.config.Difficulty)
		if err != nil {
			return 0, err
		}
		return float64(p[1]), nil
	})
}

// errProbabilities stands for an answer that cannot be compared; NaN, for one, is below every threshold and above none.
var errProbabilities = errors.New("the classifier's answer holds no probabilities of its labels")

// classify asks a classifier for the probabilities of its labels.
func (s *Set) classify(ctx context.Context, name string, c classifiers.Classifier) ([]float32, error) {
	if c == nil {
		return nil, ErrNothing
	}
	var p []float32
	err := s.ask(ctx, name, func(ctx context.Context, text string) error {
		scores, err := c.Classify(ctx, text)
		if err != nil {
			return err
		}
		if len(scores.P) != len(c.Labels()) || len(scores.P) == 0 {
			return errProbabilities
		}
		for _, p := range scores.P {
			if !(p >= 0 && p <= 1) {
				return errProbabilities
			}
		}
		p = scores.P
		return nil
	})
	return p, err
}

// ask shows the question to a model, within the time limit. A model that panics is one that failed: its value may hold text, and is dropped.
func (s *Set) ask(ctx context.Context, name string, model func(ctx context.Context, text string) error) (err error) {
	text, err := s.question()
	if err != nil {
		return err
	}
	defer func() {
		if recover() != nil {
			err = &Error{Signal: name, Err: &pipeline.PanicError{Stack: debug.Stack()}}
		}
	}()
	if limit := s.reader.config.Timeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	if err := model(ctx, text); err != nil {
		return &Error{Signal: name, Err: err}
	}
	return nil
}

// Turns returns how often the user spoke.
func (s *Set) Turns() int { return s.Role("user") }

// Role returns the number of messages of a role.
func (s *Set) Role(role string) int {
	n := 0
	for i := range s.req.Messages {
		if s.req.Messages[i].Role == role {
			n++
		}
	}
	return n
}

// Tools returns the number of tools that the model may call.
func (s *Set) Tools() int { return s.req.Needs.Tools }

// Images returns the number of images in all messages.
func (s *Set) Images() int { return s.req.Needs.Images }

// JSON says whether the answer is to be JSON.
func (s *Set) JSON() bool { return s.req.Needs.JSON }

// Header returns the value of a request header of this lower-case name, "" when it was not sent, was sent twice, or is not among those that the edge
// was told to read.
func (s *Set) Header(name string) string { return s.req.Caller.Headers[name] }

// Identity returns who sends the request, as the edge vouches for it; "" is nobody known.
func (s *Set) Identity() string { return s.req.Caller.Tenant }

// Tokens estimates the tokens of everything in the request that a model reads. Models count differently, so a fifth more or less is no fault.
func (s *Set) Tokens() int {
	n, _ := s.tokens.get(func() (int, error) { return estimate(s.req), nil })
	return n
}

// Hour returns the hour of the request, 0 to 23, in the configured place.
func (s *Set) Hour() int { return s.time().Hour() }

// Weekday returns the day of the week of the request, 1 (Monday) to 7 (Sunday), in the configured place.
func (s *Set) Weekday() int { return (int(s.time().Weekday())+6)%7 + 1 }

func (s *Set) time() time.Time {
	t, _ := s.now.get(func() (time.Time, error) {
		zone := s.reader.config.Zone
		if zone == nil {
			zone = time.UTC
		}
		return time.Now().In(zone), nil
	})
	return t
}
