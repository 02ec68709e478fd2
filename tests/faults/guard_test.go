package faults_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

// fault is one thing that goes wrong in one guard, and what must be seen of it with the guard's fail_mode closed and open.
type fault struct {
	name         string
	guards       []string // that can meet it; nil is both
	set          func(guard string, s *setup)
	body         string // "" is one turn that meets the fault
	closed, open sees
}

var (
	both      = []string{guard.StageJailbreak, guard.StagePII}
	faulty    = say("a " + trigger + " text")
	shut      = stopped("503 guard_unavailable", "error")
	late      = stopped("503 guard_timeout", "error")
	broken    = stopped("503 internal_error", "error")
	tooLong   = stopped("413 prompt_too_long", "blocked_unread")
	degraded  = passed("degraded")
	errNobody = errors.New("nobody can read this")
)

// does is a fault of the model that the guard asks.
func does(d deed) func(string, *setup) {
	return func(name string, s *setup) {
		if name == guard.StageJailbreak {
			s.classifier = classifier{does: d}
		} else {
			s.tagger = tagger{does: d}
		}
	}
}

// answers is an answer of the classifier that is none.
func answers(p ...float32) func(string, *setup) {
	return func(_ string, s *setup) {
		s.classifier = classifier{does: fails(nil), answer: p, wrong: true}
	}
}

// finds is an answer of the tagger that is none. No recogniser stands beside it.
func finds(span classifiers.Span) func(string, *setup) {
	return func(_ string, s *setup) {
		s.tagger, s.bare = tagger{does: fails(nil), spans: []classifiers.Span{span}}, true
	}
}

// counts is a fault of the tokenizer by which the guard counts.
func counts(d deed) func(string, *setup) {
	return func(name string, s *setup) { s.miscounts, s.windows = map[string]deed{name: d}, 10 }
}

