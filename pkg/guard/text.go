package guard

import (
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
func Texts(req *pipeline.Request) []Text { return expand(sources(req, true), allViews) }

// plainTexts is Texts without what only an attack needs: a number that somebody gives away stands in a turn as it is, not in its decoded views, and
// the end of one turn is not part of the next one's number.
func plainTexts(req *pipeline.Request) []Text { return expand(sources(req, false), plainViews) }

// sources returns what of a request is read, in the raw view. Turns is whether documents in turns and the seams between turns are read too.
func sources(req *pipeline.Request, turns bool) []Text {
	g := newGatherer(len(req.Messages) + 4)
	g.messages(req, turns)
	g.leaves(req)
	return g.texts
}

// expand returns the views of the sources.
func expand(sources []Text, views func(body string, each func(View, string))) []Text {
	g := newGatherer(len(sources))
	for _, t := range sources {
		views(t.Body, func(view View, body string) { g.add(Text{t.Kind, view, t.Where, body}) })
	}
	return g.texts
}

// gatherer keeps each kind and body once, and nothing blank.
type gatherer struct {
	texts []Text
	seen  map[seen]struct{}
}

type seen struct {
	kind Kind
	body string
}

func newGatherer(n int) *gatherer {
	return &gatherer{texts: make([]Text, 0, n), seen: make(map[seen]struct{}, n)}
}

func (g *gatherer) add(t Text) {
	key := seen{t.Kind, t.Body}
	if _, twice := g.seen[key]; twice || strings.TrimSpace(t.Body) == "" {
		return
	}
	g.seen[key] = struct{}{}
	g.texts = append(g.texts, t)
}

func (g *gatherer) messages(req *pipeline.Request, together bool) {
	var turns []string
	for i := range req.Messages {
		m := &req.Messages[i]
		if len(m.Texts) == 0 {
			continue
		}
		where, kind := "messages["+strconv.Itoa(i)+"]", kindOf(m.Role)
		body := strings.Join(m.Texts, "\n")
		if kind == Document {
			body = unwrapped(body)
		}
		g.add(Text{kind, Raw, where, body})
		if len(m.Texts) > 1 {
			g.add(Text{kind, Raw, where + ", parts joined", strings.Join(m.Texts, "")})
		}
		if kind != User || !together {
			continue
		}
		for _, d := range documents(body) {
			g.add(Text{Document, Raw, where + ", document", d})
		}
		if strings.TrimSpace(body) == "" {
			continue // it must not push apart what stands around it
		}
		if len(turns) > 0 {
			g.add(Text{User, Raw, where + ", after the turns before", joined(turns[max(0, len(turns)-lastTurns+1):], body)})
		}
		turns = append(turns, body)
	}
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

// leaves adds the strings outside of the messages' texts, the small ones together.
func (g *gatherer) leaves(req *pipeline.Request) {
	var together [Instructions + 1][]string
	alone := 0
	for i := range req.Leaves {
		l := &req.Leaves[i]
		kind, body := kindOfLeaf(req, l), l.Text
		if decoded, is := text.DataURL(body); is == text.Text {
			g.add(Text{Document, Raw, l.Path + ", decoded", decoded})
			// The code itself only looks odd to a model. What stands before it may hold words too.
			if body, _, _ = strings.Cut(body, ","); len(body) <= 64 && !strings.ContainsAny(body, " %+_") {
				continue
			}
		}
		if kind == Document {
			body = unwrapped(body)
		}
		if len(body) > small && (kind == Document || alone < few || len(body) > medium) {
			alone++
			g.add(Text{kind, Raw, l.Path, body})
			continue
		}
		together[kind] = append(together[kind], body)
	}
	for kind, list := range together {
		if len(list) > 0 {
			g.add(Text{Kind(kind), Raw, "small strings: " + strconv.Itoa(len(list)), strings.Join(list, "\n")})
		}
	}
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
// and to a model that was taught prose its marks look odd.
func unwrapped(body string) string {
	if start := strings.TrimSpace(body); start == "" || start[0] != '{' && start[0] != '[' {
		return body
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var out strings.Builder
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return strings.TrimSuffix(out.String(), "\n")
		case err != nil:
			return body
		}
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
