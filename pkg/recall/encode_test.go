package recall_test

import (
	"bytes"
	"encoding"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/vector"
)

var (
	_ encoding.BinaryMarshaler   = recall.Entry{}
	_ encoding.BinaryUnmarshaler = (*recall.Entry)(nil)
)

// whole is an entry of which every field says something.
func whole() recall.Entry {
	return recall.Entry{
		Tenant: recall.Key{1}, Frame: recall.Key{2}, System: recall.Key{3}, Backend: "small", Question: "Why is the sky blue?",
		Given: time.Unix(1_700_000_000, 5).UTC(), Expires: time.Unix(1_700_003_600, 999_999_999).UTC(), Vector: vector.Unit([]int8{127, -3, 0}),
		Completion: chat.Completion{Model: "small-2", Content: "It scatters.", Reasoning: "Light.", Field: "reasoning", Prompt: 300, Answer: 4},
	}
}

func encode(t interface {
	Helper()
	Fatal(...any)
}, e recall.Entry) []byte {
	t.Helper()
	b, err := e.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A field that nobody thought of when it was added would be lost without a word.
func TestEveryFieldIsEncoded(t *testing.T) {
	want := whole()
	var zero func(path string, v reflect.Value)
	zero = func(path string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("%s says nothing here, so that this test holds nothing of it", path)
		}
		if v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() {
			for i := range v.NumField() {
				zero(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		}
	}
	zero("Entry", reflect.ValueOf(want))
	var got recall.Entry
	if err := got.UnmarshalBinary(encode(t, want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnEntryComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.Custom(func(t *rapid.T) recall.Key {
			return recall.Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		})
		at := rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		})
		text := rapid.String()
		want := recall.Entry{
			Tenant: key.Draw(t, "tenant"), Frame: key.Draw(t, "frame"), System: key.Draw(t, "system"),
			Given: at.Draw(t, "given"), Expires: at.Draw(t, "expires"), Backend: text.Draw(t, "backend"), Question: text.Draw(t, "question"),
			Completion: chat.Completion{
				Model: text.Draw(t, "model"), Content: text.Draw(t, "content"), Reasoning: text.Draw(t, "reasoning"), Field: text.Draw(t, "field"),
				Prompt: rapid.IntRange(0, math.MaxInt).Draw(t, "prompt"), Answer: rapid.IntRange(0, math.MaxInt).Draw(t, "answer"),
			},
		}
		if r, ok := vector.Round(rapid.SliceOfN(rapid.Float32Range(-1, 1), 0, 40).Draw(t, "vector")); ok {
			want.Vector = vector.Unit(r)
		}
		b := encode(t, want)
		var got recall.Entry
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if err := got.UnmarshalBinary(b[:cut]); err == nil {
			t.Errorf("the first %d of %d bytes are an entry", cut, len(b))
		}
	})
}

func TestWhatIsNoEntry(t *testing.T) {
	good := encode(t, whole())
	const times, texts = 1 + 3*32, 1 + 3*32 + 2*12
	edit := func(f func(b []byte) []byte) []byte { return f(slices.Clone(good)) }
	set := func(at int, with ...byte) []byte {
		return edit(func(b []byte) []byte { copy(b[at:], with); return b })
	}
	for name, b := range map[string][]byte{
		"nothing":                     nil,
		"another version":             set(0, 2),
		"a byte too many":             append(slices.Clone(good), 0),
		"a byte too few":              good[:len(good)-1],
		"a time in the year 10000":    set(times, 0, 0, 0, 0x3a, 0xff, 0xf4, 0x41, 0x80),
		"a time before the year 1":    set(times, 0x80),
		"a second of 10^9 ns":         set(times+8, 0x3b, 0x9a, 0xca, 0),
		"it never expires":            set(times+12, 0xff, 0xff, 0xff, 0xf1, 0x88, 0x6e, 0x09, 0, 0, 0, 0, 0),
		"a text longer than all":      set(texts, 0xff),
		"a length in a longer form":   edit(func(b []byte) []byte { b[texts] |= 0x80; return slices.Insert(b, texts+1, 0) }),
		"a length of eleven bytes":    set(texts, bytes.Repeat([]byte{0xff}, 11)...),
		"a vector longer than all":    set(len(good)-4, 4),
		"a vector with a -128":        set(len(good)-1, 0x80),
		"a vector whose most is 126":  set(len(good)-3, 126),
		"a vector of no length":       set(len(good)-3, 0, 0, 0),
		"a vector of 2^63 dimensions": append(slices.Clone(good[:len(good)-4]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
	} {
		e := whole()
		if err := e.UnmarshalBinary(b); err == nil {
			t.Errorf("%s: no error", name)
		}
		if diff := cmp.Diff(whole(), e); diff != "" {
			t.Errorf("%s: it changed %s", name, diff)
		}
	}
}

func TestWhatCannotBeEncoded(t *testing.T) {
	for name, edit := range map[string]func(*recall.Entry){
		"no time to expire":          func(e *recall.Entry) { e.Expires = time.Time{} },
		"a time in the year 10000":   func(e *recall.Entry) { e.Given = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a negative count":           func(e *recall.Entry) { e.Completion.Answer = -1 },
		"a vector without direction": func(e *recall.Entry) { e.Vector = []float32{0, 0} },
		"a vector that is no number": func(e *recall.Entry) { e.Vector = []float32{1, float32(math.NaN())} },
		"a vector too long":          func(e *recall.Entry) { e.Vector = slices.Repeat([]float32{1}, 1<<14+1) },
	} {
		e := whole()
		edit(&e)
		if _, err := e.MarshalBinary(); err == nil || strings.Contains(err.Error(), "sky") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is decoded is encoded to the same bytes: nothing of them was passed over.
func FuzzUnmarshal(f *testing.F) {
	f.Add(encode(f, whole()))
	f.Add(encode(f, recall.Entry{Expires: time.Unix(1, 0)}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var e recall.Entry
		if err := e.UnmarshalBinary(b); err != nil {
			return
		}
		if again := encode(t, e); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
