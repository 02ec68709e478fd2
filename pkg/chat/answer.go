package chat

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Form is how an answer is written.
type Form uint8

const (
	// Whole is one JSON completion.
	Whole Form = iota
	// Events is a stream of server-sent events, each a chunk of a completion.
	Events
)

// Bounds of one answer, in bytes.
const (
	MaxAnswer = 1 << 20   // of a whole one, and of one event
	maxHeld   = 256 << 10 // of the events that wait for a verdict; over it what waits is judged as it is
	maxTexts  = 1024      // texts of one answer
)

// Errors of an Answer. None holds any of its text.
var (
	ErrAnswerTooLong = errors.New("the answer is too long to be read")
	errAfterTheEnd   = errors.New("the answer goes on after its end")
)

// A Reader reads one text of an answer while it grows.
type Reader interface {
	// Read takes what follows all that it was given before, which it must not keep. It returns how many bytes of the whole text, counted from its
	// beginning, may be handed on. last: nothing follows that the text should wait for, so without an error all of it may. An error ends the answer.
	Read(ctx context.Context, more []byte, last bool) (free int, err error)
}

// A Screen reads answers. Safe for concurrent use.
type Screen interface {
	// Blocks says that an answer which holds what it must not, or which cannot be read, is not handed on.
	Blocks() bool
	// Open begins the answer to a request.
	Open(req *pipeline.Request) Screening
}

// Screening is the reading of one answer.
type Screening interface {
	// Reader begins one text of it.
	Reader() Reader
	// Found is what was found so far; failed says that some of it could not be read.
	Found() (found pipeline.Guarded, failed bool)
}

// Withheld is the error of a Reader that found what must not be handed on. Reply is what the client gets where the answer has not begun. It holds
// nothing of the answer.
type Withheld struct{ Reply *pipeline.Reply }

func (w *Withheld) Error() string { return "answer withheld: " + w.Reply.Details }

// Answer is the answer of a backend on its way to the client. It takes bytes in whatever cuts they come and hands them on as they are, but for two
// things: placeholders in what people read (content, refusal, reasoning, arguments of calls, and every other string of a choice that is not the API's
// own) become the client's values again, and events wait until readers have let go of their text. Each choice and each of its fields is a text of its
// own. What is no chunk of a completion, such as an error, is read as a text and never changed. What comes out does not depend on the cuts.
//
// Not safe for concurrent use. Once a method has returned an error, only End and GiveUp may follow.
type Answer struct {
	form    Form
	restore *Placeholders
	reader  func() Reader // of each text; nil: nobody reads

	buf    []byte   // of the answer, what was not handed on when the last call ended, and what came since
	before int      // how many bytes of the answer stood before buf
	gone   int      // how many bytes of buf are handed on by now
	split  splitter // of buf
	next   int      // where in buf the first event begins that was not read
	out    []byte

	waiting []event // that were read and not handed on
	parts   []part  // of them all
	texts   []text
	choices []choice
	head    struct{ id, created, model string }

	outline outline
	data    eventData
	plain   []byte // of the string being read
	other   []byte // what was read last beside choices
	nesting nesting
	passing bool // all is handed on unread
	whole   bool // a Whole one is there and was read
}

// event ends at a byte of the answer and has some parts.
type event struct{ end, parts int }

// choice is one choice that the answer has begun; finish is where in the answer the event ends that finishes it, 0 when none has.
type choice struct{ index, finish int }

// NewAnswer returns the answer that nothing was written to yet. reader makes the reader of each of its texts; nil is an answer that nobody reads.
func NewAnswer(form Form, restore *Placeholders, reader func() Reader) *Answer {
	return &Answer{form: form, restore: restore, reader: reader}
}

// Write takes the next bytes and returns those that may be handed on now, until the next call. Both may be empty. Errors are the readers', the
// context's as they return it, and ErrAnswerTooLong; what is returned beside one may still be handed on.
func (a *Answer) Write(ctx context.Context, b []byte) ([]byte, error) {
	if a.passing {
		return b, nil
	}
	a.out, a.buf = a.out[:0], append(a.buf, b...)
	var err error
	if a.form == Whole {
		err = a.complete(ctx, b)
	} else {
		err = a.events(ctx, false)
	}
	a.compact()
	return a.out, err
}

// Close says that no more bytes come, and returns what is left.
func (a *Answer) Close(ctx context.Context) ([]byte, error) {
	if a.passing {
		return nil, nil
	}
	a.out = a.out[:0]
	var err error
	if a.form == Whole {
		err = a.finish(ctx, len(a.buf))
	} else {
		err = a.last(ctx)
	}
	a.compact()
	return a.out, err
}

// GiveUp returns all that is held back, unread, and hands on whatever comes after it. Placeholders that were found are still restored.
func (a *Answer) GiveUp() []byte {
	a.passing = true
	for i := range a.texts {
		a.texts[i].free, a.texts[i].settled = a.texts[i].size, a.texts[i].size
	}
	a.out = a.out[:0]
	a.release()
	a.out = append(a.out, a.buf[a.gone:]...)
	a.buf, a.gone = nil, 0
	return a.out
}

