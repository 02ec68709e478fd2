package guard

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/guard/text"
	"github.com/mom-router/mom/pkg/pipeline"
)

// Kind says how far a text is to be believed.
type Kind uint8

const (
	// User is what the user says.
	User Kind = iota
	// Document is somebody else's text that the request hands on: what a tool returned, the arguments of its calls, metadata, fields that no API has.
	Document
	// Instructions is text of the one who built the application: system messages, tools and schemas. Turns of the assistant count among it: a client
	// can make them up, but most are a model's own words.
	Instructions
)

// String returns user, document or instructions.
func (k Kind) String() string { return [...]string{"user", "document", "instructions"}[k] }

// View says how a text came to read as it does.
type View uint8

// The views: as it was written; with what hides it undone; with leetspeak undone too; decoded from base64 and the like.
const (
	Raw View = iota
	Normal
	Leet
	Decoded
)

// String returns raw, normal, leet or decoded.
func (v View) String() string { return [...]string{"raw", "normal", "leet", "decoded"}[v] }

// Text is one text to judge.
type Text struct {
	Kind  Kind
	View  View
	Role  string // of its message, where that matters to what becomes of it; "" else, and outside of messages
	Where string // for people: a path of the API's own names
	Body  string // never blank
}

// Strings outside of messages of up to small bytes, a few words, are judged together with others of their kind: a schema of two hundred words would else
// be two hundred passes. Longer ones are judged alone, for an attack among other sentences looks less like one, and harmless sentences that have
// nothing to do with each other look more like one. Of tools and schemas, which can be hundreds of sentences, that holds for the first few and for
// those longer than medium.
const (
	small  = 64
	medium = 256
	few    = 32
)

// An attack may be spread over turns of the user, so that each is also read with up to lastTurns-1 before it: the ends of the turn, edge bytes of each,
// and of what was said before as much as makes it seam bytes together. That is about a full window of the models in English: every turn costs one pass
// more, once, for with the next turn the earlier seams are remembered. What lies farther inside was read with the turns themselves.
const (
	lastTurns = 4
	edge      = 144
	seam      = 480
)

// Texts returns every text of a request that Jailbreak judges, each kind and body once: the messages, with their parts joined in two ways, the seams
// between turns of the user, documents that a turn holds in tags, every other string of the body, and all views of each.
func Texts(req *pipeline.Request) []Text {
	return expand(sources(req, gathering{turns: true}).texts, allViews)
}

// sources returns what of a request is read, in the raw view.
func sources(req *pipeline.Request, how gathering) *gatherer {
	g := newGatherer(len(req.Messages) + 4)
	g.gathering = how
	texts := g.messages(req)
	g.leaves(req, texts)
	return g
}

// gathering is what else to gather.
type gathering struct {
	turns  bool // documents in turns and the seams between turns, too: only an attack may be spread over them
	roles  bool // the texts of each role for themselves
	traces bool // where each text comes from
}

// expand returns the views of the sources.
func expand(sources []Text, views func(body string, each func(View, string))) []Text {
	g := newGatherer(len(sources))
	for _, t := range sources {
		views(t.Body, func(view View, body string) { g.add(Text{t.Kind, view, t.Role, t.Where, body}, nil) })
	}
	return g.texts
}

// gatherer keeps each kind, role and body once, and nothing blank.
type gatherer struct {
	gathering
	texts  []Text
	places [][]trace    // of each text, one for every time that the request says it
	seen   map[seen]int // where it stands in texts
}

type seen struct {
	kind Kind
	role string
	body string
}

func (t Text) seen() seen { return seen{t.Kind, t.Role, t.Body} }

func newGatherer(n int) *gatherer {
	return &gatherer{texts: make([]Text, 0, n), seen: make(map[seen]int, n)}
}

func (g *gatherer) add(t Text, tr trace) {
	at, twice := g.seen[t.seen()]
	switch {
	case twice:
	case strings.TrimSpace(t.Body) == "":
		return
	default:
		at = len(g.texts)
		g.seen[t.seen()] = at
		g.texts = append(g.texts, t)
	}
	if g.traces {
		g.places = append(g.places, make([][]trace, len(g.texts)-len(g.places))...)
		g.places[at] = append(g.places[at], tr)
	}
}

