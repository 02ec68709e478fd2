package chat

import (
	"bytes"
	"errors"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// outline is what one JSON value of an answer, a completion or a chunk of one, holds for people to read. Its memory serves one value after another.
type outline struct {
	said     []said
	choices  []int // the index of each element of choices, in their order
	finished []int // of those elements, the ones that have a finish_reason
	head     head

	decoder *jsontext.Decoder
	src     bytes.Buffer
	path    []byte // of where the decoder stands, below its choice
	paths   []byte // of all that was said
}

// said is a string that people read.
type said struct {
	choice     int // its element of choices, -1 outside of them
	item       int // the index of the tool call, or other list's item, that it belongs to; -1 where there is none
	from, to   int // its path among paths
	start, end int // what stands between its quotes
}

// head is what every chunk of a stream repeats, raw; nil when it was not there.
type head struct{ id, created, model []byte }

// opaque are the members of a choice that hold no text, or that of its other members once more.
var opaque = []string{
	"role", "type", "id", "call_id", "tool_call_id", "name", "logprobs", "finish_reason", "stop_reason", "data", "signature", "encrypted_content", "format",
}

// repeated are the members of an answer itself that hold no text.
var repeated = []string{"object", "system_fingerprint", "service_tier", "usage"}

// maxAnswerDepth bounds the nesting of an answer, since outline recurses.
const maxAnswerDepth = 64

var errOutline = errors.New("not one JSON value of an answer")

// read outlines raw. On an error raw is not one JSON value, and whoever must know what it says reads it as text.
func (o *outline) read(raw []byte) error {
	o.said, o.choices, o.finished, o.head = o.said[:0], o.choices[:0], o.finished[:0], head{}
	o.path, o.paths = o.path[:0], o.paths[:0]
	o.src = *bytes.NewBuffer(raw)
	if o.decoder == nil {
		o.decoder = jsontext.NewDecoder(&o.src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	} else {
		o.decoder.Reset(&o.src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	}
	if err := o.completion(); err != nil {
		return err
	}
	if !blank(raw[o.decoder.InputOffset():]) {
		return errOutline
	}
	return nil
}

func (o *outline) completion() error {
	return o.members(-1, func(name []byte) error {
		switch string(name) {
		case "choices":
			if o.decoder.PeekKind() == '[' {
				return o.elements(func(int) error { return o.choice() })
			}
		case "id":
			return o.keep(&o.head.id)
		case "created":
			return o.keep(&o.head.created)
		case "model":
			return o.keep(&o.head.model)
		}
		if slices.Contains(repeated, string(name)) {
			return o.decoder.SkipValue()
		}
		return o.text(-1)
	})
}

func (o *outline) keep(into *[]byte) error {
	v, err := o.decoder.ReadValue()
	*into = v
	return err
}

func (o *outline) choice() error {
	at := len(o.choices)
	o.choices = append(o.choices, at)
	return o.members(at, func(name []byte) error {
		switch kind := o.decoder.PeekKind(); {
		case string(name) == "index" && kind == '0':
			return o.number(&o.choices[at])
		case string(name) == "finish_reason" && kind == '"':
			o.finished = append(o.finished, at)
		}
		return o.member(at, name)
	})
}

// members calls each for the members of an object, whose value is then next. What is no object is text.
func (o *outline) members(choice int, each func(name []byte) error) error {
	if o.decoder.PeekKind() != '{' {
		return o.text(choice)
	}
	if err := o.enter(); err != nil {
		return err
	}
	for o.decoder.PeekKind() != '}' {
		name, err := o.decoder.ReadValue()
		if err != nil {
			return err
		}
		if err := each(name[1 : len(name)-1]); err != nil {
			return err
		}
	}
	_, err := o.decoder.ReadToken()
	return err
}

// elements calls each for the elements of an array, which is then next.
func (o *outline) elements(each func(n int) error) error {
	if err := o.enter(); err != nil {
		return err
	}
	for n := 0; o.decoder.PeekKind() != ']'; n++ {
		if err := each(n); err != nil {
			return err
		}
	}
	_, err := o.decoder.ReadToken()
	return err
}

func (o *outline) enter() error {
	if _, err := o.decoder.ReadToken(); err != nil {
		return err
	}
	if o.decoder.StackDepth() > maxAnswerDepth {
		return errOutline
	}
	return nil
}

// member reads one member of a choice, or of what is in it.
func (o *outline) member(choice int, name []byte) error {
	if choice >= 0 && slices.Contains(opaque, string(name)) {
		return o.decoder.SkipValue()
	}
	n := len(o.path)
	o.path = append(append(o.path, '.'), name...)
	err := o.text(choice)
	o.path = o.path[:n]
	return err
}

// text notes every string of the value that is next.
func (o *outline) text(choice int) error {
	switch o.decoder.PeekKind() {
	case '"':
		v, err := o.decoder.ReadValue()
		if err == nil && len(v) > 2 {
			end := int(o.decoder.InputOffset()) - 1
			from := len(o.paths)
			o.paths = append(o.paths, o.path...)
			o.said = append(o.said, said{choice, -1, from, len(o.paths), end - (len(v) - 2), end})
		}
		return err
	case '{':
		from, item := len(o.said), -1
		err := o.members(choice, func(name []byte) error {
			if string(name) == "index" && o.decoder.PeekKind() == '0' {
				return o.number(&item)
			}
			return o.member(choice, name)
		})
		o.belongs(from, item)
		return err
	case '[':
		calls := bytes.HasSuffix(o.path, []byte(".tool_calls"))
		return o.elements(func(n int) error {
			from := len(o.said)
			err := o.text(choice)
			if calls {
				o.belongs(from, n)
			}
			return err
		})
	}
	return o.decoder.SkipValue()
}

// belongs notes the item of all that was said since from and has none.
func (o *outline) belongs(from, item int) {
	for i := range o.said[from:] {
		if s := &o.said[from+i]; s.item < 0 {
			s.item = item
		}
	}
}

// number reads a number that is an index; what is none leaves into as it is.
func (o *outline) number(into *int) error {
	v, err := o.decoder.ReadValue()
	if n, bad := strconv.Atoi(string(v)); bad == nil && n >= 0 {
		*into = n
	}
	return err
}
