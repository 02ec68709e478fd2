package gate

import "strings"

// maxShared bounds the work of turned; of longer texts the first so many shared terms are looked at.
const maxShared = 96

// turned reports whether two texts have the same terms in other roles: from A to B against from B to A, A than B against B than A, or two terms
// that change places around a third. The passive turns them by itself.
func turned(a, b *Features) bool {
	if conflict(a, b) || conflict(b, a) {
		return true
	}
	switch {
	case a.agent != "" && b.agent == "":
		return behind(b.terms, a.agent, a.verb)
	case a.agent == "" && b.agent != "":
		return behind(a.terms, b.agent, b.verb)
	}
	return crosses(shared(a.terms, b.terms))
}

// behind reports whether the agent of the other text follows its verb here, where there is no passive.
func behind(terms []term, agent, verb string) bool {
	seen := false
	for _, t := range terms {
		if t.concept == agent {
			return seen
		}
		seen = seen || t.concept == verb
	}
	return false
}

// conflict reports whether a preposition stands before one term here and another there, though both texts have both terms, or whether one text goes
// to where the other comes from, or the like.
func conflict(a, b *Features) bool {
	for _, p := range a.anchors {
		if anchored(b.anchors, p) {
			continue
		}
		for _, q := range b.anchors {
			switch {
			case anchored(a.anchors, q):
			case q.role == p.role && p.role != "and" && p.role != "or" && q.concept != p.concept && holds(a.bag, q.concept) && holds(b.bag, p.concept),
				q.concept == p.concept && contrary[[2]string{p.role, q.role}]:
				return true
			}
		}
	}
	return false
}

// contrary are prepositions of which one before a term says another thing than the other.
var contrary = func() map[[2]string]bool {
	m := map[[2]string]bool{}
	for pair := range strings.SplitSeq("to from, into from, by from, to about, with for, from in, from at, from on, for from, with from, about by, "+
		"for about, over under, and or", ", ") {
		a, b, _ := strings.Cut(pair, " ")
		m[[2]string{a, b}], m[[2]string{b, a}] = true, true
	}
	return m
}()

func anchored(anchors []anchor, p anchor) bool {
	for _, q := range anchors {
		if p == q {
			return true
		}
	}
	return false
}

func holds(bag []term, concept string) bool {
	for i := range bag {
		if bag[i].concept == concept {
			return true
		}
	}
	return false
}

// place is where a shared term stands in the other text.
type place struct {
	at     int
	moving bool // no general word, and the same word in both: who writes anew uses another
}

// shared pairs off equal terms, the first with the first, in the order of a. It returns their places in b.
func shared(a, b []term) []place {
	var places []place
	taken := make([]bool, len(b))
	for _, t := range a {
		if len(places) == maxShared {
			break
		}
		for j, u := range b {
			if !taken[j] && t.concept == u.concept && t.kind == u.kind {
				taken[j] = true
				places = append(places, place{j, t.kind != loose && t.surface == u.surface})
				break
			}
		}
	}
	return places
}

// crosses reports whether two terms that are no general words change places around a third one.
func crosses(p []place) bool {
	n := len(p)
	for z := 1; z < n-1; z++ {
		before, behind := false, false
		for x := 0; x < z && !before; x++ {
			before = p[x].moving && p[x].at > p[z].at
		}
		for y := z + 1; y < n && before && !behind; y++ {
			behind = p[y].moving && p[y].at < p[z].at
		}
		if before && behind {
			return true
		}
	}
	return false
}
