package onnx_test

import (
	"strings"
	"testing"

	"github.com/mom-router/mom/classifiers/onnx"
)

// The file of testdata truncates and pads, as published files do. Were the keys not set to null, it would have to be refused.
func TestTokenizerThatStillTruncatesOrPads(t *testing.T) {
	file := testdata(t, "tokenizer.json")
	for _, c := range []struct {
		name string
		null map[string]string
		want string
	}{
		{"both", nil, "pads"},
		{"truncation alone", map[string]string{"padding": "null"}, "truncates"},
		{"padding alone", map[string]string{"truncation": "null"}, "pads"},
	} {
		if err := onnx.OpenTokenizer(withKeys(t, file, c.null)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", c.name, err, c.want)
		}
	}
	if err := onnx.OpenTokenizer(withKeys(t, file, map[string]string{"padding": "null", "truncation": "null"})); err != nil {
		t.Errorf("neither: %v", err)
	}
}