// End returns the events that end a stream in mid-answer: for each choice that is not finished a chunk whose finish_reason is content_filter, then
// [DONE]. What is held back is dropped.
func (a *Answer) End() []byte {
	if len(a.choices) == 0 {
		a.choices = append(a.choices, choice{})
	}
	slices.SortFunc(a.choices, func(x, y choice) int { return x.index - y.index })
	or := func(raw, otherwise string) string {
		if raw == "" {
			return otherwise
		}
		return raw
	}
	var out []byte
	for _, c := range a.choices {
		if c.finish > 0 && c.finish <= a.before+a.gone {
			continue
		}
		out = append(out, `data: {"id":`+or(a.head.id, `""`)+`,"object":"chat.completion.chunk","created":`+or(a.head.created, "0")+`,"model":`+or(a.head.model, `""`)...)
		out = append(out, `,"choices":[{"index":`+strconv.Itoa(c.index)+`,"delta":{},"finish_reason":"content_filter"}]}`+"\n\n"...)
	}
	return append(out, "data: [DONE]\n\n"...)
}

// complete takes more of a whole answer, which is read once it is there: its end may never be told when trailers follow it.
func (a *Answer) complete(ctx context.Context, more []byte) error {
	end, ends := len(a.buf), a.whole
	if !ends {
		var n int
		if n, ends = a.nesting.end(more); ends {
			end += n - len(more)
		}
	}
	switch {
	case end > MaxAnswer:
		return ErrAnswerTooLong
	case ends:
		return a.finish(ctx, end)
	}
	return nil
}

// finish reads a whole answer, which ends at this byte of buf. Nothing but blanks may follow.
func (a *Answer) finish(ctx context.Context, end int) error {
	if !a.whole && end > 0 {
		a.whole, a.next = true, end
		if err := a.read(ctx, a.buf[:end], end, func(n int) int { return n }); err != nil {
			return err
		}
		if err := a.flush(ctx, every); err != nil {
			return err
		}
		a.release()
	}
	rest := a.buf[a.gone:]
	blanks := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
	a.out, a.gone = append(a.out, rest[:blanks]...), a.gone+blanks
	if blanks < len(rest) {
		return errAfterTheEnd
	}
	return nil
}

// events reads the events of buf that are whole.
func (a *Answer) events(ctx context.Context, last bool) error {
	for {
		end, ok := a.split.next(a.buf, last)
		if !ok {
			break
		}
		if err := a.event(ctx, end); err != nil {
			return err
		}
	}
	if len(a.buf)-a.next > MaxAnswer {
		return ErrAnswerTooLong
	}
	return nil
}

// last reads what is left of a stream: also an event that was cut off, since some clients do.
func (a *Answer) last(ctx context.Context) error {
	if err := a.events(ctx, true); err != nil {
		return err
	}
	if a.next < len(a.buf) {
		if err := a.event(ctx, len(a.buf)); err != nil {
			return err
		}
	}
	err := a.flush(ctx, every)
	a.release()
	return err
}

var done = []byte("[DONE]")

func every(*text) bool { return true }

// event reads the event that ends at this byte of buf, and hands on what then waits no longer.
func (a *Answer) event(ctx context.Context, end int) error {
	from := a.next
	if end-from > MaxAnswer {
		return ErrAnswerTooLong
	}
	a.next = end
	err := a.value(ctx, from, end)
	a.release()
	if err == nil && a.next-a.gone > maxHeld {
		err = a.flush(ctx, every)
		a.release()
	}
	return err
}

func (a *Answer) value(ctx context.Context, from, end int) error {
	a.data.read(a.buf[from:end], a.before+from == 0)
	switch {
	case len(a.data.lines) == 0: // a comment
		a.waiting = append(a.waiting, event{end: a.before + end})
		return nil
	case bytes.Equal(bytes.TrimSpace(a.data.data), done):
		a.waiting = append(a.waiting, event{end: a.before + end})
		return a.flush(ctx, every)
	}
	return a.read(ctx, a.data.data, a.before+end, func(n int) int { return a.before + from + a.data.raw(n) })
}

// compact lets go of what was handed on.
func (a *Answer) compact() {
	if a.gone == 0 {
		return
	}
	a.buf = append(a.buf[:0], a.buf[a.gone:]...)
	a.before += a.gone
	a.next -= a.gone
	a.split.cut(a.gone)
	a.gone = 0
}

// nesting follows JSON to the end of its first object or array.
type nesting struct {
	depth           int
	quoted, escaped bool
}

// end takes more bytes and says where among them that end is.
func (n *nesting) end(more []byte) (int, bool) {
	for i, c := range more {
		switch {
		case n.escaped:
			n.escaped = false
		case n.quoted:
			n.escaped, n.quoted = c == '\\', c != '"'
		case c == '"':
			n.quoted = true
		case c == '{', c == '[':
			n.depth++
		case c == '}', c == ']':
			if n.depth--; n.depth <= 0 {
				return i + 1, true
			}
		}
	}
	return 0, false
}
