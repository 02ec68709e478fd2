package recall_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/recall"
)

// shelved is a memory of two tenants, two models, two system prompts, and answers a minute apart; names of questions are TENANT-MODEL-SYSTEM.
func shelved(t *testing.T) (w *world, ask func(name string) string) {
	t.Helper()
	w = newWorld(t, func(c *recall.Config) { c.Shared = false })
	req := func(name string) *pipeline.Request {
		p := strings.Split(name, "-")
		return request(t, pipeline.Caller{Tenant: p[0]}, fmt.Sprintf(`{"model":"MoM","messages":[{"role":"system","content":%q},{"role":"user","content":%q}]}`, p[2], name))
	}
	for _, name := range names {
		_, found := w.ask(req(name))
		by := &pipeline.Plan{Decision: "default", Tiers: []pipeline.Tier{{Model: strings.Split(name, "-")[1]}}}
		if err := w.r.Remember(context.Background(), req(name), found, by, chat.Completion{Content: name, Prompt: 3, Answer: 4}); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
	}
	return w, func(name string) string {
		_, found := w.ask(req(name))
		w.r.Release(found)
		return found.State
	}
}

var names = []string{"a-small-one", "a-small-two", "a-large-one", "b-small-one", "b-large-two"}

func TestInvalidate(t *testing.T) {
	system := func(w *world, of string) string {
		var out string
		if err := w.r.Export(context.Background(), recall.Which{}, func(_ recall.Key, e recall.Entry) error {
			if e.Completion.Content == of {
				out = hex.EncodeToString(e.System[:])
			}
			return nil
		}); err != nil || out == "" {
			t.Fatalf("%q %v", out, err)
		}
		return out
	}
	for name, tt := range map[string]struct {
		which func(w *world) recall.Which
		left  string
	}{
		"all":             {func(*world) recall.Which { return recall.Which{} }, ""},
		"a tenant":        {func(*world) recall.Which { return recall.Which{Tenant: "a"} }, "b-small-one b-large-two"},
		"a tenant's word": {func(*world) recall.Which { return recall.Which{Tenant: "A"} }, strings.Join(names, " ")},
		"a model":         {func(*world) recall.Which { return recall.Which{Model: "small"} }, "a-large-one b-large-two"},
		"both":            {func(*world) recall.Which { return recall.Which{Tenant: "a", Model: "small"} }, "a-large-one b-small-one b-large-two"},
		"a system prompt": {func(w *world) recall.Which { return recall.Which{System: system(w, "a-small-one")} }, "a-small-two b-large-two"},
		"how it begins":   {func(w *world) recall.Which { return recall.Which{System: system(w, "a-small-one")[:8]} }, "a-small-two b-large-two"},
		"what is older":   {func(w *world) recall.Which { return recall.Which{Before: w.now.Add(-2 * time.Minute)} }, "b-small-one b-large-two"},
		"nobody's":        {func(*world) recall.Which { return recall.Which{Model: "other"} }, strings.Join(names, " ")},
	} {
		w, ask := shelved(t)
		n, err := w.r.Invalidate(context.Background(), tt.which(w))
		var left []string
		for _, name := range names {
			if ask(name) == pipeline.RecallHit {
				left = append(left, name)
			}
		}
		if got := strings.Join(left, " "); err != nil || got != tt.left || n != len(names)-len(left) {
			t.Errorf("%s: %d forgotten, left are %s (%v); want %s", name, n, got, err, tt.left)
		}
	}
	w := newWorld(t, nil)
	for name, which := range map[string]recall.Which{
		"a tenant where all are one": {Tenant: "a"}, "half a byte": {System: "abc"}, "no digits": {System: "zz"}, "a hash too long": {System: strings.Repeat("ab", 33)},
	} {
		if _, err := w.r.Invalidate(context.Background(), which); !errors.Is(err, recall.ErrWhich) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An answer that was asked for before an invalidation is as old as what was forgotten.
func TestAnAnswerOnItsWayIsForgottenToo(t *testing.T) {
	w := newWorld(t, nil)
	req := request(t, pipeline.Caller{}, sky)
	_, found := w.ask(req)
	if _, err := w.r.Invalidate(context.Background(), recall.Which{}); err != nil {
		t.Fatal(err)
	}
	w.remember(req, found, "an old answer")
	if d, _ := w.ask(req); d.Verdict != pipeline.Continue {
		t.Errorf("was told %s", d.Reply.Body)
	}
}

func TestStats(t *testing.T) {
	w, ask := shelved(t)
	for _, name := range []string{"a-small-one", "a-large-one", "c-small-one"} {
		ask(name)
	}
	w.ask(request(t, pipeline.Caller{}, sky))
	w.ask(request(t, pipeline.Caller{Tenant: "a", NoStore: true}, sky))
	got, err := w.r.Stats(context.Background())
	if err != nil || got.Entries != 5 || got.Bytes == 0 || got.Tokens != 14 || len(got.Systems) != 2 || got.Systems[0].Entries != 3 || got.Systems[1].Entries != 2 {
		t.Errorf("%+v %v", got, err)
	}
	want := []recall.Count{
		{Lookup: recall.Lookup{State: "hit"}, N: 2}, {Lookup: recall.Lookup{State: "miss"}, N: 6},
		{Lookup: recall.Lookup{State: "bypass", Why: "asked"}, N: 1}, {Lookup: recall.Lookup{State: "bypass", Why: "tenant"}, N: 1},
	}
	if diff := cmp.Diff(want, got.Lookups); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	fails := newWorld(t, func(c *recall.Config) { c.Store = broken{c.Store} })
	fails.ask(request(t, pipeline.Caller{}, sky))
	if got, err := fails.r.Stats(context.Background()); err != nil || len(got.Lookups) != 1 || got.Lookups[0].State != recall.LookupFailed {
		t.Errorf("a store that fails: %+v %v", got, err)
	}
}

func TestSavedMoney(t *testing.T) {
	w := newWorld(t, func(c *recall.Config) { c.Prices = map[string]recall.Price{"small": {Input: 2, Output: 10}} })
	req := request(t, pipeline.Caller{}, sky)
	_, found := w.ask(req)
	if err := w.r.Remember(context.Background(), req, found, plan, chat.Completion{Content: "x", Prompt: 1000, Answer: 500}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, found = w.ask(req); found.Tokens != 1500 || found.USD != 0.007 {
			t.Errorf("%+v", found)
		}
	}
	if got, _ := w.r.Stats(context.Background()); got.Tokens != 4500 || got.USD < 0.02099 || got.USD > 0.02101 {
		t.Errorf("%+v", got)
	}
}

func TestExportShowsWhatServes(t *testing.T) {
	w, _ := shelved(t)
	w.now = w.now.Add(time.Hour - 4*time.Minute)
	n := 0
	count := func(recall.Key, recall.Entry) error { n++; return nil }
	if err := w.r.Export(context.Background(), recall.Which{}, count); err != nil || n != 3 {
		t.Errorf("%d entries, %v; want the 3 that have not expired", n, err)
	}
	stop := errors.New("enough")
	if err := w.r.Export(context.Background(), recall.Which{}, func(recall.Key, recall.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	blind := newWorld(t, func(c *recall.Config) { c.Store = broken{c.Store} })
	if err := blind.r.Export(context.Background(), recall.Which{}, count); !errors.Is(err, recall.ErrNoList) {
		t.Errorf("a store that cannot list: %v", err)
	}
}
