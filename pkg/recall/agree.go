package recall

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/recall/gate"
)

const (
	opening = 400 // bytes of an answer that are compared; a vector has room for about as many
	apart   = 0.5 // the cosine under which two answers have not the same subject
)

// Agree says whether two answers come to the same, and whether that is sure. Answers of the same words agree. Of others the beginnings are compared,
// where most of them say what was asked for: they differ when their vectors are far apart or their numbers are others; they agree when their cosine is
// at least like, their numbers do not contradict each other, no word of one has its opposite or a negation in the other, and there is no code. All
// between is not sure, and so is what the embedder cannot read. A difference that comes later, or that is in a name alone, is not seen.
func Agree(ctx context.Context, m Embedder, like float64, a, b string) (right, sure bool) {
	if plain(a) == plain(b) {
		return true, true
	}
	a, b = begin(a), begin(b)
	va, err := m.Embed(ctx, a)
	if err != nil {
		return false, false
	}
	vb, err := m.Embed(ctx, b)
	if err != nil || len(va) != len(vb) {
		return false, false
	}
	cosine := 0.0
	for i := range va {
		cosine += float64(va[i]) * float64(vb[i])
	}
	fa, fb := gate.Read(a), gate.Read(b)
	na, nb := fa.Numbers(), fb.Numbers()
	same, why := gate.Same(&fa, &fb)
	switch {
	// In words, a number may be one in passing: half a minute.
	case written(a) && written(b) && parted(na, nb), cosine < apart && !shares(na, nb):
		return false, true
	case cosine >= like && (within(na, nb) || within(nb, na)) && !strings.Contains(a+b, "`") &&
		(same || why != gate.Antonym && why != gate.Negation && why != gate.Unread):
		return true, true
	}
	return false, false
}

// plain is a text without what answers of the same words differ in: spaces, marks and the case of letters.
func plain(s string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " "))
}

// begin is the beginning of an answer, no word of it cut.
func begin(s string) string {
	if len(s) <= opening {
		return s
	}
	s = s[:opening]
	if at := strings.LastIndexFunc(s, unicode.IsSpace); at > 0 {
		return s[:at]
	}
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// within says whether a has nothing that b has not.
func within(a, b []string) bool {
	return !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}

// written says whether a text has a number in digits.
func written(s string) bool { return strings.ContainsAny(s, "0123456789") }

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// parted says whether both have something and nothing is in both.
func parted(a, b []string) bool { return len(a) > 0 && len(b) > 0 && !shares(a, b) }