func faults() []fault {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	jailbreak, pii := both[:1], both[1:]
	person := func(p float32, from, to int) classifiers.Span {
		return classifiers.Span{Label: "PERSON", P: p, Start: from, End: to}
	}
	const address = "ann@mail.example.com"
	redacts := func(more func(string, *setup)) func(string, *setup) {
		return func(name string, s *setup) {
			more(name, s)
			s.redact = []string{"EMAIL_ADDRESS"}
		}
	}
	file := "data:text/plain;base64," + base64.StdEncoding.EncodeToString([]byte("mail "+address+" now"))
	worst := say(trigger + " " + attack + " " + card)
	filler := strings.Repeat("a harmless sentence about boats. ", 100)
	var many []object
	for i := range 12 {
		text := fmt.Sprintf("harmless text number %d", i)
		if i == 7 {
			text = "a " + trigger + " text " + secret
		}
		many = append(many, turn([]string{"user", "assistant"}[i%2], text))
	}
	return []fault{
		{name: "its model fails", set: does(fails(errNobody)), closed: shut, open: degraded},
		{name: "its model fails with the deadline of somebody else", set: does(fails(context.DeadlineExceeded)), closed: late, open: degraded},
		{name: "its model takes longer than the guard may", set: func(name string, s *setup) {
			does(waits)(name, s)
			s.limit = 100 * time.Millisecond
		}, closed: late, open: degraded},
		{name: "its model takes longer than the whole decision may", set: func(name string, s *setup) {
			does(waits)(name, s)
			s.whole = 200 * time.Millisecond
		}, closed: late, open: late}, // no time is left for the rest either
		{name: "its model panics", set: does(panics), closed: broken, open: degraded},
		{name: "its model's queue is full", set: does(fails(fmt.Errorf("m: %w", classifiers.ErrBusy))), closed: shut, open: degraded},
		{name: "its model was closed", set: does(fails(fmt.Errorf("m: %w", onnx.ErrClosed))), closed: shut, open: degraded},
		{name: "one text of many fails", set: does(fails(errNobody)), body: body(many...), closed: shut, open: degraded},
		{name: "one text of many panics", set: does(panics), body: body(many...), closed: broken, open: degraded},
		{name: "the first window of a long text fails", set: does(fails(errNobody)), body: say(trigger + " " + filler), closed: shut, open: degraded},
		{name: "one window in the middle of a long text fails", set: does(fails(errNobody)), body: say(filler + trigger + " " + filler), closed: shut, open: degraded},
		{name: "the last window of a long text fails", set: does(fails(errNobody)), body: say(filler + trigger), closed: shut, open: degraded},
		{name: "its tokenizer fails", set: counts(fails(errNobody)), body: say(trigger + strings.Repeat(" and", 100)), closed: shut, open: degraded},
		{name: "its tokenizer panics", set: counts(panics), body: say(trigger + strings.Repeat(" and", 100)), closed: broken, open: degraded},
		{name: "the text is too long for its model", set: does(fails(fmt.Errorf("m: %w", classifiers.ErrTooLong))), closed: tooLong, open: tooLong},
		{name: "the request needs more windows than it may", set: func(_ string, s *setup) { s.windows = 10 }, body: say(filler), closed: tooLong, open: tooLong},

		{name: "the answer is NaN", guards: jailbreak, set: answers(nan, nan, nan), closed: shut, open: degraded},
		{name: "one number of the answer is NaN", guards: jailbreak, set: answers(1, nan, 0), closed: shut, open: degraded},
		{name: "one number of the answer is infinite", guards: jailbreak, set: answers(0, inf, 0), closed: shut, open: degraded},
		{name: "one number of the answer is below 0", guards: jailbreak, set: answers(1.5, -0.5, 0), closed: shut, open: degraded},
		{name: "the answer adds up to nothing", guards: jailbreak, set: answers(0, 0, 0), closed: shut, open: degraded},
		{name: "the answer has too few labels", guards: jailbreak, set: answers(1, 0), closed: shut, open: degraded},
		{name: "the answer has too many labels", guards: jailbreak, set: answers(1, 0, 0, 0), closed: shut, open: degraded},
		{name: "the answer has no labels at all", guards: jailbreak, set: answers(), closed: shut, open: degraded},

		{name: "the probability of a find is NaN", guards: pii, set: finds(person(nan, 0, 1)), closed: shut, open: degraded},
		{name: "the probability of a find is over 1", guards: pii, set: finds(person(inf, 0, 1)), closed: shut, open: degraded},
		{name: "a find is of a kind that nobody knows", guards: pii, set: finds(classifiers.Span{Label: "SHOE", P: 1, Start: 0, End: 1}), closed: shut, open: degraded},
		{name: "a find ends behind the text", guards: pii, set: finds(person(1, 0, 1<<20)), closed: shut, open: degraded},
		{name: "a find begins before the text", guards: pii, set: finds(person(1, -1, 1)), closed: shut, open: degraded},
		{name: "a find ends before it begins", guards: pii, set: finds(person(1, 2, 1)), closed: shut, open: degraded},

		{name: "what is to be redacted stands where nothing can stand for it", guards: pii, set: redacts(does(nil)),
			body:   body(turn("user", secret), object{"role": "user", "content": []object{{"type": "file", "file": object{"file_data": file}}}}),
			closed: blocked(guard.StagePII), open: blocked(guard.StagePII)},
		{name: "its model fails, and there is something to redact", guards: pii, set: redacts(does(fails(errNobody))), body: say(trigger + " " + address),
			closed: shut, open: degraded},

		{name: "its model fails, and the text is an attack with a card number", set: does(fails(errNobody)), body: worst,
			closed: blocked(guard.StageJailbreak), open: blocked(guard.StageJailbreak)},
		{name: "its model takes too long, and the text is an attack with a card number", set: func(name string, s *setup) {
			does(waits)(name, s)
			s.limit = 100 * time.Millisecond
		}, body: worst, closed: blocked(guard.StageJailbreak), open: blocked(guard.StageJailbreak)},
	}
}

// want is what a row must show. Of a text that both guards would refuse, it is the guard that still works that does.
func (f fault) want(name string, open bool) sees {
	want := f.closed
	if open {
		want = f.open
	}
	if strings.Contains(f.body, attack) && name == guard.StageJailbreak {
		switch {
		case open:
			return blocked(guard.StagePII)
		case strings.Contains(f.name, "too long"):
			return late
		}
		return shut
	}
	return want
}

