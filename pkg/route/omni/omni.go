// Package omni asks a language model which route a conversation should take: a port of the Arch router, with the prompt and the answers of chat-ui, for
// any endpoint that speaks OpenAI's chat completions. Its routes may be chat-ui's own file.
//
// It asks once, within its own time, and not at all while the endpoint keeps failing. It trusts the answer with nothing but the choice among the
// configured routes. What it sends is the conversation, so its endpoint is a backend like any other; no text of it comes into an error.
package omni

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Route is one way that a conversation can take.
type Route struct {
	Name        string
	Description string   // what the language model reads
	Models      []string // the first is asked, the rest are the fallbacks
}

// Config is what a Router is built from.
type Config struct {
	URL       string // of the endpoint, to which /chat/completions is added
	Model     string // the name of the language model there
	Key       string // of the endpoint; "" sends none
	Timeout   time.Duration
	MaxTokens int     // of the answer; 0 is 16
	Context   int     // tokens that the language model can read; 0 is 8192
	Routes    []Route // at least one, names unique
	// Other is the name of the route for conversations that match none, "" is casual_conversation. Where it is not among the routes, the one named default
	// stands in, then Fallback.
	Other    string
	Fallback []string // models; empty is none, and then Choose fails
}

// Router asks. Safe for concurrent use.
type Router struct {
	c       Config
	routes  string // as the prompt has them
	client  *http.Client
	breaker circuitbreaker.CircuitBreaker[any]
}

// The breaker opens after so many failures on end, and tries again after a while with one request.
const (
	failures = 5
	pause    = 10 * time.Second
)

// New checks the configuration. It asks nobody.
func New(c Config) (*Router, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("base_url is not http://HOST/PATH or https://HOST/PATH")
	case c.Model == "":
		return nil, errors.New("no model is named")
	case c.Timeout <= 0:
		return nil, fmt.Errorf("timeout %v is not positive", c.Timeout)
	case len(c.Routes) == 0:
		return nil, errors.New("there are no routes")
	}
	names := map[string]bool{}
	for _, r := range c.Routes {
		if r.Name == "" || names[r.Name] || len(r.Models) == 0 {
			return nil, fmt.Errorf("route %q has no name, no model, or stands here twice", r.Name)
		}
		names[r.Name] = true
	}
	if c.Other == "" {
		c.Other = casual
	}
	if c.MaxTokens == 0 {
		c.MaxTokens = 16
	}
	if c.Context == 0 {
		c.Context = 8192
	}
	return &Router{
		c: c, routes: describe(c.Routes),
		client: &http.Client{
			// What is sent is a conversation: it goes where the file says and nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true},
		},
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(failures).WithSuccessThreshold(1).WithDelay(pause).Build(),
	}, nil
}

// Routes returns the routes that Choose may return, the stand-in for all of them too. A nil Router has none.
func (r *Router) Routes() []Route {
	if r == nil {
		return nil
	}
	all := slices.Clone(r.c.Routes)
	if len(r.c.Fallback) > 0 && !slices.ContainsFunc(all, func(known Route) bool { return known.Name == fallback }) {
		all = append(all, Route{Name: fallback, Models: r.c.Fallback})
	}
	return all
}

// The reasons of an Error.
const (
	Failed  = "omni_error"    // no answer, or none that is one
	Late    = "omni_timeout"  // none in time
	Refused = "omni_refused"  // 400, 401, 402 or 403
	Paused  = "omni_paused"   // it failed too often just now to be asked
	Lost    = "omni_no_route" // it named no route that there is, and nothing stands in
	Barred  = "omni_barred"   // something of the conversation must not be sent, and nobody knows its place
)

// Error says why there is no route. Its text holds none of the conversation's and none of the answer's.
type Error struct {
	Reason string
	Err    error // nil where the reason says all
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Choose asks for the route of a conversation, without what is to be hidden from others. The error is an *Error, or ctx's own when the caller's time is up.
func (r *Router) Choose(ctx context.Context, req *pipeline.Request, hidden []pipeline.Replacement) (Route, error) {
	if slices.ContainsFunc(hidden, func(h pipeline.Replacement) bool { return h.Ref < 0 }) {
		return Route{}, &Error{Reason: Barred}
	}
	if !r.breaker.TryAcquirePermit() {
		return Route{}, &Error{Reason: Paused}
	}
	answer, err := r.ask(ctx, prompt(r.routes, r.c.Context, conversation(req, hidden)))
	if ctx.Err() != nil {
		// It says nothing of the endpoint, but the one request that tries it again must come to an end.
		if r.breaker.IsHalfOpen() {
			r.breaker.RecordFailure()
		}
		return Route{}, ctx.Err()
	}
	if err != nil {
		r.breaker.RecordFailure()
		return Route{}, err
	}
	r.breaker.RecordSuccess()
	return r.route(answer)
}

// maxAnswer bounds what is read of an answer, in bytes: it holds one name.
const maxAnswer = 64 << 10

// ask returns the text of the answer.
func (r *Router) ask(parent context.Context, prompt []byte) (said, error) {
	ctx, cancel := context.WithTimeout(parent, r.c.Timeout)
	defer cancel()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.c.URL, "/")+"/chat/completions", bytes.NewReader(r.body(prompt)))
	if err != nil {
		return said{}, &Error{Reason: Failed, Err: errors.New("no request could be made")}
	}
	post.Header.Set("Content-Type", "application/json")
	if r.c.Key != "" {
		post.Header.Set("Authorization", "Bearer "+r.c.Key)
	}
	resp, err := r.client.Do(post)
	if err != nil {
		return said{}, failed(ctx, "the endpoint does not answer")
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return said{}, failed(ctx, "the answer breaks off")
	case resp.StatusCode >= 400 && resp.StatusCode <= 403:
		// chat-ui hands these to its user, whose own key they are about. Here the key is the operator's: the next tier answers.
		return said{}, &Error{Reason: Refused, Err: fmt.Errorf("status %d", resp.StatusCode)}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return said{}, &Error{Reason: Failed, Err: fmt.Errorf("status %d", resp.StatusCode)}
	case len(raw) > maxAnswer:
		return said{}, &Error{Reason: Failed, Err: errors.New("the answer is too long")}
	}
	return read(raw)
}

// failed says whether it was the time that ran out. The library's own error names the address, and is left out.
func failed(ctx context.Context, what string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Reason: Late}
	}
	return &Error{Reason: Failed, Err: errors.New(what)}
}

// said is what the language model answered.
type said struct {
	text string
	cut  bool // it ran into the limit of tokens
}

// read takes the text out of an answer. One without any text is an empty text.
func read(raw []byte) (said, error) {
	var answer struct {
		Choices []struct {
			Reason  string `json:"finish_reason"`
			Message struct {
				Content any `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil { // its words could hold some of the answer
		return said{}, &Error{Reason: Failed, Err: errors.New("the answer is not the JSON of a chat completion")}
	}
	if len(answer.Choices) == 0 {
		return said{}, nil
	}
	first := answer.Choices[0]
	text, _ := first.Message.Content.(string)
	return said{text: strings.TrimSpace(text), cut: first.Reason == "length"}, nil
}
