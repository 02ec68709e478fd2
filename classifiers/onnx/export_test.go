package onnx

// TokenIDs returns the tokens of a text with the special ones around it.
func (t *Trunk) TokenIDs(text string) ([]uint32, error) {
	text, err := clean(text, t.opt.MaxBytes)
	if err != nil {
		return nil, err
	}
	enc, err := t.tok.encode(text)
	if err != nil {
		return nil, err
	}
	out := append([]uint32{}, t.tok.prefix...)
	return append(append(out, enc.ids...), t.tok.suffix...), nil
}

// OpenTokenizer opens a tokenizer.json as it is and closes it again.
func OpenTokenizer(file []byte) error {
	t, err := openTokenizer(file)
	if err == nil {
		t.Close()
	}
	return err
}

// Forget empties the memo.
func (t *Trunk) Forget() { t.forget() }

// Flights returns the number of passes that a new caller could join.
func (t *Trunk) Flights() int {
	t.memo.mu.Lock()
	defer t.memo.mu.Unlock()
	return len(t.memo.flights)
}