// messages returns how many texts they have.
func (g *gatherer) messages(req *pipeline.Request) pipeline.Ref {
	var turns []string
	var first pipeline.Ref
	for i := range req.Messages {
		m := &req.Messages[i]
		if len(m.Texts) == 0 {
			continue
		}
		where, kind, role := "messages["+strconv.Itoa(i)+"]", kindOf(m.Role), g.role(m.Role)
		body, tr := strings.Join(m.Texts, "\n"), g.follow(first, m.Texts, 1)
		if kind == Document {
			body, tr = g.unwrapped(body, tr, true)
		}
		g.add(Text{kind, Raw, role, where, body}, tr)
		if len(m.Texts) > 1 {
			g.add(Text{kind, Raw, role, where + ", parts joined", strings.Join(m.Texts, "")}, g.follow(first, m.Texts, 0))
		}
		first += pipeline.Ref(len(m.Texts))
		if kind != User || !g.turns {
			continue
		}
		for _, d := range documents(body) {
			g.add(Text{Document, Raw, role, where + ", document", d}, nil)
		}
		if strings.TrimSpace(body) == "" {
			continue // it must not push apart what stands around it
		}
		if len(turns) > 0 {
			g.add(Text{User, Raw, role, where + ", after the turns before", joined(turns[max(0, len(turns)-lastTurns+1):], body)}, nil)
		}
		turns = append(turns, body)
	}
	return first
}

func (g *gatherer) role(of string) string {
	if g.roles {
		return of
	}
	return ""
}

func (g *gatherer) follow(first pipeline.Ref, texts []string, separator int) trace {
	if g.traces {
		return follow(first, texts, separator)
	}
	return nil
}

// joined returns the seam between a turn and those before it: the end of what they say, and the ends of the turn. No rune is cut.
func joined(before []string, turn string) string {
	text := ends(turn)
	for _, said := range slices.Backward(before) {
		from := max(0, len(said)-(seam-1-len(text)))
		for from < len(said) && !utf8.RuneStart(said[from]) {
			from++
		}
		text = said[from:] + "\n" + text
		if from > 0 || len(text) >= seam-1 {
			break
		}
	}
	return text
}

// ends returns the two ends of a turn, or all of a short one. No rune is cut.
func ends(turn string) string {
	if len(turn) <= 2*edge {
		return turn
	}
	head, tail := edge, len(turn)-edge
	for !utf8.RuneStart(turn[head]) {
		head--
	}
	for tail < len(turn) && !utf8.RuneStart(turn[tail]) {
		tail++
	}
	return turn[:head] + "\n" + turn[tail:]
}

// leaves adds the strings outside of the messages' texts, the small ones together. The first of them has the number given.
func (g *gatherer) leaves(req *pipeline.Request, first pipeline.Ref) {
	var together []smallStrings
	alone := 0
	for i := range req.Leaves {
		l := &req.Leaves[i]
		ref, kind, body, role := first+pipeline.Ref(i), kindOfLeaf(req, l), l.Text, ""
		if l.Message >= 0 && l.Message < len(req.Messages) {
			role = g.role(req.Messages[l.Message].Role)
		}
		if decoded, is := text.DataURL(body); is == text.Text {
			g.add(Text{Document, Raw, role, l.Path + ", decoded", decoded}, trace{{end: len(decoded), ref: ref, to: len(body), how: lost}})
			// The code itself only looks odd to a model. What stands before it may hold words too.
			if body, _, _ = strings.Cut(body, ","); len(body) <= 64 && !strings.ContainsAny(body, " %+_") {
				continue
			}
		}
		tr := g.follow(ref, []string{body}, 0)
		if tr != nil && isName(l.Path, body) {
			tr[0].how = kept
		}
		if kind == Document {
			// Many backends read the arguments of calls as JSON, in which a placeholder for a number is none.
			body, tr = g.unwrapped(body, tr, false)
		}
		if len(body) > small && (kind == Document || alone < few || len(body) > medium) {
			alone++
			g.add(Text{kind, Raw, role, l.Path, body}, tr)
			continue
		}
		at := slices.IndexFunc(together, func(s smallStrings) bool { return s.kind == kind && s.role == role })
		if at < 0 {
			at, together = len(together), append(together, smallStrings{kind: kind, role: role})
		}
		s := &together[at]
		s.trace = append(s.trace, tr.moved(s.bytes)...)
		s.list, s.bytes = append(s.list, body), s.bytes+len(body)+1
	}
	slices.SortStableFunc(together, func(a, b smallStrings) int { return cmp.Compare(a.kind, b.kind) })
	for _, s := range together {
		g.add(Text{s.kind, Raw, s.role, "small strings: " + strconv.Itoa(len(s.list)), strings.Join(s.list, "\n")}, s.trace)
	}
}