// TestAGuardFails breaks each guard in every way it can break, once with its fail_mode closed and once open. Closed, nothing may reach a backend.
// Open, the request may pass, and then the client, the counter and the log must all say that it passed unread.
func TestAGuardFails(t *testing.T) {
	e := newEdge(t, nil)
	e.use(t, build(t, setup{off: true}).Gateway)
	seen := &table{}
	defer seen.print(t)
	for _, f := range faults() {
		guards := f.guards
		if guards == nil {
			guards = both
		}
		for _, name := range guards {
			for _, mode := range []string{"closed", "open"} {
				t.Run(fmt.Sprintf("%s/%s/%s", f.name, name, mode), func(t *testing.T) {
					s := setup{}
					f.set(name, &s)
					if mode == "open" {
						s.open = name
					}
					e.server.Use(build(t, s).Gateway)
					e.logs.TakeAll()
					text := f.body
					if text == "" {
						text = faulty
					}
					got := look(t, e.Stack, text)
					seen.add(name, f.name, mode, got)
					if want := f.want(name, mode == "open"); got != want {
						t.Errorf("seen %v, want %v", got, want)
					}
					e.wantTold(t, name, mode, got)
				})
			}
		}
	}
	e.wantNoAlarm(t)
}

// wantTold fails the test where a request that passed unread is not in the log with the guard that failed, or where the log holds the prompt.
func (e *edge) wantTold(t *testing.T, guard, mode string, got sees) {
	t.Helper()
	told := false
	for _, l := range e.logs.All() {
		fields := l.ContextMap()
		told = told || l.Message == "stage passed over" && fields["stage"] == guard
		if line := fmt.Sprint(l.Message, fields); strings.Contains(line, secret) {
			t.Errorf("the prompt stands in the log: %s", line)
		}
	}
	// Where the other guard has refused what this one passed over, both are right.
	if unread := got.client == degraded.client; unread && !told || told && !unread && (mode == "closed" || got.client[:3] != "403") {
		t.Errorf("passed unread: %t, and the log says so: %t", unread, told)
	}
}

// wantNoAlarm fails the test where Envoy says that it went on without the processor, or got what it did not ask for.
func (e *edge) wantNoAlarm(t *testing.T) {
	t.Helper()
	found := e.Stats(t, "ext_proc.*(failure_mode_allowed|spurious_msgs_received|rejected_header_mutations)$")
	if len(found) < 2 {
		t.Errorf("Envoy has no alarms to look at: %v", found)
	}
	for name, n := range found {
		if n != 0 {
			t.Errorf("%s is %d", name, n)
		}
	}
}

// story is a fault that needs more than a model of its own.
type story struct {
	name string
	tell func(t *testing.T, e *edge, guard, mode string) sees
	want func(guard string) sees // whatever the fail_mode
	long bool                    // told once alone, since it takes seconds
}

// same is what both guards must show.
func same(s sees) func(string) sees { return func(string) sees { return s } }

// blocked is what a guard that works must show of what is bad for it.
func blocked(name string) sees {
	if name == guard.StageJailbreak {
		return stopped("403 jailbreak_detected", "blocked_jailbreak")
	}
	return stopped("403 pii_detected", "blocked_pii")
}

// gate is a model that says that it has begun, waits to be let go, and then reads.
type gate struct{ begun, ended, release chan struct{} }

func newGate() gate { return gate{make(chan struct{}, 8), make(chan struct{}, 8), make(chan struct{})} }

