package onnx

import (
	"sort"
	"unicode/utf8"

	"github.com/daulet/tokenizers"
)

// An encoding is a tokenised text without what the tokenizer puts around it.
type encoding struct {
	ids     []uint32
	offsets []tokenizers.Offset // bytes of the clean text
	text    string              // as it was given
	nuls    []int               // where the replacements of NUL end in the clean text
}

// locate prepares place for the text as it was before clean.
func (e *encoding) locate(text string) {
	e.text = text
	for i := range len(text) {
		if text[i] == 0 {
			e.nuls = append(e.nuls, i+len(replacement)+len(e.nuls)*(len(replacement)-1))
		}
	}
}

// place returns the bytes [start, end) of the given text that a token stands for, widened to whole code points: some tokenizers make several
// tokens of one. What a tokenizer says is not trusted to be in the text.
func (e *encoding) place(token int) (start, end int) {
	o := e.offsets[token]
	start, end = e.given(int(min(o[0], o[1]))), e.given(int(o[1]))
	for start > 0 && start < len(e.text) && !utf8.RuneStart(e.text[start]) {
		start--
	}
	for end < len(e.text) && !utf8.RuneStart(e.text[end]) {
		end++
	}
	return start, end
}

// given turns an offset of the clean text into one of the given text.
func (e *encoding) given(offset int) int {
	before := sort.SearchInts(e.nuls, offset+1) // replacements that end at the offset or before it
	return min(offset-before*(len(replacement)-1), len(e.text))
}
