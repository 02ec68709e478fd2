package recall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mom-router/mom/pkg/recall/vector"
)

// The encoding of an entry, whose bytes leave the process: a version; the three keys; Given and Expires, each as seconds since 1970 in eight bytes and
// nanoseconds in four, the first byte the highest; each text with its length before it; the two counts of tokens; the dimensions of the vector, and one
// byte for each. Lengths and counts are varints in their shortest form, so that an entry has one encoding.
const (
	encoding   = 1
	dimensions = 1 << 14 // the most
)

var errEntry = errors.New("not an entry")

// texts are those of an entry, in the order of their encoding.
func (e *Entry) texts() []*string {
	c := &e.Completion
	return []*string{&e.Backend, &e.Question, &c.Model, &c.Content, &c.Reasoning, &c.Field}
}

// MarshalBinary encodes an entry. Of its vector the direction is kept, in eight bits a dimension: see vector.Round. Errors are a vector without one, a
// time outside the years 1 to 9999, no Expires, and a negative count.
func (e Entry) MarshalBinary() ([]byte, error) {
	var rounded []int8
	if len(e.Vector) > 0 {
		var ok bool
		if rounded, ok = vector.Round(e.Vector); !ok || len(rounded) > dimensions {
			return nil, fmt.Errorf("encode: the vector has %d dimensions or no direction", len(e.Vector))
		}
	}
	if e.Expires.IsZero() || !datable(e.Given) || !datable(e.Expires) || e.Completion.Prompt < 0 || e.Completion.Answer < 0 {
		return nil, errors.New("encode: a time or a count is out of range")
	}
	size := 256 + len(rounded)
	for _, s := range e.texts() {
		size += len(*s)
	}
	b := append(make([]byte, 0, size), encoding)
	b = append(append(append(b, e.Tenant[:]...), e.Frame[:]...), e.System[:]...)
	for _, at := range []time.Time{e.Given, e.Expires} {
		b = binary.BigEndian.AppendUint64(b, uint64(at.Unix()))       //nolint:gosec // read back the same way
		b = binary.BigEndian.AppendUint32(b, uint32(at.Nanosecond())) //nolint:gosec // below 10^9
	}
	for _, s := range e.texts() {
		b = append(binary.AppendUvarint(b, uint64(len(*s))), *s...)
	}
	for _, n := range []int{e.Completion.Prompt, e.Completion.Answer, len(rounded)} {
		b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // none is negative
	}
	for _, x := range rounded {
		b = append(b, byte(x))
	}
	return b, nil
}

// UnmarshalBinary decodes what MarshalBinary returned. Whatever else it is given is an error, and then e is as before. It keeps nothing of b, and what it
// allocates is at most four times as long.
func (e *Entry) UnmarshalBinary(b []byte) error {
	r := encoded{rest: b}
	if r.byte() != encoding {
		return errEntry
	}
	var out Entry
	for _, k := range []*Key{&out.Tenant, &out.Frame, &out.System} {
		copy(k[:], r.take(uint64(len(k))))
	}
	out.Given, out.Expires = r.time(), r.time()
	for _, s := range out.texts() {
		*s = string(r.take(r.count(math.MaxInt)))
	}
	out.Completion.Prompt, out.Completion.Answer = int(r.count(math.MaxInt)), int(r.count(math.MaxInt)) //nolint:gosec // bounded
	if rounded := r.take(r.count(dimensions)); len(rounded) > 0 {
		row := make([]int8, len(rounded))
		for i, x := range rounded {
			row[i] = int8(x) //nolint:gosec // the same eight bits
		}
		// Round never returns a -128, and always a largest one.
		if slices.Contains(row, math.MinInt8) || !slices.Contains(row, 127) && !slices.Contains(row, -127) {
			return errEntry
		}
		out.Vector = vector.Unit(row)
	}
	if r.bad || len(r.rest) > 0 || out.Expires.IsZero() {
		return errEntry
	}
	*e = out
	return nil
}

// datable says whether a time can be written down as seconds since 1970 and back.
func datable(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// encoded is what is left to decode. Once bad, it yields zeros.
type encoded struct {
	rest []byte
	bad  bool
}

// take returns the next n bytes, nil where there are fewer.
func (r *encoded) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *encoded) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// count reads a varint of at most most.
func (r *encoded) count(most uint64) uint64 {
	n, size := binary.Uvarint(r.rest)
	if r.bad || size <= 0 || n > most || size > 1 && n>>(7*(size-1)) == 0 { // the last: it could be shorter
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *encoded) time() time.Time {
	b := r.take(12)
	if b == nil {
		return time.Time{}
	}
	seconds, nanos := int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint32(b[8:]) //nolint:gosec // written the same way
	// The first second of the year 1, and the one after the year 9999.
	if seconds < -62_135_596_800 || seconds >= 253_402_300_800 || nanos >= 1e9 {
		r.bad = true
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}
