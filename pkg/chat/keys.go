package chat

import "math/bits"

// kind is a kind of object that the API defines: its names, and the kinds of the objects below them. A nil kind is an object whose keys are the
// client's own, such as the properties of a schema, where Name beside name is no trick.
type kind struct {
	names  []string // at most 64
	bits   map[string]uint64
	below  map[string]*kind
	opaque map[string]opacity
	schema bool // a JSON Schema, where a key is a word of the language or the client's own; all below it is of this kind too
}

func newKind(below map[string]*kind, names ...string) *kind {
	k := &kind{names: names, bits: make(map[string]uint64, len(names)), below: below}
	for i, name := range names {
		k.bits[name] = 1 << i
	}
	return k
}

// hiding says that the strings of these members are opaque; see opacity.
func (k *kind) hiding(how opacity, names ...string) *kind {
	if k.opaque == nil {
		k.opaque = make(map[string]opacity)
	}
	for _, name := range names {
		k.opaque[name] = how
	}
	return k
}

// inside returns the kind of the objects in that member.
func (k *kind) inside(key string) *kind {
	switch {
	case k == nil:
		return nil
	case k.schema:
		return k
	}
	return k.below[key]
}

// hides returns the opacity of the strings in that member.
func (k *kind) hides(key string) opacity {
	switch {
	case k == nil:
		return legible
	case k.schema && key == "type":
		return schemaType
	}
	return k.opaque[key]
}

// has says whether key is one of the names.
func (k *kind) has(key string) bool {
	if k == nil {
		return false
	}
	_, ok := k.bits[key]
	return ok
}

// bit returns the bit of the name that key is, or that key is another spelling of. Ok is false when it is neither.
func (k *kind) bit(key string) (bit uint64, exact, ok bool) {
	if k == nil {
		return 0, false, false
	}
	if bit, ok := k.bits[key]; ok {
		return bit, true, true
	}
	var buf [longestName]byte
	folded := fold(buf[:0], key)
	bit, ok = k.bits[string(folded)]
	return bit, false, ok
}

func (k *kind) name(bit uint64) string { return k.names[bits.TrailingZeros64(bit)] }

// longestName is as long as the longest name of any kind, or longer.
const longestName = 32

// fold appends key in lower case to buf, or as much of it as fits. Besides A to Z these are the letters beyond ASCII that some parser takes for
// an ASCII one: long s and Kelvin sign by Unicode's simple folding (Go's encoding/json), dotted and dotless i by Java's equalsIgnoreCase.
func fold(buf []byte, key string) []byte {
	for _, r := range key {
		switch {
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		case r == 'ſ':
			r = 's'
		case r == '\u212a':
			r = 'k'
		case r == 'İ' || r == 'ı':
			r = 'i'
		case r > '~':
			return nil
		}
		if len(buf) == cap(buf) {
			return nil
		}
		buf = append(buf, byte(r))
	}
	return buf
}

// isKnown says whether key is one of the API's names and so may stand in an error.
func isKnown(key string) bool {
	for _, k := range kinds {
		if _, ok := k.bits[key]; ok {
			return true
		}
	}
	return false
}