func (g gate) does(ctx context.Context, _ string) error {
	g.begun <- struct{}{}
	defer func() { g.ended <- struct{}{} }()
	select {
	case <-g.release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// broke is a setup in which the model of one guard does a deed, in one of the fail_modes.
func broke(name, mode string, d deed) setup {
	s := setup{}
	does(d)(name, &s)
	if mode == "open" {
		s.open = name
	}
	return s
}

func stories() []story {
	bad := map[string]string{guard.StageJailbreak: say(trigger + " " + attack), guard.StagePII: say(trigger + " " + card)}
	return []story{
		{"the client goes away while it reads", func(t *testing.T, e *edge, name, mode string) sees {
			g := newGate()
			e.server.Use(build(t, broke(name, mode, g.does)).Gateway)
			w := watch(t, e.Stack)
			ctx, cancel := context.WithCancel(t.Context())
			client := make(chan string)
			go func() { client <- send(ctx, e.Stack, newRequest(faulty)) }()
			<-g.begun
			cancel()
			<-g.ended // the model was told, before the guard's own limit
			return w.saw(t, <-client)
		}, same(stopped("gave up", "unknown")), false},
		{"the configuration is changed to one without a guard while it reads", func(t *testing.T, e *edge, name, mode string) sees {
			g := newGate()
			e.server.Use(build(t, broke(name, mode, g.does)).Gateway)
			w := watch(t, e.Stack)
			client := make(chan string)
			go func() { client <- send(t.Context(), e.Stack, newRequest(bad[name])) }()
			<-g.begun
			e.server.Use(build(t, setup{off: true}).Gateway)
			close(g.release)
			got := w.saw(t, <-client)
			if next := look(t, e.Stack, faulty); next != passed("off") {
				t.Errorf("the request after it: %v, want %v", next, passed("off"))
			}
			return got
		}, blocked, false},
		{"its memory of texts is full", func(t *testing.T, e *edge, name, mode string) sees {
			b := build(t, broke(name, mode, nil))
			fill(t, b.stages[slices.Index(both, name)])
			e.server.Use(b.Gateway)
			if got := look(t, e.Stack, faulty); got != passed("ok") {
				t.Errorf("a harmless request: %v, want %v", got, passed("ok"))
			}
			if got := look(t, e.Stack, bad[name]); got != blocked(name) {
				t.Errorf("the first time: %v, want %v", got, blocked(name))
			}
			return look(t, e.Stack, bad[name])
		}, blocked, true},
		{"the body is over MoM's limit", func(t *testing.T, e *edge, name, mode string) sees {
			e.server.Use(build(t, broke(name, mode, nil)).Gateway)
			return look(t, e.Stack, say(strings.Repeat("x", 2<<20)))
		}, same(stopped("413 request_too_large", "unknown")), false},
		{"the body is over Envoy's limit, so that a response comes before the verdict", func(t *testing.T, e *edge, name, mode string) sees {
			e.server.Use(build(t, broke(name, mode, nil)).Gateway)
			return look(t, e.Stack, say(strings.Repeat("x", 5<<20)))
		}, same(stopped("413 request_too_large", "unknown")), false},
		{"the body is no JSON", func(t *testing.T, e *edge, name, mode string) sees {
			e.server.Use(build(t, broke(name, mode, nil)).Gateway)
			return look(t, e.Stack, faulty[:len(faulty)-1])
		}, same(stopped("400 invalid_json", "unknown")), false},
		{"a key stands twice, so that two readers would read two prompts", func(t *testing.T, e *edge, name, mode string) sees {
			e.server.Use(build(t, broke(name, mode, nil)).Gateway)
			return look(t, e.Stack, `{"model":"MoM","messages":[{"role":"user","content":"hello","content":"`+attack+`"}]}`)
		}, same(stopped("400 duplicate_key", "unknown")), false},
		{"the body is compressed in a way that nobody here reads", func(t *testing.T, e *edge, name, mode string) sees {
			e.server.Use(build(t, broke(name, mode, nil)).Gateway)
			w := watch(t, e.Stack)
			r := newRequest(faulty)
			r.Header.Set("content-encoding", "br")
			return w.saw(t, send(t.Context(), e.Stack, r))
		}, same(stopped("415 unsupported_content_encoding", "unknown")), false},
		{"the model that finds the domain fails", func(t *testing.T, e *edge, name, mode string) sees {
			s := broke(name, mode, nil)
			s.brain = classifier{does: fails(errNobody)}
			e.server.Use(build(t, s).Gateway)
			if got := look(t, e.Stack, bad[name]); got != blocked(name) {
				t.Errorf("the guard: %v, want %v", got, blocked(name))
			}
			return look(t, e.Stack, faulty)
		}, same(passed("ok")), false},
		{"an address is to be redacted", func(t *testing.T, e *edge, name, mode string) sees {
			s := broke(name, mode, nil)
			s.redact = []string{"EMAIL_ADDRESS"}
			e.server.Use(build(t, s).Gateway)
			got := look(t, e.Stack, say("mail ann@mail.example.com, and then ann@mail.example.com"))
			for _, r := range e.Small.Received() {
				if text := string(r.Body); strings.Contains(text, "ann@") || strings.Count(text, "[EMAIL_ADDRESS_1]") != 2 {
					t.Errorf("the backend got %s", text)
				}
			}
			return got
		}, same(passed("flagged")), false},
		{"nothing fails", func(t *testing.T, e *edge, name, mode string) sees {
			e.server.Use(build(t, broke(name, mode, nil)).Gateway)
			return look(t, e.Stack, faulty)
		}, same(passed("ok")), false},
		{"the guard is off, as was written", func(t *testing.T, e *edge, _, _ string) sees {
			e.server.Use(build(t, setup{off: true}).Gateway)
			return look(t, e.Stack, bad[guard.StageJailbreak])
		}, same(passed("off")), false},
	}
}

// fill makes a stage remember more texts than it has room for.
func fill(t *testing.T, stage pipeline.Stage) {
	t.Helper()
	for i := range 26 {
		req := &pipeline.Request{}
		for j := range 4000 {
			req.Messages = append(req.Messages, pipeline.Message{Role: "tool", Texts: []string{fmt.Sprintf("page %d of book %d", j, i)}})
		}
		if out, err := stage.Run(t.Context(), req, pipeline.Trail{}); err != nil || out.Verdict != pipeline.Continue {
			t.Fatalf("%v, %v", out.Verdict, err)
		}
	}
}

// TestAGuardMeets is what happens around a guard: to its clients, its configuration, its memory, and to bodies that never come to it.
func TestAGuardMeets(t *testing.T) {
	e := newEdge(t, nil)
	e.use(t, build(t, setup{off: true}).Gateway)
	seen := &table{}
	defer seen.print(t)
	for _, s := range stories() {
		for _, name := range both {
			for _, mode := range []string{"closed", "open"} {
				if s.long && mode == "open" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", s.name, name, mode), func(t *testing.T) {
					e.logs.TakeAll()
					got := s.tell(t, e, name, mode)
					seen.add(name, s.name, mode, got)
					if want := s.want(name); got != want {
						t.Errorf("seen %v, want %v", got, want)
					}
					e.wantTold(t, name, mode, got)
				})
			}
		}
	}
	e.wantNoAlarm(t)
}

