package guard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// How an answer is read, in bytes of text. A window is a forward pass of a model that reads 128 tokens. The first pass comes after step bytes, some 25
// tokens, and so does each after it; a longer piece is read by windows that share half of their text.
const (
	window = 384
	step   = 96
	// lag is how much of the end of what was read still waits, where a hit ends the answer: of a card number that grows at the end of a text the first
	// digits must not be gone when the last makes it one. A find that reaches up to the end waits from its beginning.
	lag = 48
	// long is how long a find may be that is waited for.
	long = window / 2
)

// ScreenConfig is what a Screen is built from.
type ScreenConfig struct {
	Jailbreak *Jailbreak // whose model tells what is harmful; nil does not look for it
	PII       *PII       // whose policy says what may not be in an answer; nil does not look for it
	Block     bool       // a hit ends the answer; else it is told and nothing waits
	Refusal   bool       // as in Limits
}

// Screen reads the answers of models while they come: for what is harmful, and for personal data of the kinds that the policy redacts or blocks,
// unless the client itself sent it. It reads every text of an answer as it is written, and no other views of it.
//
// The model's head for users tells what is harmful. It was taught with what people ask for, so of answers it knows those that speak like a request.
// That of an attack says nothing here: an answer may quote one.
type Screen struct{ c ScreenConfig }

// NewScreen checks the configuration.
func NewScreen(c ScreenConfig) (*Screen, error) {
	if c.Jailbreak == nil && c.PII == nil {
		return nil, errors.New("nothing to read answers with")
	}
	if c.PII == nil && c.Jailbreak.heads[User].harmful < 0 {
		return nil, errors.New("the model does not tell what is harmful, and nothing else reads answers")
	}
	return &Screen{c}, nil
}

// Blocks says whether a hit ends an answer. Then one that cannot be read must not be handed on either.
func (s *Screen) Blocks() bool { return s.c.Block }

// Open begins the answer to a request.
func (s *Screen) Open(req *pipeline.Request) chat.Screening { return &screening{Screen: s, req: req} }

// screening is one answer.
type screening struct {
	*Screen
	req    *pipeline.Request
	kinds  map[string]bool // of personal data
	harm   bool
	failed bool
}

// Found is what was found so far, and whether something could not be read.
func (s *screening) Found() (found pipeline.Guarded, failed bool) {
	found = pipeline.Guarded{Harmful: s.harm, PII: sorted(s.kinds)}
	found.Blocked = s.c.Block && found.Flagged()
	return found, s.failed
}

// Reader begins one text.
func (s *screening) Reader() chat.Reader { return &reading{of: s} }

// own says whether the client sent this itself.
func (s *screening) own(value string) bool {
	for _, t := range s.req.All() {
		if strings.Contains(t.Text, value) {
			return true
		}
	}
	return false
}

// withheld is the error that ends the answer, for what was found.
func (s *screening) withheld() error {
	r := refused{code: "harmful_request", say: "The answer was blocked: it looks like something harmful."}
	if len(s.kinds) > 0 {
		r = refused{code: "pii_detected", say: "The answer was blocked: it contains personal data of these kinds: " + strings.Join(sorted(s.kinds), ", ") + "."}
	}
	if s.c.Refusal {
		return &chat.Withheld{Reply: chat.RefusalReply(s.req, r.code, r.say)}
	}
	return &chat.Withheld{Reply: chat.ErrorReply(403, "content_policy_violation", r.code, "", r.say, nil)}
}

// reading is one text of an answer.
type reading struct {
	of     *screening
	text   []byte // its end, as far as windows still reach back
	before int    // how many bytes stood before that
	read   int    // up to where the text was read
	waits  int    // where in what was read a find begins that may go on
	free   int
}

// Read reads what is due. Errors are *chat.Withheld and, of a Screen that blocks, the models' and the context's.
func (r *reading) Read(ctx context.Context, more []byte, last bool) (int, error) {
	r.text = append(r.text, more...)
	ends := r.due(last)
	size := r.before + len(r.text)
	err := r.windows(ctx, ends, last, size)
	switch {
	case err != nil && r.of.c.Block:
		return r.free, err
	case last || !r.of.c.Block:
		r.free = size
	default:
		r.free = max(r.free, min(r.read-lag, r.waits))
	}
	if gone := r.read - window - r.before; gone > 0 {
		r.text, r.before = append(r.text[:0], r.text[gone:]...), r.before+gone
	}
	return r.free, nil
}

// due returns where the windows end that are to be read now.
func (r *reading) due(last bool) (ends []int) {
	size := r.before + len(r.text)
	for rest := size - r.read; rest >= step || last && rest > 0; rest = size - r.read {
		r.read = size
		if rest > long {
			r.read = r.character(size - rest + long)
		}
		ends = append(ends, r.read)
	}
	return ends
}

// character returns where the character ends that at stands in.
func (r *reading) character(at int) int {
	for at-r.before < len(r.text) && !utf8.RuneStart(r.text[at-r.before]) {
		at++
	}
	return at
}

// windows reads the windows that end at these places, and notes where the text begins that may become a find when it goes on.
func (r *reading) windows(ctx context.Context, ends []int, last bool, size int) error {
	if len(ends) == 0 {
		return nil
	}
	var mu sync.Mutex
	s, waits := r.of, size
	err := each(ctx, len(ends), func(ctx context.Context, i int) error {
		start := r.start(ends[i] - window)
		t := Text{Kind: Document, Role: "assistant", Where: "answer", Body: string(r.text[start-r.before : ends[i]-r.before])}
		if strings.TrimSpace(t.Body) == "" {
			return nil
		}
		harm, err := s.harmful(ctx, t)
		if err != nil {
			return err
		}
		finds, err := s.personal(ctx, t)
		mu.Lock()
		defer mu.Unlock()
		s.harm = s.harm || harm
		for _, f := range finds {
			if whole := last && ends[i] == size; !whole && f.End == len(t.Body) && f.End-f.Start < long {
				waits = min(waits, start+f.Start)
				continue
			}
			if s.kinds == nil {
				s.kinds = map[string]bool{}
			}
			s.kinds[f.Label] = true
		}
		return err
	})
	r.waits = waits
	if s.failed = s.failed || err != nil; err != nil && !s.c.Block {
		return nil
	}
	if found, _ := s.Found(); found.Blocked {
		return s.withheld()
	}
	return err
}

// start returns where a window begins that is to begin about at: with a word, for the end of a long number may look like another.
func (r *reading) start(at int) int {
	if at <= r.before {
		return r.before
	}
	const word = 64
	near := r.text[at-r.before : min(at-r.before+word, len(r.text))]
	if i := strings.IndexFunc(string(near), unicode.IsSpace); i >= 0 {
		return r.character(at + i)
	}
	return r.character(at)
}

func (s *screening) harmful(ctx context.Context, t Text) (bool, error) {
	if s.c.Jailbreak == nil {
		return false, nil
	}
	t.Kind = User
	score, err := s.c.Jailbreak.Judge(ctx, t)
	return score.Harmful, err
}

// personal returns the personal data in t that must not be in an answer.
func (s *screening) personal(ctx context.Context, t Text) ([]Find, error) {
	if s.c.PII == nil {
		return nil, nil
	}
	finds, err := s.c.PII.Find(ctx, t)
	return slices.DeleteFunc(finds, func(f Find) bool {
		return f.Action == Allow || f.Action == Flag || s.own(t.Body[f.Start:f.End])
	}), err
}
