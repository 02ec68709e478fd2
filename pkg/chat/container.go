package chat

// object is the state of one open object.
type object struct {
	kind    *kind
	members int
	base    int                 // its keys are names[base:], up to fewKeys of them
	seen    map[string]struct{} // all its keys, once they are many
	exact   uint64              // which of the kind's names were seen, by bit
	variant uint64              // which were seen in another spelling
}

// fewKeys is how many keys are compared one by one before a map pays. Without the map a body of many keys would cost the square of their number.
const fewKeys = 16

// object enters the object whose brace is next.
func (s *scanner) object(k *kind) object {
	s.enter(step{})
	return object{kind: k, base: len(s.names)}
}

// next goes to the value of the next member and returns its unescaped key. False means the object is closed, or that there is a fault.
func (s *scanner) next(o *object) (key string, ok bool) {
	if s.fault != nil {
		return "", false
	}
	s.blank()
	if s.peek() == '}' {
		s.names = s.names[:o.base]
		s.leave()
		return "", false
	}
	if o.members > 0 && !s.take(',') {
		return "", false
	}
	s.blank()
	if s.peek() != '"' {
		s.unexpected()
		return "", false
	}
	if s.keys++; s.keys > s.limits.Keys {
		s.refuseBody(tooManyKeys, "The request body has too many object keys.")
		return "", false
	}
	at := s.pos
	key = s.string()
	if s.fault != nil {
		return "", false
	}
	top := &s.path[len(s.path)-1]
	top.key, top.known = key, false
	if !s.unique(o, key, at) || !s.take(':') {
		return "", false
	}
	if !top.known {
		s.key(o.kind, key, at)
	}
	s.blank()
	return key, true
}

// unique notes key as one of o's and refuses it when it was there before, or when it and another differ only in case.
func (s *scanner) unique(o *object, key string, at int) bool {
	again := false
	if o.seen == nil {
		mine := s.names[o.base:]
		for _, k := range mine {
			again = again || k == key
		}
		if len(mine) < fewKeys {
			s.names = append(s.names, key)
		} else {
			o.seen = make(map[string]struct{}, 4*fewKeys)
			for _, k := range mine {
				o.seen[k] = struct{}{}
			}
			o.seen[key] = struct{}{}
		}
	} else {
		// One look-up instead of two: a key that was there does not make the map longer.
		o.seen[key] = struct{}{}
		again = len(o.seen) == o.members
	}
	o.members++
	if again {
		s.refuseKey(duplicateKey, "a key stands twice in one object", at)
		return false
	}
	bit, exact, ok := o.kind.bit(key)
	if !ok {
		return true
	}
	if exact {
		s.path[len(s.path)-1].known = true
		o.exact |= bit
	} else {
		o.variant |= bit
	}
	if o.exact&o.variant == 0 {
		return true
	}
	s.path[len(s.path)-1].key = o.kind.name(bit)
	s.refuseKey(ambiguousKey, "a key stands beside one that differs only in case", at)
	return false
}

// array is the state of one open array.
type array struct{ elements int }

// array enters the array whose bracket is next.
func (s *scanner) array() array { //nolint:unparam // the state that every array begins with
	s.enter(step{array: true, index: -1})
	return array{}
}

// elem goes to the next element. False means the array is closed, or that there is a fault.
func (s *scanner) elem(a *array) bool {
	if s.fault != nil {
		return false
	}
	s.blank()
	if s.peek() == ']' {
		s.leave()
		return false
	}
	if a.elements > 0 && !s.take(',') {
		return false
	}
	a.elements++
	s.path[len(s.path)-1].index++
	s.blank()
	return true
}

// enter goes one level down, past the bracket or brace.
func (s *scanner) enter(st step) {
	if len(s.path) >= s.limits.Depth {
		s.refuseBody(nestingTooDeep, "The request body is nested too deeply.")
		return
	}
	s.path = append(s.path, st)
	s.pos++
}

func (s *scanner) leave() {
	s.path = s.path[:len(s.path)-1]
	s.pos++
}
