package recall_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/memory"
)

// guarding is a guard that found what it holds, or failed.
type guarding struct {
	found pipeline.Guarded
	err   error
}

func (guarding) Name() string { return "pii" }

func (g guarding) Run(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) {
	return pipeline.Outcome{Finding: g.found}, g.err
}

// broken is a store whose shelf is on fire.
type broken struct{ recall.Store }

func (broken) Get(context.Context, recall.Key) (recall.Entry, bool, error) {
	return recall.Entry{}, false, errors.New("no shelf")
}
func (broken) Put(context.Context, recall.Key, recall.Entry) error { return errors.New("no shelf") }

// wrong is a store that returns one entry for every key.
type wrong struct {
	recall.Store
	e recall.Entry
}

func (w wrong) Get(context.Context, recall.Key) (recall.Entry, bool, error) { return w.e, true, nil }
func (wrong) Put(context.Context, recall.Key, recall.Entry) error           { return nil }

func store(t interface {
	Helper()
	Fatal(...any)
}) *memory.Store {
	t.Helper()
	s, err := memory.New(memory.Limits{Bytes: 1 << 20, TenantBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// world is a stage with a clock of its own.
type world struct {
	t     *testing.T
	r     *recall.Recall
	now   time.Time
	guard guarding
}

func newWorld(t *testing.T, edit func(*recall.Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1_700_000_000, 0)}
	c := recall.Config{
		Store: store(t), Shared: true, Revision: []byte("1"), TTL: time.Hour, Guards: []string{"pii"}, Secret: []byte("secret"),
		Now: func() time.Time { return w.now },
	}
	if edit != nil {
		edit(&c)
	}
	var err error
	if w.r, err = recall.New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

func request(t interface {
	Helper()
	Fatal(...any)
}, caller pipeline.Caller, body string) *pipeline.Request {
	t.Helper()
	p := chat.Parser{Ask: true, Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}
	b, fault := p.ParseFrom(caller, "id", []byte(body))
	if fault != nil {
		t.Fatal(fault.Code, body)
	}
	return b.Request
}

// ask runs the guard and the stage.
func (w *world) ask(req *pipeline.Request) (pipeline.Decision, pipeline.Recalled) {
	w.t.Helper()
	p, err := pipeline.New(pipeline.Step{Stage: w.guard, FailOpen: true}, pipeline.Step{Stage: w.r, FailOpen: true})
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := p.Run(context.Background(), req)
	if err != nil {
		w.t.Fatal(err)
	}
	found, _ := pipeline.Find[pipeline.Recalled](d.Trail)
	return d, found
}

// plan is what routed a miss.
var plan = &pipeline.Plan{Decision: "default", Tiers: []pipeline.Tier{{Model: "small"}}}

// remember is what the edge does with a whole answer to a miss.
func (w *world) remember(req *pipeline.Request, found pipeline.Recalled, text string) {
	w.t.Helper()
	if err := w.r.Remember(context.Background(), req, found, plan, chat.Completion{Model: "small-2", Content: text}); err != nil {
		w.t.Fatal(err)
	}
}

const sky = `{"model":"MoM","messages":[{"role":"user","content":"Why is the sky blue?"}]}`

func TestTheSameQuestionIsAnsweredOnce(t *testing.T) {
	w := newWorld(t, nil)
	req := request(t, pipeline.Caller{}, sky)
	d, found := w.ask(req)
	if d.Verdict != pipeline.Continue || found.State != pipeline.RecallMiss {
		t.Fatalf("%v %+v", d.Verdict, found)
	}
	w.remember(req, found, "It scatters.")
	w.now = w.now.Add(time.Minute)
	for _, body := range []string{sky, strings.Replace(sky, `"model"`, `"stream":true,"model"`, 1)} {
		d, found = w.ask(request(t, pipeline.Caller{}, body))
		if d.Verdict != pipeline.Answer || found.State != pipeline.RecallHit || found.Model != "small" || found.Age != time.Minute {
			t.Fatalf("%v %+v", d.Verdict, found)
		}
		if !strings.Contains(string(d.Reply.Body), "It scatters.") || !strings.Contains(string(d.Reply.Body), "small-2") {
			t.Errorf("%s", d.Reply.Body)
		}
	}
	w.now = w.now.Add(time.Hour)
	if _, found := w.ask(request(t, pipeline.Caller{}, sky)); found.State != pipeline.RecallMiss {
		t.Errorf("after its time: %+v", found)
	}
}

func TestWhatGoesPastTheMemory(t *testing.T) {
	say := func(content string) string {
		return `{"model":"MoM","messages":[{"role":"user","content":"` + content + `"}]}`
	}
	for _, c := range []struct {
		name   string
		body   string
		caller pipeline.Caller
		guard  guarding
		edit   func(*recall.Config)
		why    string
	}{
		{name: "nobody vouches for the caller", body: sky, edit: func(c *recall.Config) { c.Shared = false }, why: "tenant"},
		{name: "the caller wants none", body: sky, caller: pipeline.Caller{NoStore: true}, why: "asked"},
		{name: "a tool may be called", body: `{"model":"MoM","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"}]}`, why: "tools"},
		{name: "two answers are wanted", body: strings.Replace(sky, `"model"`, `"n":2,"model"`, 1), why: "choices"},
		{name: "a name stands in it", body: sky, guard: guarding{found: pipeline.Guarded{PII: []string{"PERSON"}}}, why: "private"},
		{name: "an attack was only flagged", body: sky, guard: guarding{found: pipeline.Guarded{Jailbreak: true}}, why: "guard"},
		{name: "a guard failed and was passed over", body: sky, guard: guarding{err: errors.New("no model")}, why: "guard"},
		{name: "no guard reads", body: sky, edit: func(c *recall.Config) { c.Guards = nil }, why: "guard"},
		{name: "it asks for the weather", body: say("How is the weather in Oslo?"), why: "time"},
		{name: "it asks for today", body: say("Wer ist heute Kanzler?"), why: "time"},
		{name: "it asks for now in Chinese", body: say("现在几点"), why: "time"},
		{name: "it asks for this year", body: say("Which films came out this year?"), why: "time"},
		{name: "it asks for the year", body: say("What year is it?"), why: "time"},
		{name: "it asks as of a date", body: say("The population of Oslo, AS OF May"), why: "time"},
		{name: "a client wants a title", body: say("### Task:\\nGenerate a concise title for: Why is the sky blue?"), why: "task"},
		{name: "it is long", body: say(strings.Repeat("word ", 2000)), why: "long"},
	} {
		w := newWorld(t, c.edit)
		w.guard = c.guard
		req := request(t, c.caller, c.body)
		d, found := w.ask(req)
		if d.Verdict != pipeline.Continue || found.State != pipeline.RecallBypass || found.Why != c.why {
			t.Errorf("%s: %v %+v, want a bypass for %s", c.name, d.Verdict, found, c.why)
		}
		if err := w.r.Remember(context.Background(), req, found, plan, chat.Completion{Content: "x"}); err == nil {
			t.Errorf("%s: its answer was remembered", c.name)
		}
	}
	w := newWorld(t, nil)
	if _, found := w.ask(request(t, pipeline.Caller{}, strings.Replace(sky, "MoM", "small", 1))); found.State != "" {
		t.Errorf("a model that was named: %+v", found)
	}
	for _, text := range []string{"Why is the sky blue?", "Who wrote Faust?", "Explain electric fields.", "What is known of Nowgorod?", "How does snow form?", "What is a leap year?", "How long is a month?"} {
		if _, found := w.ask(request(t, pipeline.Caller{}, say(text))); found.State != pipeline.RecallMiss {
			t.Errorf("%s: %+v", text, found)
		}
	}
}

// Concurrently with a question, chat clients ask for its title: the same words of the user, another system message.
func TestATitleIsNoAnswer(t *testing.T) {
	w := newWorld(t, nil)
	question := request(t, pipeline.Caller{}, sky)
	_, found := w.ask(question)
	w.remember(question, found, "It scatters.")
	title := request(t, pipeline.Caller{}, `{"model":"MoM","messages":[{"role":"system","content":"Name this chat in three words."},{"role":"user","content":"Why is the sky blue?"}]}`)
	d, found := w.ask(title)
	if d.Verdict != pipeline.Continue {
		t.Fatalf("a title was answered by %s", d.Reply.Body)
	}
	w.remember(title, found, "Blue sky")
	if d, _ := w.ask(question); !strings.Contains(string(d.Reply.Body), "It scatters.") {
		t.Errorf("a question was answered by %s", d.Reply.Body)
	}
}

func TestTenantsAreApart(t *testing.T) {
	shelf := store(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, func(c *recall.Config) { c.Shared, c.Store = false, shelf })
		tenant := rapid.SampledFrom([]string{"a", "b", "ab", "a\x00", "\x00a", "A", " a", "1"})
		text := rapid.SampledFrom([]string{"x", "y", "xy"})
		type said struct{ tenant, text string }
		told := map[said]bool{}
		for i := range rapid.IntRange(1, 12).Draw(rt, "requests") {
			s := said{tenant.Draw(rt, fmt.Sprint("tenant ", i)), text.Draw(rt, fmt.Sprint("text ", i))}
			req := request(rt, pipeline.Caller{Tenant: s.tenant}, `{"model":"MoM","messages":[{"role":"user","content":"`+s.text+`"}]}`)
			d, found := w.ask(req)
			if d.Verdict == pipeline.Answer && !strings.Contains(string(d.Reply.Body), fmt.Sprintf("%x of %x", s.text, s.tenant)) {
				rt.Fatalf("%q was told %s", s, d.Reply.Body)
			}
			if told[s] && d.Verdict != pipeline.Answer {
				rt.Fatalf("%q was not told again", s)
			}
			if found.State == pipeline.RecallMiss {
				w.remember(req, found, fmt.Sprintf("%x of %x", s.text, s.tenant))
				told[s] = true
			}
		}
	})
}

func TestAnotherConfigurationKnowsNothing(t *testing.T) {
	shelf := store(t)
	old := newWorld(t, func(c *recall.Config) { c.Store = shelf })
	req := request(t, pipeline.Caller{}, sky)
	_, found := old.ask(req)
	old.remember(req, found, "old")
	for name, edit := range map[string]func(*recall.Config){
		"another revision": func(c *recall.Config) { c.Revision = []byte("2") },
		"another secret":   func(c *recall.Config) { c.Secret = []byte("other") },
		"tenants":          func(c *recall.Config) { c.Shared = false },
	} {
		w := newWorld(t, func(c *recall.Config) {
			c.Store = shelf
			edit(c)
		})
		if d, _ := w.ask(request(t, pipeline.Caller{Tenant: "a"}, sky)); d.Verdict != pipeline.Continue {
			t.Errorf("%s: was told %s", name, d.Reply.Body)
		}
	}
}

func TestAStoreIsNotTrusted(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for name, e := range map[string]recall.Entry{
		"of another tenant": {Tenant: recall.Key{1}, Completion: chat.Completion{Content: "x"}, Given: now, Expires: now.Add(time.Hour)},
		"without an answer": {Given: now, Expires: now.Add(time.Hour)},
	} {
		w := newWorld(t, func(c *recall.Config) { c.Store = wrong{e: e} })
		if d, found := w.ask(request(t, pipeline.Caller{}, sky)); d.Verdict != pipeline.Continue || found.State != pipeline.RecallMiss {
			t.Errorf("an entry %s: %v %+v", name, d.Verdict, found)
		}
	}
	w := newWorld(t, func(c *recall.Config) { c.Store = broken{} })
	d, found := w.ask(request(t, pipeline.Caller{}, sky))
	if d.Verdict != pipeline.Continue || found.State != "" || d.Trail.Failed(recall.StageName) == nil {
		t.Errorf("a store that fails: %v %+v", d.Verdict, found)
	}
}
