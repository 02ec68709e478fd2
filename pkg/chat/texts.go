package chat

import (
	"bytes"
	"context"
	"slices"
)

// text is one text of an answer.
type text struct {
	choice, item int
	path         string
	reader       Reader // nil: nobody reads
	restorer     restorer
	size         int  // so far
	free         int  // of it, what the reader lets go
	settled      int  // of it, what can no longer become a placeholder
	begun        bool // there was more than white space
	inJSON       bool // it is JSON itself, so that a value in it is escaped once more
	touched      bool // by the event being read
	open         bool // it grew, and its reader was not told since that nothing follows
}

// part is a string of an event: bytes [from, to) of a text, which stand between quotes at [start, end) of the answer.
type part struct{ text, from, to, start, end int }

// read reads the value of the event that ends at this byte of the answer. at says where in the answer a byte of the value stands.
func (a *Answer) read(ctx context.Context, value []byte, end int, at func(int) int) error {
	o, first := &a.outline, len(a.parts)
	if err := o.read(value); err != nil {
		a.waiting = append(a.waiting, event{end: end})
		return a.beside(ctx, bytes.ToValidUTF8(value, []byte("\uFFFD")))
	}
	if err := a.remember(end); err != nil {
		return err
	}
	a.plain = a.plain[:0]
	for _, s := range o.said {
		if s.choice < 0 {
			a.plain = append(appendText(a.plain, value[s.start:s.end]), '\n')
		}
	}
	beside := len(a.plain)
	for _, s := range o.said {
		if s.choice < 0 {
			continue
		}
		i, err := a.find(o.choices[s.choice], s.item, o.paths[s.from:s.to])
		if err != nil {
			return err
		}
		from, t := len(a.plain), &a.texts[i]
		a.plain = appendText(a.plain, value[s.start:s.end])
		start := at(s.start)
		a.parts = append(a.parts, part{text: i, from: t.size, to: t.size + len(a.plain) - from, start: start, end: start + s.end - s.start})
		t.grow(a.plain[from:])
	}
	a.waiting = append(a.waiting, event{end: end, parts: len(a.parts) - first})
	if err := a.beside(ctx, a.plain[:beside]); err != nil {
		return err
	}
	return a.judge(ctx, a.parts[first:], a.plain[beside:])
}

// remember notes what the chunks of a stream repeat, and which choices begin and end with this event.
func (a *Answer) remember(end int) error {
	const long = 256
	h := &a.outline.head
	for _, field := range [...]struct {
		into *string
		raw  []byte
	}{{&a.head.id, h.id}, {&a.head.created, h.created}, {&a.head.model, h.model}} {
		if *field.into == "" && len(field.raw) <= long {
			*field.into = string(field.raw)
		}
	}
	for at, index := range a.outline.choices {
		i := slices.IndexFunc(a.choices, func(c choice) bool { return c.index == index })
		if i < 0 {
			if i = len(a.choices); i == maxTexts {
				return ErrAnswerTooLong
			}
			a.choices = append(a.choices, choice{index: index})
		}
		if a.choices[i].finish == 0 && slices.Contains(a.outline.finished, at) {
			a.choices[i].finish = end
		}
	}
	return nil
}

// find returns the number of a text, which it begins where there is none.
func (a *Answer) find(choice, item int, path []byte) (int, error) {
	for i := range a.texts {
		if t := &a.texts[i]; t.choice == choice && t.item == item && t.path == string(path) {
			return i, nil
		}
	}
	if len(a.texts) == maxTexts {
		return 0, ErrAnswerTooLong
	}
	t := text{choice: choice, item: item, path: string(path), restorer: restorer{Placeholders: a.restore}, inJSON: bytes.HasSuffix(path, []byte(".arguments"))}
	if a.reader != nil {
		t.reader = a.reader()
	}
	a.texts = append(a.texts, t)
	return len(a.texts) - 1, nil
}