// isName says whether a string names a function or a schema: with a placeholder in it no backend would take it.
func isName(path, s string) bool {
	for _, end := range [...]string{"function.name", "function_call.name", "json_schema.name"} {
		if strings.HasSuffix(path, end) {
			return name.MatchString(s)
		}
	}
	return strings.HasPrefix(path, "functions[") && strings.HasSuffix(path, "].name") && name.MatchString(s)
}

var name = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// smallStrings are judged as one text.
type smallStrings struct {
	kind  Kind
	role  string
	list  []string
	bytes int // of the list, with a line break each
	trace trace
}

func allViews(body string, each func(View, string)) {
	views := text.Views(body)
	each(Raw, body)
	if len(views) == 1 {
		return
	}
	normal := text.Normal(body)
	leet, _ := text.Leet(normal)
	for _, v := range views[1:] {
		switch v {
		case normal:
			each(Normal, v)
		case leet:
			each(Leet, v)
		default:
			each(Decoded, v)
		}
	}
}

func plainViews(body string, each func(View, string)) {
	each(Raw, body)
	if normal := text.Normal(body); normal != body {
		each(Normal, normal)
	}
}

// unwrapped returns the strings and numbers of a JSON object or array, keys too, one a line, and any other body as it is. Tools take and return JSON,
// and to a model that was taught prose its marks look odd. The trace is the body's, and so becomes what is returned of it; numbers says whether
// they may be replaced.
func (g *gatherer) unwrapped(body string, tr trace, numbers bool) (string, trace) {
	if start := strings.TrimSpace(body); start == "" || start[0] != '{' && start[0] != '[' {
		return body, tr
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var out strings.Builder
	var made trace
	done := 0 // bytes of the body
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return strings.TrimSuffix(out.String(), "\n"), made.through(tr)
		case err != nil:
			return body, tr
		}
		end := int(d.InputOffset())
		if g.traces {
			from := end - len(strings.TrimLeft(body[done:end], " \t\r\n,:"))
			switch v := token.(type) {
			case string:
				made = append(made, literal(body[from:end], v, out.Len(), from)...)
			case json.Number:
				p := part{start: out.Len(), end: out.Len() + len(v), from: from, to: end}
				if !numbers {
					p.how = lost
				}
				made = append(made, p)
			}
		}
		done = end
		switch v := token.(type) {
		case string:
			out.WriteString(v + "\n")
		case json.Number:
			out.WriteString(v.String() + "\n")
		}
	}
}

func kindOf(role string) Kind {
	switch role {
	case "user":
		return User
	case "tool", "function":
		return Document
	}
	return Instructions
}

// kindOfLeaf goes by the place. What an assistant's turn says beside its text is its own words, but for the arguments of its calls, which repeat what
// it has read. What is not known is a document.
func kindOfLeaf(req *pipeline.Request, l *pipeline.Leaf) Kind {
	if l.Message >= 0 {
		if l.Message < len(req.Messages) && req.Messages[l.Message].Role == "assistant" &&
			!strings.Contains(l.Path, "].tool_calls") && !strings.Contains(l.Path, "].function_call") {
			return Instructions
		}
		return Document
	}
	for _, p := range [...]string{"tools", "functions", "tool_choice", "function_call", "response_format", "guided_json", "guided_regex"} {
		if rest, ok := strings.CutPrefix(l.Path, p); ok && (rest == "" || rest[0] == '[' || rest[0] == '.' || rest[0] == '{') {
			return Instructions
		}
	}
	return Document
}

// opening is the tag by which applications put a document into a user's turn.
var opening = regexp.MustCompile(`(?i)<(documents?|context|file)(?:\s[^>]*)?>`)

var closing = map[string]*regexp.Regexp{
	"document": regexp.MustCompile(`(?i)</document\s*>`), "documents": regexp.MustCompile(`(?i)</documents\s*>`),
	"context": regexp.MustCompile(`(?i)</context\s*>`), "file": regexp.MustCompile(`(?i)</file\s*>`),
}

// documents returns what stands between such tags, to the end where a tag is not closed. It goes on behind what it has taken, so that tags in tags
// do not make many texts of one.
func documents(body string) []string {
	if strings.IndexByte(body, '<') < 0 {
		return nil
	}
	var found []string
	for {
		tag := opening.FindStringSubmatchIndex(body)
		if tag == nil {
			return found
		}
		name := strings.ToLower(body[tag[2]:tag[3]])
		body = body[tag[1]:]
		end := closing[name].FindStringIndex(body)
		if end == nil {
			return append(found, body)
		}
		found = append(found, body[:end[0]])
		body = body[end[1]:]
	}
}
