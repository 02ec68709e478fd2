package onnx

import (
	"fmt"
	"unicode"

	"github.com/daulet/tokenizers"
)

// inputCase is the graph's input for the case of letters, which a tokenizer that makes all of them small would lose: for each token one of the codes
// below. They are also made by models/recipes/mom_recipes/letters.py, and are part of what a model was trained on.
const inputCase = "letter_case"

// The codes.
const (
	caseNone    = iota // no letter that has a case; also every special token
	caseLower          // small letters
	caseCapital        // the first letter is large, no other
	caseUpper          // all letters are large, and they are more than one
	caseMixed          // otherwise
)

// A token id carries its code above caseShift, so that windows, memo and workers have one list to handle. No vocabulary is that large.
const (
	caseShift = 24
	idMask    = 1<<caseShift - 1
)

// withCase adds the code of its letters to every id of a clean text. What a tokenizer says of places is not trusted to be in the text.
func withCase(text string, ids []uint32, offsets []tokenizers.Offset) error {
	for i, o := range offsets {
		start, end := min(uint64(o[0]), uint64(len(text))), min(uint64(o[1]), uint64(len(text)))
		if ids[i] > idMask {
			return fmt.Errorf("token id %d leaves no room for the case of its letters", ids[i])
		}
		ids[i] |= caseOf(text[min(start, end):end]) << caseShift
	}
	return nil
}

// caseOf returns the code of a token's text.
func caseOf(piece string) uint32 {
	letters, large, first := 0, 0, false
	for _, r := range piece {
		switch {
		case unicode.In(r, unicode.Lu, unicode.Lt):
			first = first || letters == 0
			large++
			letters++
		case unicode.Is(unicode.Ll, r):
			letters++
		}
	}
	switch {
	case letters == 0:
		return caseNone
	case large == 0:
		return caseLower
	case large == 1 && first:
		return caseCapital
	case large == letters:
		return caseUpper
	}
	return caseMixed
}
