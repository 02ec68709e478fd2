package chat_test

import (
	"testing"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

func TestReplaced(t *testing.T) {
	at := func(ref, start, end int, with string) pipeline.Replacement {
		return pipeline.Replacement{Ref: pipeline.Ref(ref), Start: start, End: end, With: with}
	}
	for _, tt := range []struct {
		name string
		in   []pipeline.Replacement
		want string
	}{
		{"nothing is replaced", nil, "né à 17 ans"},
		{"a replacement of another text", []pipeline.Replacement{at(1, 0, 3, "[X]")}, "né à 17 ans"},
		{"two of this one, in any order", []pipeline.Replacement{at(0, 7, 9, "[AGE]"), at(0, 0, 3, "[X]")}, "[X] à [AGE] ans"},
		{"two of the same bytes are made once", []pipeline.Replacement{at(0, 7, 9, "[AGE]"), at(0, 7, 9, "[AGE]")}, "né à [AGE] ans"},
		{"bounds inside a character take all of it", []pipeline.Replacement{at(0, 2, 2, "[X]"), at(0, 5, 6, "[Y]")}, "n[X] [Y] 17 ans"},
		{"bounds beyond the text end with it", []pipeline.Replacement{at(0, 10, 900, "[X]")}, "né à 17 [X]"},
		{"a place that is not known", []pipeline.Replacement{at(-1, 0, 0, "")}, "né à 17 ans"},
	} {
		if got := chat.Replaced(0, "né à 17 ans", tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
