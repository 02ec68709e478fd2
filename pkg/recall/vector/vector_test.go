package vector_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/recall/vector"
)

func TestWhatHasNoDirection(t *testing.T) {
	for name, v := range map[string][]float32{
		"nothing": nil, "zero": {0, 0}, "not a number": {1, float32(math.NaN())}, "infinite": {1, float32(math.Inf(-1))},
	} {
		if r, ok := vector.Round(v); ok {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestRoundKeepsTheDirection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float32Range(-1, 1), 1, 400).Draw(t, "v")
		r, ok := vector.Round(v)
		if !ok {
			return
		}
		if slices.Max(r) != 127 && slices.Min(r) != -127 || slices.Min(r) == -128 {
			t.Fatalf("from %d to %d", slices.Min(r), slices.Max(r))
		}
		u := vector.Unit(r)
		var dot, vv, uu float64
		for i := range v {
			dot, vv, uu = dot+float64(v[i])*float64(u[i]), vv+float64(v[i])*float64(v[i]), uu+float64(u[i])*float64(u[i])
		}
		if cosine := dot / math.Sqrt(vv*uu); cosine < 0.997 || math.Abs(uu-1) > 1e-5 {
			t.Errorf("cosine %v, squared length %v", cosine, uu)
		}
		if again, _ := vector.Round(u); !slices.Equal(again, r) {
			t.Errorf("%v is rounded to %v", r, again)
		}
	})
}
