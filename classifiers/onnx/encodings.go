package onnx

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
)

// The views of a trunk ask about the same text one after the other, and to tokenise it costs each of them up to a tenth of a pass. So what was made of
// a text is kept for as long as a request takes, by the hash of the text and in few bytes: tokens are as good as the text itself.
const (
	encodedFor   = 2 * time.Second
	encodedBytes = 4 << 20
	tokenBytes   = 4 + 16 // an id and a place
)

type encodings = otter.Cache[key, encoding]

func newEncodings() (*encodings, error) {
	c, err := otter.New(&otter.Options[key, encoding]{
		MaximumWeight:    encodedBytes,
		Weigher:          func(_ key, e encoding) uint32 { return uint32(entryBytes + tokenBytes*len(e.ids)) },
		ExpiryCalculator: otter.ExpiryWriting[key, encoding](encodedFor),
		Executor:         func(evict func()) { evict() },
	})
	if err != nil {
		return nil, fmt.Errorf("encodings: %w", err)
	}
	return c, nil
}

// encode returns what the tokenizer makes of a clean text. It is shared, so read and never changed.
// Errors are the tokenizer's, for one that drops its special tokens or whose ids leave no room for a code.
func (t *Trunk) encode(clean string) (encoding, error) {
	k := key(sha256.Sum256([]byte(clean)))
	if e, ok := t.encoded.GetIfPresent(k); ok {
		return e, nil
	}
	e, err := t.tok.encode(clean)
	if err == nil {
		t.encoded.Set(k, e)
	}
	return e, err
}

// forget makes the trunk as it was when it was opened.
func (t *Trunk) forget() {
	t.memo.done.InvalidateAll()
	t.encoded.InvalidateAll()
}
