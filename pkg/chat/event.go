package chat

import "bytes"

// splitter finds the ends of server-sent events in bytes that come in any cuts. Lines end in LF, CRLF or CR, an empty one ends an event.
type splitter struct {
	at   int // where to go on looking
	line int // where the line begins that at stands in
}

// next returns where the first event of b ends that was not returned yet, its empty line included; false when it has not ended. last: no more bytes
// follow b.
func (s *splitter) next(b []byte, last bool) (end int, ok bool) {
	for {
		n := bytes.IndexAny(b[s.at:], "\r\n")
		if n < 0 {
			s.at = len(b)
			return 0, false
		}
		n += s.at
		after := n + 1
		if b[n] == '\r' {
			if after == len(b) && !last { // an LF that belongs to it may follow
				s.at = n
				return 0, false
			}
			if after < len(b) && b[after] == '\n' {
				after++
			}
		}
		empty := n == s.line
		s.at, s.line = after, after
		if empty {
			return after, true
		}
	}
}

// cut says that the first n bytes are gone.
func (s *splitter) cut(n int) { s.at, s.line = s.at-n, s.line-n }

// eventData is the data of one event: its lines joined, and where each of them stands in the event.
type eventData struct {
	data  []byte
	lines []line
}

// line is one data line: where it begins in the data and in the event.
type line struct{ data, raw int }

// read reads the data of an event, of which first is whether a byte order mark may stand before it. One line, which is all that anybody sends, is not
// copied.
func (p *eventData) read(event []byte, first bool) {
	p.lines = p.lines[:0]
	at := 0
	if first && bytes.HasPrefix(event, []byte("\xef\xbb\xbf")) {
		at = 3
	}
	var one, joined []byte
	for at < len(event) {
		end := bytes.IndexAny(event[at:], "\r\n")
		if end < 0 {
			end = len(event) - at
		}
		text := event[at : at+end]
		if value, ok := bytes.CutPrefix(text, []byte("data")); ok && (len(value) == 0 || value[0] == ':') {
			value = bytes.TrimPrefix(value, []byte(":"))
			value = bytes.TrimPrefix(value, []byte(" "))
			raw := at + end - len(value)
			switch len(p.lines) {
			case 0:
				one = value
			case 1:
				joined = append(append(append(make([]byte, 0, len(event)), one...), '\n'), value...)
			default:
				joined = append(append(joined, '\n'), value...)
			}
			p.lines = append(p.lines, line{len(joined) - len(value), raw})
			if len(p.lines) == 1 {
				p.lines[0].data = 0
			}
		}
		at += end + 1
	}
	p.data = one
	if len(p.lines) > 1 {
		p.data = joined
	}
}

// raw returns where in the event byte n of the data stands.
func (p *eventData) raw(n int) int {
	i := len(p.lines) - 1
	for p.lines[i].data > n {
		i--
	}
	return p.lines[i].raw + n - p.lines[i].data
}
