package memory_test

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/memory"
	"github.com/mom-router/mom/pkg/recall/recalltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, l memory.Limits) *memory.Store {
	t.Helper()
	s, err := memory.New(l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	recalltest.Run(t, func(t *testing.T) recall.Store {
		return open(t, memory.Limits{Bytes: 4 << 20, TenantBytes: 1 << 20})
	}, recalltest.Options{})
}

func TestATenantPushesOutItsOwn(t *testing.T) {
	ctx := context.Background()
	s := open(t, memory.Limits{Bytes: 1 << 20, TenantBytes: 64 << 10})
	if err := s.Put(ctx, recall.Key{1}, recalltest.Entry(1, "small")); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("x", 10<<10)
	for i := range 100 {
		if err := s.Put(ctx, recall.Key{2, byte(i)}, recalltest.Entry(2, text)); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, _ := s.Get(ctx, recall.Key{1}); !ok {
		t.Error("another tenant's answer was pushed out")
	}
	kept := 0
	for i := range 100 {
		if _, ok, _ := s.Get(ctx, recall.Key{2, byte(i)}); ok {
			kept++
		}
	}
	if kept == 0 || kept > 6 {
		t.Errorf("%d of 10 KiB are kept, want those that fit 64 KiB", kept)
	}
	if _, ok, _ := s.Get(ctx, recall.Key{2, 99}); !ok {
		t.Error("the latest is gone")
	}
	if err := s.Put(ctx, recall.Key{3}, recalltest.Entry(3, strings.Repeat("x", 65<<10))); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := s.Get(ctx, recall.Key{3}); ok {
		t.Error("an entry over a tenant's share is kept")
	}
}

func TestAllTenantsTogetherHaveABound(t *testing.T) {
	ctx := context.Background()
	s := open(t, memory.Limits{Bytes: 256 << 10, TenantBytes: 64 << 10})
	text := strings.Repeat("x", 10<<10)
	for i := range 200 {
		if err := s.Put(ctx, recall.Key{byte(i)}, recalltest.Entry(byte(i), text)); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	for i := range 200 {
		if _, ok, _ := s.Get(ctx, recall.Key{byte(i)}); ok {
			kept++
		}
	}
	if kept == 0 || kept > 25 {
		t.Errorf("%d of 10 KiB are kept, want those that fit 256 KiB", kept)
	}
}

func TestLimitsThatMeanNothing(t *testing.T) {
	for name, l := range map[string]memory.Limits{
		"no room":                {TenantBytes: 1},
		"no share":               {Bytes: 1},
		"a share over the whole": {Bytes: 1, TenantBytes: 2},
	} {
		if _, err := memory.New(l); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
