package guard

import (
	"fmt"

	"github.com/mom-router/mom/classifiers"
)

// Remembered is everything that a Jailbreak keeps between requests, written out.
func (j *Jailbreak) Remembered() []string { return append(dump(j.clean), dump(j.whole)...) }

// Remembered is everything that a PII keeps between requests, written out.
func (p *PII) Remembered() []string { return dump(p.found) }

// dump writes the keys out as bytes, and the values with the names of their fields.
func dump[V any](m *memo[V]) []string {
	var all []string
	for key, e := range m.known.All() {
		all = append(all, string(key[:])+fmt.Sprintf("%+v", e))
	}
	return all
}

// Kept is how many of some texts, with so many finds each, a PII remembers.
func Kept(texts, finds int) (int, error) {
	m, err := newMemo(weight)
	if err != nil {
		return 0, err
	}
	for i := range texts {
		m.put(m.key(User, fmt.Sprint(i)), make([]classifiers.Span, finds))
	}
	return len(dump(m)), nil
}
