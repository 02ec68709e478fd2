package recall

import (
	"context"
	"strings"
	"unicode"
)

// agree says whether two answers come to the same.
func agree(ctx context.Context, m Embedder, a, b string) (right, sure bool) {
	if plain(a) == plain(b) {
		return true, true
	}
	va, err := m.Embed(ctx, a)
	if err != nil {
		return false, false
	}
	vb, err := m.Embed(ctx, b)
	if err != nil || len(va) != len(vb) {
		return false, false
	}
	return cosine(va, vb) > 0.9, true
}

// plain is a text without what answers of the same words differ in: spaces, marks and the case of letters.
func plain(s string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " "))
}

// cosine of two vectors of length one.
func cosine(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
