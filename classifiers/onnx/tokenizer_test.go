package onnx_test

import (
	"os"
	"path/filepath"
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

// The binding makes C strings of the tokens' spellings outside its guard against panics: a spelling with a NUL in it ends the process.
func TestSpellingsOfTokensAreNeverAskedFor(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("sources of the package: %v, %v", files, err)
	}
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{"WithReturn" + "Tokens", "WithReturn" + "AllAttributes", "native.Encode" + "("} {
			if strings.Contains(string(source), call) {
				t.Errorf("%s: calls %s", name, call)
			}
		}
	}
}
