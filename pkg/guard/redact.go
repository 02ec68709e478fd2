package guard

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/guard/text"
	"github.com/mom-router/mom/pkg/pipeline"
)

// resolved is what the finds of a request come to.
type resolved struct {
	kinds      []string // found, sorted
	blocked    []string // kinds the request is to be refused for, sorted
	redactions []pipeline.Redaction
}

// viewed is a text in one view, and the number of its source.
type viewed struct {
	Text
	source int
}

// resolve says what becomes of a request by the spans of its texts. What is to be redacted but cannot be replaced where it comes from is as if it
// blocked.
func (p *PII) resolve(req *pipeline.Request, read *gatherer, views []viewed, spans map[seen][]classifiers.Span) resolved {
	kinds, blocked, barred := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var finds []located
	for _, v := range views {
		here := p.judge(v.Text, spans[v.seen()])
		var back text.Alignment
		if v.View == Normal && slices.ContainsFunc(here, p.placed) {
			back, _ = text.Align(read.texts[v.source].Body, v.Body)
		}
		for _, f := range here {
			if f.Action != Allow {
				kinds[f.Label] = true
			}
			if p.refuses(f) {
				blocked[f.Label] = true
			}
			if !p.placed(f) {
				continue
			}
			aligned := v.View == Raw || back != nil
			if back != nil {
				f.Start, f.End = back.Back(f.Start, f.End)
			}
			for _, tr := range read.places[v.source] {
				places, ok := tr.places(f.Start, f.End)
				switch {
				case ok && aligned && (len(places) > 0 || f.Action == Redact):
					for _, at := range places {
						finds = append(finds, located{at, f.Label, read.texts[v.source].Body[at.start:at.end], f.Action == BlockIt})
					}
				case p.c.Shown(f.Label):
					barred[f.Label] = true
				default:
					blocked[f.Label] = true
				}
			}
		}
	}
	out := resolved{kinds: sorted(kinds), blocked: sorted(blocked)}
	if out.blocked != nil {
		return out
	}
	for _, kind := range sorted(barred) {
		out.redactions = append(out.redactions, pipeline.Redaction{Replacement: pipeline.Replacement{Ref: -1}, Kind: kind, Barred: true})
	}
	out.redactions = append(out.redactions, p.redactions(req, finds)...)
	return out
}

// placed says whether it matters where a find stands: some backend may get it, or another text in its place.
func (p *PII) placed(f Find) bool {
	return f.Action == Redact || f.Action == BlockIt && p.c.Shown(f.Label)
}

// located is a find where it stands in the request.
type located struct {
	place
	kind   string
	value  string // as it is read: in JSON without escapes
	barred bool
}

// redactions returns what is to be replaced: finds that overlap become one, named by the first and the longest of them, with a redaction for each of
// their kinds.
func (p *PII) redactions(req *pipeline.Request, finds []located) []pipeline.Redaction {
	if len(finds) == 0 {
		return nil
	}
	slices.SortFunc(finds, func(a, b located) int {
		return cmp.Or(cmp.Compare(a.ref, b.ref), cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to), cmp.Compare(a.kind, b.kind))
	})
	names := newPlaceholders(req, p.c.Restored)
	var out []pipeline.Redaction
	for len(finds) > 0 {
		whole, n := finds[0], 1
		for n < len(finds) && finds[n].ref == whole.ref && finds[n].from < whole.to {
			if finds[n].to > whole.to {
				whole.to = finds[n].to
				whole.value = names.texts[whole.ref][whole.from:whole.to]
			}
			n++
		}
		with := names.of(whole.kind, whole.value)
		first := len(out)
		for _, f := range finds[:n] {
			at := slices.IndexFunc(out[first:], func(r pipeline.Redaction) bool { return r.Kind == f.kind })
			if at < 0 {
				at, out = len(out)-first, append(out, pipeline.Redaction{
					Replacement: pipeline.Replacement{Ref: whole.ref, Start: whole.from, End: whole.to, With: with}, Kind: f.kind,
				})
			}
			out[first+at].Barred = out[first+at].Barred || f.barred
		}
		finds = finds[n:]
	}
	return out
}

// placeholders gives each value of a request a name, by the order in which they are asked for.
type placeholders struct {
	texts []string // of the request, by Ref
	taken map[string]bool
	last  map[string]int       // the last number, by kind
	given map[[2]string]string // by kind and value
}

// placeholder is what names look like.
var placeholder = regexp.MustCompile(`\[[A-Z][A-Z0-9_]*_[1-9][0-9]*\]`)

// newPlaceholders takes no name that stands in the request already, for it would seem to stand for the value. In what an assistant said it does, but
// where answers are restored: a chat sends back what we named before, and the same value gets the same name again.
func newPlaceholders(req *pipeline.Request, restored bool) *placeholders {
	p := &placeholders{taken: map[string]bool{}, last: map[string]int{}, given: map[[2]string]string{}}
	for _, t := range req.All() {
		p.texts = append(p.texts, t.Text)
		if t.Role == "assistant" && !restored {
			continue
		}
		for _, name := range placeholder.FindAllString(t.Text, -1) {
			p.taken[name] = true
		}
	}
	return p
}

func (p *placeholders) of(kind, value string) string {
	if name, ok := p.given[[2]string{kind, value}]; ok {
		return name
	}
	for {
		p.last[kind]++
		name := "[" + kind + "_" + strconv.Itoa(p.last[kind]) + "]"
		if !p.taken[name] {
			p.given[[2]string{kind, value}] = name
			return name
		}
	}
}
