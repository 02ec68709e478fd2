package evidence_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/recall/evidence"
)

func ledger(t interface {
	Helper()
	Fatal(...any)
}, from, maxError float64) *evidence.Ledger {
	t.Helper()
	l, err := evidence.New(evidence.Config{From: from, MaxError: maxError, Entries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var entry, other = evidence.Key{1}, evidence.Key{2}

func TestOneEntry(t *testing.T) {
	type outcome struct {
		cosine float64
		right  bool
		times  int
	}
	for name, tt := range map[string]struct {
		saw    []outcome
		cosine float64
		serves bool
	}{
		"nothing is known":                              {nil, 0.9, true},
		"below the least cosine":                        {[]outcome{{0.95, true, 500}}, 0.87, false},
		"a cosine that is no number":                    {nil, math.NaN(), false},
		"one was right":                                 {[]outcome{{0.9, true, 1}}, 0.9, true},
		"one was wrong":                                 {[]outcome{{0.9, false, 1}}, 0.9, false},
		"one was wrong, this is farther":                {[]outcome{{0.9, false, 1}}, 0.89, false},
		"one was wrong, this is hardly closer":          {[]outcome{{0.9, false, 1}}, 0.92, false},
		"one was wrong, this is closer":                 {[]outcome{{0.9, false, 1}}, 0.935, true},
		"one of sixty was wrong":                        {[]outcome{{0.9, false, 1}, {0.9, true, 59}}, 0.9, false},
		"one of two hundred was wrong":                  {[]outcome{{0.9, true, 199}, {0.9, false, 1}}, 0.9, true},
		"the right ones were closer, so say nothing":    {[]outcome{{0.97, true, 199}, {0.9, false, 1}}, 0.9, false},
		"a wrong one at a cosine of one bars the entry": {[]outcome{{1, false, 1}}, 1, false},
	} {
		l := ledger(t, 0.88, 0.01)
		for range 5000 { // the others are right, so that all together narrow nothing
			l.Saw(other, 0.99, true)
		}
		for _, o := range tt.saw {
			for range o.times {
				l.Saw(entry, o.cosine, o.right)
			}
		}
		if s := l.State(); s.Mode != evidence.On {
			t.Fatalf("%s: %+v", name, s)
		}
		if got := l.Serves(entry, tt.cosine); got != tt.serves {
			t.Errorf("%s: serves at %v: %t", name, tt.cosine, got)
		}
		if tt.cosine >= 0.88 && !l.Serves(evidence.Key{3}, tt.cosine) {
			t.Errorf("%s: another entry does not serve", name)
		}
		l.Forget(entry)
		if got := l.Serves(entry, 0.9); !got {
			t.Errorf("%s: does not serve with another answer", name)
		}
	}
}

func TestAllTogether(t *testing.T) {
	l := ledger(t, 0.88, 0.01)
	saw := func(times int, cosine float64, right bool) (s evidence.State, changes int) {
		for range times {
			var changed bool
			if s, changed = l.Saw(entry, cosine, right); changed {
				changes++
			}
		}
		return s, changes
	}
	if s, n := saw(400, 0.9, true); s.Mode != evidence.On || n != 0 || s.Wrong.N != 400 || s.Wrong.Hits != 0 {
		t.Fatalf("400 right ones: %+v, %d changes", s, n)
	}
	if s, n := saw(4, 0.9, false); s.Mode != evidence.On || n != 0 {
		t.Fatalf("four wrong ones of 404, which may be chance: %+v, %d changes", s, n)
	}
	s, n := saw(6, 0.9, false)
	if s.Mode != evidence.Narrowed || math.Abs(s.From-0.91) > 1e-9 || n != 1 || s.Wrong.N != 0 {
		t.Fatalf("ten of 410: %+v, %d changes", s, n)
	}
	if l.Serves(other, 0.905) || !l.Serves(other, 0.91) {
		t.Error("what was narrowed still serves, or more does not")
	}
	if s, n = saw(2, 0.96, false); s.Mode != evidence.Narrowed || n != 0 {
		t.Fatalf("two wrong ones of another cosine: %+v, %d changes", s, n)
	}
	if s, n = saw(1, 0.96, false); s.Mode != evidence.Narrowed || math.Abs(s.From-0.97) > 1e-9 || n != 1 {
		t.Fatalf("a third: %+v, %d changes", s, n)
	}
	if s, n = saw(3, 0.99, false); s.Mode != evidence.Off || n != 1 || s.Wrong.Hits != 16 {
		t.Fatalf("wrong ones at every cosine: %+v, %d changes", s, n)
	}
	if s, n = saw(5000, 0.99, true); s.Mode != evidence.Off || n != 0 || l.Serves(other, 1) {
		t.Errorf("what was switched off came back: %+v", s)
	}
}

// So much is wrong that no few checks show it, and too much all the same.
func TestAfterManyChecksItMustBeSurelyBelow(t *testing.T) {
	for wrong, mode := range map[int]string{3: evidence.On, 8: evidence.On, 20: evidence.Narrowed} {
		l := ledger(t, 0.88, 0.01)
		for i := range 2200 {
			l.Saw(evidence.Key{byte(i), byte(i >> 8)}, 0.9, i%(2200/wrong) != 2200/wrong-1)
		}
		if s := l.State(); s.Mode != mode {
			t.Errorf("%d wrong of 2200: %+v", wrong, s)
		}
	}
}

// What is wrong three times as often as allowed, or more, is switched off, though no entry is wrong twice.
func TestTheBoundHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, wrong := ledger(t, 0.8, 0.05), rapid.IntRange(15, 100).Draw(t, "wrong of a hundred")
		seed := rapid.IntRange(0, 99).Draw(t, "seed")
		for i := range 2000 { // an even sequence that begins anywhere
			l.Saw(evidence.Key{byte(i), byte(i >> 8)}, 0.99, (i*61+seed)%100 >= wrong)
		}
		if s := l.State(); s.Mode != evidence.Off {
			t.Fatalf("%d of 100 wrong: %+v", wrong, s)
		}
	})
}

func TestItOnlyNarrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := ledger(t, 0.8, 0.1)
		from := 0.8
		for range rapid.IntRange(0, 60).Draw(t, "outcomes") {
			k := evidence.Key{rapid.Byte().Draw(t, "entry") % 3}
			cosine := rapid.Float64Range(0.8, 1).Draw(t, "cosine")
			s, changed := l.Saw(k, cosine, rapid.Bool().Draw(t, "right"))
			if s.From < from || changed != (s.From > from) {
				t.Fatalf("%+v after %v, said to be new: %t", s, from, changed)
			}
			from = s.From
			at := rapid.Float64Range(-1, 1).Draw(t, "asked")
			if l.Serves(k, at) && (at < s.From || s.Mode == evidence.Off) {
				t.Fatalf("serves at %v, %+v", at, s)
			}
		}
	})
}

func TestLedgersThatMeanNothing(t *testing.T) {
	for name, c := range map[string]evidence.Config{
		"no least cosine":   {MaxError: 0.01, Entries: 1},
		"any error":         {From: 0.9, MaxError: 1, Entries: 1},
		"no error":          {From: 0.9, Entries: 1},
		"no room":           {From: 0.9, MaxError: 0.01},
		"a cosine over one": {From: 1.1, MaxError: 0.01, Entries: 1},
	} {
		if _, err := evidence.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
