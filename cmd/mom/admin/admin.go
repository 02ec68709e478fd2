// Package admin is how an operator speaks to a mom that runs: HTTP and JSON on a Unix socket that only mom's own user may open. It shows and clears the
// memory of answers.
//
// It never listens on a network or on the socket that Envoy is served on, and of what it is asked it logs nothing.
package admin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/pkg/recall"
)

// Stats is the answer to GET /cache/stats.
type Stats struct {
	Entries     int      `json:"entries"`
	Bytes       int64    `json:"bytes"`
	Lookups     []Count  `json:"lookups"` // since mom began, or read its configuration anew
	SavedTokens uint64   `json:"saved_tokens"`
	SavedUSD    float64  `json:"saved_usd"`
	Systems     []System `json:"systems,omitempty"` // at most ten, those with the most entries first
	Semantic    string   `json:"semantic,omitempty"`
}

// Count is how many requests came to a result.
type Count struct {
	Result string `json:"result"`
	Why    string `json:"why,omitempty"`
	N      uint64 `json:"count"`
}

// System is a system prompt, by its hash; "" is none.
type System struct {
	System  string `json:"system"`
	Entries int    `json:"entries"`
}

// Invalidated is the answer to POST /cache/invalidate.
type Invalidated struct {
	Entries int `json:"entries"`
}

// Entry is a line of the answer to GET /cache/export.
type Entry struct {
	Key          string    `json:"key"`
	Tenant       string    `json:"tenant"` // a hash
	Model        string    `json:"model"`  // as the configuration names it
	System       string    `json:"system,omitempty"`
	Given        time.Time `json:"given"`
	Expires      time.Time `json:"expires"`
	PromptTokens int       `json:"prompt_tokens"`
	AnswerTokens int       `json:"answer_tokens"`
	Bytes        int       `json:"bytes"` // of the answer's text
	*Texts
}

// Texts of an entry are only shown where they are asked for.
type Texts struct {
	Question  string `json:"question,omitempty"` // where questions in other words may have the answer
	Answer    string `json:"answer"`
	Reasoning string `json:"reasoning,omitempty"`
}

// fault is the answer to what could not be done.
type fault struct {
	Error string `json:"error"`
}

// Handler answers for the memory that is in force, nil where there is none.
func Handler(memory func() *recall.Recall) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(r *recall.Recall, w http.ResponseWriter, q *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("content-type", "application/json")
			m := memory()
			if m == nil {
				refuse(w, http.StatusConflict, errors.New("this mom remembers nothing (recall is off)"))
				return
			}
			if err := h(m, w, q); err != nil {
				status := http.StatusInternalServerError
				switch {
				case errors.Is(err, recall.ErrWhich):
					status = http.StatusBadRequest
				case errors.Is(err, recall.ErrNoList):
					status = http.StatusNotImplemented
				}
				refuse(w, status, err)
			}
		})
	}
	handle("GET /cache/stats", stats)
	handle("POST /cache/invalidate", invalidate)
	handle("GET /cache/export", export)
	return mux
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(fault{err.Error()})
}

func stats(r *recall.Recall, w http.ResponseWriter, q *http.Request) error {
	s, err := r.Stats(q.Context())
	if err != nil {
		return err
	}
	out := Stats{Entries: s.Entries, Bytes: s.Bytes, Lookups: []Count{}, SavedTokens: s.Tokens, SavedUSD: s.USD, Semantic: s.Meaning}
	for _, c := range s.Lookups {
		out.Lookups = append(out.Lookups, Count{c.State, c.Why, c.N})
	}
	for _, p := range s.Systems {
		out.Systems = append(out.Systems, System{hash(p.Hash), p.Entries})
	}
	return json.NewEncoder(w).Encode(out)
}

func invalidate(r *recall.Recall, w http.ResponseWriter, q *http.Request) error {
	which, err := readWhich(q.URL.Query())
	if err != nil {
		return err
	}
	if (which == recall.Which{}) != (q.URL.Query().Get("all") == "true") {
		return fmt.Errorf("%w: say which entries, or all of them", recall.ErrWhich)
	}
	n, err := r.Invalidate(q.Context(), which)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(Invalidated{n})
}

func export(r *recall.Recall, w http.ResponseWriter, q *http.Request) error {
	which, err := readWhich(q.URL.Query())
	if err != nil {
		return err
	}
	texts := q.URL.Query().Get("texts") == "true"
	out := json.NewEncoder(w)
	begun := false
	err = r.Export(q.Context(), which, func(k recall.Key, e recall.Entry) error {
		begun = true
		line := Entry{
			Key: hash(k), Tenant: hash(e.Tenant), Model: e.Backend, System: hash(e.System), Given: e.Given.UTC(), Expires: e.Expires.UTC(),
			PromptTokens: e.Completion.Prompt, AnswerTokens: e.Completion.Answer, Bytes: len(e.Completion.Content),
		}
		if texts {
			line.Texts = &Texts{e.Question, e.Completion.Content, e.Completion.Reasoning}
		}
		return out.Encode(line)
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // the client sees that it did not get all
	}
	return err
}

// readWhich reads the names of entries from a query.
func readWhich(q url.Values) (recall.Which, error) {
	w := recall.Which{Tenant: q.Get("tenant"), Model: q.Get("model"), System: q.Get("system")}
	if before := q.Get("before"); before != "" {
		t, err := time.Parse(time.RFC3339Nano, before)
		if err != nil {
			return recall.Which{}, fmt.Errorf("%w: %q is not a time as in RFC 3339", recall.ErrWhich, before)
		}
		w.Before = t
	}
	return w, nil
}

// query is what readWhich reads.
func query(w recall.Which) url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"tenant": w.Tenant, "model": w.Model, "system": w.System} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if !w.Before.IsZero() {
		q.Set("before", w.Before.Format(time.RFC3339Nano))
	}
	return q
}

// hash writes a key in hexadecimal digits, "" for none.
func hash(k recall.Key) string {
	if (k == recall.Key{}) {
		return ""
	}
	return hex.EncodeToString(k[:])
}

// Serve answers on a Unix socket of mode 0600 at path until ctx ends. What is under way then has a second to end.
func Serve(ctx context.Context, path string, h http.Handler) error {
	lis, err := extproc.Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("admin: %w", errors.Join(err, lis.Close()))
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	select {
	case err := <-served:
		return fmt.Errorf("admin: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.Shutdown(last) != nil {
		_ = s.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// flag is a query's way to say yes.
func flag(q url.Values, name string, on bool) url.Values {
	if on {
		q.Set(name, strconv.FormatBool(on))
	}
	return q
}
