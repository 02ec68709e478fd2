package strategy

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"github.com/mom-router/mom/pkg/route/signal"
)

// weighted gives each model its share of the requests, or of the conversations. The same key has the same order, in every process and after every
// restart; a model that loses weight loses its keys alone, the others keep theirs (weighted rendezvous hashing).
type weighted struct {
	decision string
	weights  map[string]float64
	by       string
}

func newWeighted(r *reader, d *Decision) Strategy {
	w := &weighted{decision: d.Name, weights: map[string]float64{}, by: "conversation"}
	sum := 0.0
	r.mapping("weights", "models to numbers", d.names(), func(name string, v any) {
		w.weights[name] = r.within("weights."+name, v, 0, 1e6)
		sum += w.weights[name]
	})
	if sum == 0 && len(w.weights) > 0 {
		r.fault("weights", "all of them are 0")
	}
	r.word("by", &w.by, "conversation", "request")
	return w
}

func (w *weighted) Order(_ context.Context, a Asked) (Choice, error) {
	key := a.Signals.Request().ID
	if w.by == "conversation" {
		key = conversation(a.Signals)
	}
	out := slices.Clone(a.Candidates)
	// The decision's name is the salt: two canaries take different conversations.
	descending(out, func(name string) float64 {
		h := sha256.New()
		for _, part := range [...]string{w.decision, name, key} {
			var length [8]byte
			binary.BigEndian.PutUint64(length[:], uint64(len(part)))
			h.Write(length[:])
			h.Write([]byte(part))
		}
		return rendezvous(w.weights[name], binary.BigEndian.Uint64(h.Sum(nil)))
	})
	return Choice{Models: out}, nil
}

// rendezvous is larger than that of another model with a probability in proportion to the weights. A weight of 0 comes behind all others.
func rendezvous(weight float64, hash uint64) float64 {
	u := (float64(hash>>11) + 0.5) / (1 << 53) // within (0, 1)
	return -weight / math.Log(u)
}

// conversationHeaders are where chat clients name a conversation, the first that is there counts.
var conversationHeaders = [...]string{"chatui-conversation-id", "x-session-id", "x-conversation-id"}

// conversation is a key that all requests of a conversation share: its name, or else its beginning, which every turn repeats, as far as its first user
// turn. It is only ever hashed.
func conversation(s *signal.Set) string {
	for _, name := range conversationHeaders {
		if v := s.Header(name); v != "" {
			return v
		}
	}
	key := s.Identity()
	for _, m := range s.Request().Messages {
		for _, text := range m.Texts {
			key += "\x00" + text
		}
		if m.Role == "user" {
			break
		}
	}
	return key
}

// ConversationHeaders returns the request headers, in lower case, by which a conversation is known. The edge must be told to read them.
func ConversationHeaders() []string { return conversationHeaders[:] }
