package onnx

// TokenIDs returns the tokens of a text with the special ones around it.
func (m *Model) TokenIDs(text string) ([]uint32, error) {
	text, err := clean(text, m.opt.MaxBytes)
	if err != nil {
		return nil, err
	}
	ids, err := m.tok.encode(text)
	if err != nil {
		return nil, err
	}
	out := append([]uint32{}, m.tok.prefix...)
	return append(append(out, ids...), m.tok.suffix...), nil
}

// OpenTokenizer opens a tokenizer.json as it is and closes it again.
func OpenTokenizer(file []byte) error {
	t, err := openTokenizer(file)
	if err == nil {
		t.Close()
	}
	return err
}