// grow adds a piece to the text.
func (t *text) grow(piece []byte) {
	if trimmed := bytes.TrimLeft(piece, " \t\r\n"); !t.begun && len(trimmed) > 0 {
		t.begun, t.inJSON = true, t.inJSON || trimmed[0] == '{'
	}
	t.size += len(piece)
	t.settled = t.restorer.next(piece, false)
	t.touched, t.open = true, true
}

// judge hands the parts of one event, which stand one after the other in plain, to their readers. What waits in another text of the same choice
// waits no longer: it is for the next field that a model ends one.
func (a *Answer) judge(ctx context.Context, parts []part, plain []byte) error {
	for _, p := range parts {
		n := p.to - p.from
		if err := a.texts[p.text].read(ctx, plain[:n], false); err != nil {
			return err
		}
		plain = plain[n:]
	}
	for _, p := range parts {
		choice := a.texts[p.text].choice
		if err := a.flush(ctx, func(t *text) bool { return t.choice == choice && !t.touched }); err != nil {
			return err
		}
	}
	for _, p := range parts {
		a.texts[p.text].touched = false
	}
	for _, at := range a.outline.finished {
		choice := a.outline.choices[at]
		if err := a.flush(ctx, func(t *text) bool { return t.choice == choice }); err != nil {
			return err
		}
	}
	return nil
}

// flush lets no text of these wait for more.
func (a *Answer) flush(ctx context.Context, these func(*text) bool) error {
	for i := range a.texts {
		t := &a.texts[i]
		if !t.open || !these(t) {
			continue
		}
		t.settled = t.restorer.next(nil, true)
		if err := t.read(ctx, nil, true); err != nil {
			return err
		}
	}
	return nil
}

func (t *text) read(ctx context.Context, more []byte, last bool) (err error) {
	t.open = !last
	if t.reader == nil {
		t.free = t.size
		return nil
	}
	t.free, err = t.reader.Read(ctx, more, last)
	return err
}

// beside reads what an event says outside of choices, unless the one before said the same.
func (a *Answer) beside(ctx context.Context, plain []byte) error {
	if a.reader == nil || len(plain) == 0 || bytes.Equal(plain, a.other) {
		return nil
	}
	a.other = append(a.other[:0], plain...)
	_, err := a.reader().Read(ctx, plain, true)
	return err
}

// release hands on the events that wait for nothing any more, in order.
func (a *Answer) release() {
	events, parts, at := 0, 0, a.before+a.gone
	for _, e := range a.waiting {
		mine := a.parts[parts : parts+e.parts]
		if slices.ContainsFunc(mine, func(p part) bool { return min(a.texts[p.text].free, a.texts[p.text].settled) < p.to }) {
			break
		}
		for _, p := range mine {
			at = a.emit(p, at)
		}
		a.out = append(a.out, a.buf[at-a.before:e.end-a.before]...)
		at, events, parts = e.end, events+1, parts+e.parts
	}
	if events > 0 {
		a.waiting = append(a.waiting[:0], a.waiting[events:]...)
		a.parts = append(a.parts[:0], a.parts[parts:]...)
		a.gone = at - a.before
	}
}

// emit hands on the answer from at to the end of a part, with the values of its placeholders, and returns that end. A placeholder that begins in
// another part is only taken out.
func (a *Answer) emit(p part, at int) int {
	r := &a.texts[p.text].restorer
	literal := a.buf[p.start-a.before : p.end-a.before]
	for len(r.masks) > 0 && r.masks[0].start < p.to {
		m := r.masks[0]
		start, end := max(m.start-p.from, 0), min(m.end, p.to)-p.from
		a.out = append(a.out, a.buf[at-a.before:p.start-a.before+rawOffset(literal, start)]...)
		if m.start >= p.from {
			with := m.with
			if a.texts[p.text].inJSON {
				with = string(appendQuoted(nil, with))
			}
			a.out = appendQuoted(a.out, with)
		}
		at = p.start + rawOffset(literal, end)
		if m.end > p.to {
			return at + a.rest(p, at)
		}
		r.masks = r.masks[1:]
	}
	return at + a.rest(p, at)
}

func (a *Answer) rest(p part, at int) int {
	a.out = append(a.out, a.buf[at-a.before:p.end-a.before]...)
	return p.end - at
}