// TestAGuardHangs: a model that does not end when it is told to, as native code may, is Envoy's to end, and so is a body that does not come whole.
func TestAGuardHangs(t *testing.T) {
	e := newEdge(t, hasty)
	e.use(t, build(t, setup{off: true}).Gateway)
	release := make(chan struct{})
	defer close(release) // before the server is stopped
	seen := &table{}
	defer seen.print(t)
	for _, name := range both {
		for _, mode := range []string{"closed", "open"} {
			s := broke(name, mode, func(context.Context, string) error { <-release; return nil })
			s.limit = 50 * time.Millisecond
			e.server.Use(build(t, s).Gateway)
			got, want := look(t, e.Stack, faulty), stopped("504 gateway_error", "unknown")
			seen.add(name, "its model does not end when its time is over", mode, got)
			if got != want {
				t.Errorf("%s, %s: seen %v, want %v", name, mode, got, want)
			}
		}
	}
	w := watch(t, e.Stack)
	half, rest := io.Pipe()
	defer rest.Close()
	go func() { _, _ = rest.Write([]byte(faulty[:20])) }()
	r := newRequestOf(half)
	r.ContentLength = int64(len(faulty))
	got, want := w.saw(t, send(t.Context(), e.Stack, r)), stopped("408 request_timeout", "unknown")
	seen.add("", "the body does not come whole in its time", "", got)
	if got != want {
		t.Errorf("half a body: seen %v, want %v", got, want)
	}
	e.wantNoAlarm(t)
}

// hasty lets Envoy wait a second for mom and for a request, not five and sixty.
func hasty(yaml string) string {
	return strings.NewReplacer(" message_timeout: 5s", " message_timeout: 1s", "request_timeout: 60s ", "request_timeout: 1s ").Replace(yaml)
}

// TestBeforeAGuard is what Envoy must do with requests that come to no guard at all, since the server is not ready or the body is over the limit of
// gRPC: an operator may have raised Envoy's.
func TestBeforeAGuard(t *testing.T) {
	seen := &table{}
	defer seen.print(t)
	check := func(t *testing.T, name string, got, want sees) {
		t.Helper()
		seen.add("", name, "", got)
		if got != want {
			t.Errorf("seen %v, want %v", got, want)
		}
	}
	e := newEdge(t, func(yaml string) string {
		return strings.Replace(yaml, "request_body_buffer_limit: 4194304", "request_body_buffer_limit: 209715200", 1)
	})
	t.Run("the server is not ready", func(t *testing.T) {
		check(t, "the server is not ready", look(t, e.Stack, faulty), stopped("503 gateway_error", "unanswered"))
	})
	e.use(t, build(t, setup{}).Gateway)
	t.Run("the body is over gRPC's limit", func(t *testing.T) {
		got := look(t, e.Stack, say(strings.Repeat("x", 130<<20)))
		check(t, "the body is over gRPC's limit", got, stopped("503 gateway_error", "unknown"))
	})
	t.Run("afterwards", func(t *testing.T) { check(t, "nothing, afterwards", look(t, e.Stack, say("hello")), passed("ok")) })
	e.wantNoAlarm(t)
}
