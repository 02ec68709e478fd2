package tiered_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/memory"
	"github.com/mom-router/mom/pkg/recall/recalltest"
	"github.com/mom-router/mom/pkg/recall/tiered"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func room(t *testing.T) *memory.Store {
	t.Helper()
	s, err := memory.New(memory.Limits{Bytes: 4 << 20, TenantBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func over(t *testing.T, front, back recall.Store) *tiered.Store {
	t.Helper()
	s, err := tiered.New(front, back)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s recall.Store, k recall.Key, e recall.Entry) {
	t.Helper()
	if err := s.Put(t.Context(), k, e); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, s recall.Store, k recall.Key) bool {
	t.Helper()
	_, ok, err := s.Get(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestStore(t *testing.T) {
	recalltest.Run(t, func(t *testing.T) recall.Store { return over(t, room(t), room(t)) }, recalltest.Options{Loose: true})
}

func TestWhatOneProcessPutAnotherFinds(t *testing.T) {
	back := room(t)
	front := room(t)
	a, b := over(t, room(t), back), over(t, front, back)
	put(t, a, recall.Key{1}, recalltest.Asked(recall.Key{1}, "Why?", 1))
	if has(t, front, recall.Key{1}) {
		t.Fatal("it is in the front before anybody asked")
	}
	if !has(t, b, recall.Key{1}) || !has(t, front, recall.Key{1}) {
		t.Error("it is not in the other's front once it was asked for")
	}
	if _, err := back.Drop(t.Context(), recall.Filter{}); err != nil {
		t.Fatal(err)
	}
	if !has(t, b, recall.Key{1}) {
		t.Error("the front asks the back for what it has")
	}
}

func TestNearMergesBoth(t *testing.T) {
	back, front := room(t), room(t)
	frame := recall.Key{1}
	put(t, back, recall.Key{1}, recalltest.Asked(frame, "of the back", 0.99))
	put(t, back, recall.Key{2}, recalltest.Asked(frame, "old", 0.97))
	put(t, front, recall.Key{2}, recalltest.Asked(frame, "new", 0.97))
	put(t, front, recall.Key{3}, recalltest.Asked(frame, "of the front", 0.95))
	put(t, back, recall.Key{4}, recalltest.Asked(frame, "one too many", 0.9))
	found, err := over(t, front, back).Near(t.Context(), recall.Query{Frame: frame, Vector: recalltest.Toward(1), Floor: 0.5, Top: 3})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range found {
		got = append(got, n.Entry.Question)
	}
	if len(got) != 3 || got[0] != "of the back" || got[1] != "new" || got[2] != "of the front" {
		t.Errorf("found %q", got)
	}
}

func TestBothForget(t *testing.T) {
	back, front := room(t), room(t)
	s := over(t, front, back)
	put(t, s, recall.Key{1}, recalltest.Entry(1, "in both"))
	put(t, back, recall.Key{2}, recalltest.Entry(1, "in the back"))
	put(t, s, recall.Key{3}, recalltest.Entry(3, "another's"))
	if n, err := s.Drop(t.Context(), recall.Filter{Tenant: recall.Key{1}}); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, store := range []recall.Store{front, back} {
		if has(t, store, recall.Key{1}) || has(t, store, recall.Key{2}) || !has(t, store, recall.Key{3}) {
			t.Error("not both, or too much")
		}
	}
}

// gone is a store that is not there.
type gone struct{}

var errGone = errors.New("gone")

func (gone) Get(context.Context, recall.Key) (recall.Entry, bool, error) {
	return recall.Entry{}, false, errGone
}
func (gone) Put(context.Context, recall.Key, recall.Entry) error           { return errGone }
func (gone) Near(context.Context, recall.Query) ([]recall.Neighbor, error) { return nil, errGone }
func (gone) Drop(context.Context, recall.Filter) (int, error)              { return 0, errGone }
func (gone) Size(context.Context) (recall.Size, error)                     { return recall.Size{}, errGone }

func TestWithoutABackTheFrontDoesAlone(t *testing.T) {
	s := over(t, room(t), gone{})
	if has(t, s, recall.Key{1}) {
		t.Error("found")
	}
	put(t, s, recall.Key{1}, recalltest.Asked(recall.Key{1}, "Why?", 1))
	if !has(t, s, recall.Key{1}) {
		t.Error("what the front has is not found")
	}
	found, err := s.Near(t.Context(), recall.Query{Frame: recall.Key{1}, Vector: recalltest.Toward(1), Top: 1})
	if len(found) != 1 || err != nil {
		t.Errorf("near: %v %v", found, err)
	}
	if n, err := s.Drop(t.Context(), recall.Filter{}); n != 1 || !errors.Is(err, errGone) {
		t.Errorf("drop: %d, %v: who wants something forgotten must hear that the back did not", n, err)
	}
	if has(t, s, recall.Key{1}) {
		t.Error("the front has not forgotten")
	}
	if _, err := s.Size(t.Context()); !errors.Is(err, errGone) {
		t.Errorf("size: %v", err)
	}
}

func TestTwoStoresAreNeeded(t *testing.T) {
	if _, err := tiered.New(nil, room(t)); err == nil {
		t.Error("no error")
	}
	if _, err := tiered.New(room(t), nil); err == nil {
		t.Error("no error")
	}
}
