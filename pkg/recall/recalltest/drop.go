package recalltest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/recall"
)

// drop tries what a filter names and what it leaves.
func drop(t *testing.T, open func(t *testing.T) recall.Store) {
	early := time.Unix(1_600_000_000, 0).UTC()
	all := []recall.Entry{Asked(recall.Key{1}, "a", 1), Asked(recall.Key{1}, "b", 0.9), Asked(recall.Key{2}, "c", 1), Entry(2, "d"), Entry(3, "e")}
	all[0].System = recall.Key{0xab, 0xcd, 1}
	all[1].System, all[1].Backend = recall.Key{0xab, 0xce}, "large"
	all[2].Given, all[2].Tenant = early, recall.Key{2}
	all[3].Given, all[3].Backend = early.Add(time.Hour), "large"
	for name, f := range map[string]recall.Filter{
		"all":                              {},
		"a tenant's":                       {Tenant: recall.Key{2}},
		"a stranger's":                     {Tenant: recall.Key{9}},
		"a model's":                        {Backend: "large"},
		"an unknown model's":               {Backend: "larg"},
		"those with a system text":         {System: []byte{0xab, 0xcd, 1}},
		"those whose hash begins so":       {System: []byte{0xab}},
		"none, whose hash ends so":         {System: []byte{0xcd}},
		"not those without a system text":  {System: []byte{0}},
		"the old ones":                     {Before: early.Add(time.Hour)},
		"the old ones, but not older ones": {Before: early},
		"an old one of a tenant":           {Tenant: recall.Key{2}, Before: early.Add(time.Minute)},
		"one of a model, a system text":    {Backend: "large", System: []byte{0xab}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			want := 0
			for i, e := range all {
				put(t, s, recall.Key{byte(i)}, e)
				if f.Names(&e) {
					want++
				}
			}
			if n, err := s.Drop(context.Background(), f); err != nil || n != want {
				t.Errorf("%d are gone, want %d: %v", n, want, err)
			}
			for i, e := range all {
				if _, ok, err := s.Get(context.Background(), recall.Key{byte(i)}); err != nil || ok == f.Names(&e) {
					t.Errorf("entry %d: there %v, named %v: %v", i, ok, f.Names(&e), err)
				}
			}
			for _, frame := range []recall.Key{{1}, {2}} {
				for _, n := range find(t, s, recall.Query{Frame: frame, Vector: Toward(1), Floor: -1, Top: 10, Now: now}) {
					if f.Names(&n.Entry) {
						t.Errorf("%q is gone and was found", n.Entry.Question)
					}
				}
			}
			if n, err := s.Drop(context.Background(), f); err != nil || n != 0 {
				t.Errorf("%d went a second time: %v", n, err)
			}
		})
	}
}

// size tries whether a store knows what it holds.
func size(t *testing.T, open func(t *testing.T) recall.Store, o Options) {
	s := open(t)
	holds := func(entries int) recall.Size {
		t.Helper()
		got, err := s.Size(context.Background())
		if err != nil || got.Bytes < 0 || !o.Loose && got.Entries != entries {
			t.Errorf("%+v, want %d entries: %v", got, entries, err)
		}
		return got
	}
	holds(0)
	for i := range 20 {
		put(t, s, recall.Key{byte(i % 10)}, Asked(recall.Key{1}, fmt.Sprint(i), 1))
	}
	full := holds(10)
	if _, err := s.Drop(context.Background(), recall.Filter{}); err != nil {
		t.Fatal(err)
	}
	if empty := holds(0); full.Bytes > 0 && empty.Bytes >= full.Bytes {
		t.Errorf("%d bytes of nothing, %d before", empty.Bytes, full.Bytes)
	}
}

// end tries calls whose time is over: each returns, either as if nothing were or with the context's error.
func end(t *testing.T, open func(t *testing.T) recall.Store) {
	s := open(t)
	put(t, s, recall.Key{1}, Asked(recall.Key{1}, "Why?", 1))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, call := range map[string]func() error{
		"get": func() error { _, _, err := s.Get(ctx, recall.Key{1}); return err },
		"put": func() error { return s.Put(ctx, recall.Key{2}, Asked(recall.Key{1}, "How?", 1)) },
		"near": func() error {
			_, err := s.Near(ctx, recall.Query{Frame: recall.Key{1}, Vector: Toward(1), Top: 1, Now: now})
			return err
		},
		"drop": func() error { _, err := s.Drop(ctx, recall.Filter{Tenant: recall.Key{9}}); return err },
		"size": func() error { _, err := s.Size(ctx); return err },
	} {
		if err := call(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if e, ok, err := s.Get(context.Background(), recall.Key{1}); err != nil || !ok || e.Question != "Why?" {
		t.Errorf("afterwards: %v %v %+v", err, ok, e)
	}
}
