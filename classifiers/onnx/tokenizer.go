package onnx

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/daulet/tokenizers"
)

// probeWords is the length of the text that shows whether a tokenizer truncates.
const probeWords = 10_000

// A tokenizer turns texts into token ids. Safe for concurrent use until Close.
type tokenizer struct {
	native         *tokenizers.Tokenizer
	prefix, suffix []uint32 // what the tokenizer puts around every text, such as [CLS] and [SEP]
	cased          bool     // every id carries the case of its letters
}

// newTokenizer loads a tokenizer.json. Files of sentence-transformers models carry a truncation to 128 tokens and a padding to 128, which the
// binding applies without a switch to turn them off: everything after the cut would go unseen, and every short text would cost a long one.
func newTokenizer(file []byte) (*tokenizer, error) {
	whole, err := withoutTruncation(file)
	if err != nil {
		return nil, err
	}
	return openTokenizer(whole)
}

// withoutTruncation returns the tokenizer.json with truncation and padding null.
func withoutTruncation(file []byte) ([]byte, error) {
	var tree map[string]json.RawMessage
	if err := json.Unmarshal(file, &tree); err != nil {
		return nil, fmt.Errorf("tokenizer file: %w", err)
	}
	tree["truncation"], tree["padding"] = json.RawMessage("null"), json.RawMessage("null")
	whole, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("tokenizer file: %w", err)
	}
	return whole, nil
}

// openTokenizer loads a tokenizer.json as it is and refuses one that a text could get around.
func openTokenizer(file []byte) (_ *tokenizer, err error) {
	// The option's name misleads: with it, a text that spells [SEP] is encoded as those five characters, without it as the token.
	native, err := tokenizers.FromBytes(file, tokenizers.WithEncodeSpecialTokens())
	if err != nil {
		return nil, fmt.Errorf("tokenizer file: %w", err)
	}
	t := &tokenizer{native: native}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if err := t.learnTemplate(); err != nil {
		return nil, err
	}
	long, err := t.encode(strings.Repeat("a ", probeWords))
	if err != nil {
		return nil, err
	}
	if len(long.ids) < probeWords/2 {
		return nil, fmt.Errorf("tokenizer truncates: %d words became %d tokens", probeWords, len(long.ids))
	}
	return t, t.checkSpecials(file)
}

// learnTemplate finds out what is put around a text.
func (t *tokenizer) learnTemplate() error {
	e := t.native.EncodeWithOptions("a", true, tokenizers.WithReturnSpecialTokensMask(), tokenizers.WithReturnAttentionMask())
	if slices.Contains(e.AttentionMask, 0) {
		return errors.New("tokenizer pads")
	}
	first, last := slices.Index(e.SpecialTokensMask, 0), len(e.IDs)
	if first < 0 {
		return errors.New("tokenizer finds no token in a letter")
	}
	for last > 0 && e.SpecialTokensMask[last-1] != 0 {
		last--
	}
	t.prefix, t.suffix = e.IDs[:first], e.IDs[last:]
	// A failed encoding comes back empty. Only around an empty text that has tokens of its own can the two be told apart.
	empty := t.native.EncodeWithOptions("", true).IDs
	if len(empty) == 0 || !slices.Equal(empty, slices.Concat(t.prefix, t.suffix)) {
		return errors.New("tokenizer does not put the same special tokens around every text")
	}
	return nil
}

// checkSpecials refuses a tokenizer that gives a special token for a text that spells it: the text could then pretend to end, or to be masked.
func (t *tokenizer) checkSpecials(file []byte) error {
	var declared struct {
		AddedTokens []struct {
			ID      uint32 `json:"id"`
			Content string `json:"content"`
			Special bool   `json:"special"`
		} `json:"added_tokens"`
		Model struct {
			UnkToken string `json:"unk_token"`
		} `json:"model"`
	}
	if err := json.Unmarshal(file, &declared); err != nil {
		return fmt.Errorf("tokenizer file: %w", err)
	}
	for _, a := range declared.AddedTokens {
		if !a.Special || a.Content == declared.Model.UnkToken { // any character may be unknown
			continue
		}
		enc, err := t.encode(a.Content)
		if err != nil {
			return err
		}
		if slices.Contains(enc.ids, a.ID) {
			return fmt.Errorf("tokenizer takes the text %q for its special token", a.Content)
		}
	}
	return nil
}

// replacement stands for NUL.
const replacement = "\uFFFD"

// clean makes a text fit for the binding, or says why it cannot. It passes texts as C strings, so that all after a NUL would go unseen, and
// decodes invalid UTF-8 to something else than what is forwarded. U+FFFD has the tokens NUL has in the Python tokenizers.
func clean(text string, maxBytes int) (string, error) {
	if len(text) > maxBytes {
		return "", errTooManyBytes(maxBytes)
	}
	if !utf8.ValidString(text) {
		return "", errors.New("text is not valid UTF-8")
	}
	text = strings.ReplaceAll(text, "\x00", replacement)
	if len(text) > maxBytes {
		return "", errTooManyBytes(maxBytes)
	}
	return text, nil
}

// encode returns the tokens of a clean text without what is put around it, and where they stand. It cannot be cancelled and takes about a second a
// megabyte.
func (t *tokenizer) encode(text string) (encoding, error) {
	e := t.native.EncodeWithOptions(text, true, tokenizers.WithReturnOffsets()) // never with the tokens' strings: the binding panics on some, past its guard
	ids := e.IDs
	from := len(t.prefix)
	to := len(ids) - len(t.suffix)
	if to < from || !slices.Equal(ids[:from], t.prefix) || !slices.Equal(ids[to:], t.suffix) {
		return encoding{}, fmt.Errorf("tokenizer gave %d tokens without the special ones", to-from)
	}
	if len(e.Offsets) != len(ids) {
		return encoding{}, fmt.Errorf("tokenizer gave %d places for %d tokens", len(e.Offsets), len(ids))
	}
	enc := encoding{ids: ids[from:to], offsets: e.Offsets[from:to]}
	if t.cased {
		return enc, withCase(text, enc.ids, enc.offsets)
	}
	return enc, nil
}

func (t *tokenizer) Close() { _ = t.native.Close() } // always nil
