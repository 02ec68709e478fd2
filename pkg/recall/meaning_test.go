package recall_test

import (
	"context"
	"errors"
	"hash/fnv"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/evidence"
)

// bag is an embedder that knows which words a text has, and nothing of what they mean. It reads up to eighty.
type bag struct{}

var errModel = errors.New("the model fell over")

func (bag) Embed(ctx context.Context, text string) ([]float32, error) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" .,?!", r) })
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(words) > 80:
		return nil, classifiers.ErrTooLong
	case strings.Contains(text, "broken"):
		return nil, errModel
	case strings.Contains(text, "panic"):
		panic(text)
	}
	v := make([]float32, 256)
	for _, w := range words {
		h := fnv.New32a()
		_, _ = h.Write([]byte(w))
		v[h.Sum32()%256]++
	}
	var sum float64
	for _, x := range v {
		sum += float64(x * x)
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v, nil
}

// meaning finds what shares two thirds of its words.
func meaning(c *recall.Config) {
	c.Meaning = &recall.Meaning{Embedder: bag{}, Model: []byte("bag"), Threshold: 0.66, MaxError: 0.01}
}

func say(content string) string {
	return `{"model":"MoM","messages":[{"role":"user","content":"` + content + `"}]}`
}

const lamp = "How often should I clean the lamp of a lighthouse?"

func TestAQuestionInOtherWords(t *testing.T) {
	for name, tt := range map[string]struct {
		asked string
		why   string // "" is a hit
	}{
		"in other words":                     {"Please, how often should I clean the lamp of the lighthouse?", ""},
		"with another name":                  {"How often should I clean the lamp of a locomotive?", "gate"},
		"with a negation":                    {"How often should I not clean the lamp of a lighthouse?", "gate"},
		"with a number":                      {"How often should I clean the 2 lamps of a lighthouse?", "gate"},
		"something else":                     {"Who wrote Faust?", "far"},
		"longer than a vector may stand for": {"How often should I clean the lamp of a lighthouse?" + strings.Repeat(" please", 80), "length"},
		"with a model that fails":            {"How often should I clean the broken lamp of a lighthouse?", "model"},
	} {
		w := newWorld(t, meaning)
		req := request(t, pipeline.Caller{}, say(lamp))
		_, found := w.ask(req)
		w.remember(req, found, "Once a week.")
		w.now = w.now.Add(time.Minute)
		d, found := w.ask(request(t, pipeline.Caller{}, say(tt.asked)))
		if tt.why != "" {
			if d.Verdict != pipeline.Continue || found.State != pipeline.RecallMiss || found.Why != tt.why || found.Key == [32]byte{} {
				t.Errorf("%s: %v %s %q", name, d.Verdict, found.State, found.Why)
			}
			continue
		}
		if d.Verdict != pipeline.Answer || found.State != pipeline.RecallHit || found.Age != time.Minute || found.Model != "small" ||
			!strings.Contains(string(d.Reply.Body), "Once a week.") {
			t.Errorf("%s: %v %+v", name, d.Verdict, found)
		}
		if !(found.Cosine > 0.66 && found.Cosine < 1) {
			t.Errorf("%s: a cosine of %v", name, found.Cosine)
		}
		if _, found = w.ask(req); found.State != pipeline.RecallHit || found.Cosine != 0 {
			t.Errorf("%s: the same question after it: %+v", name, found)
		}
		w.now = w.now.Add(time.Hour)
		if _, found = w.ask(request(t, pipeline.Caller{}, say(tt.asked))); found.State != pipeline.RecallMiss || found.Why != "far" {
			t.Errorf("%s: after its time: %+v", name, found)
		}
	}
}

func TestWithoutAMeaningOnlyTheSameQuestionIsFound(t *testing.T) {
	w := newWorld(t, nil)
	req := request(t, pipeline.Caller{}, say(lamp))
	_, found := w.ask(req)
	w.remember(req, found, "Once a week.")
	if _, found = w.ask(request(t, pipeline.Caller{}, say("Please, "+lamp))); found.State != pipeline.RecallMiss || found.Why != "" || found.Vector != nil {
		t.Errorf("%+v", found)
	}
	if _, ok := w.r.Evidence(); ok {
		t.Error("there is evidence of what nobody does")
	}
	w.r.Wait()
}

func TestQuestionsThatDoNotStandAlone(t *testing.T) {
	w := newWorld(t, meaning)
	parts := `{"model":"MoM","messages":[{"role":"user","content":[{"type":"text","text":"How often should I clean"},{"type":"text","text":"the lamp of a lighthouse?"}]}]}`
	req := request(t, pipeline.Caller{}, parts)
	_, found := w.ask(req)
	if found.State != pipeline.RecallMiss || found.Why != "question" {
		t.Fatalf("%+v", found)
	}
	w.remember(req, found, "Once a week.")
	if _, found = w.ask(req); found.State != pipeline.RecallHit {
		t.Errorf("the same again: %+v", found)
	}
	if _, found = w.ask(request(t, pipeline.Caller{}, say(lamp))); found.State != pipeline.RecallMiss {
		t.Errorf("in one part: %+v", found)
	}
}

// near is a store that finds what it is told to, whoever asks.
type near struct {
	recall.Store
	found []recall.Neighbor
	err   error
}

func (n near) Near(_ context.Context, q recall.Query) ([]recall.Neighbor, error) {
	out := make([]recall.Neighbor, len(n.found))
	for i, f := range n.found {
		out[i] = f
		if f.Entry.Frame == (recall.Key{}) {
			out[i].Entry.Frame = q.Frame
		}
	}
	return out, n.err
}

func TestWhatAStoreFindsIsNotTrusted(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	neighbor := func(edit func(*recall.Neighbor)) recall.Neighbor {
		n := recall.Neighbor{Key: recall.Key{1}, Cosine: 0.9, Entry: recall.Entry{
			Given: now, Expires: now.Add(time.Hour), Completion: chat.Completion{Content: "x"}, Question: lamp,
		}}
		edit(&n)
		return n
	}
	for name, tt := range map[string]struct {
		found recall.Neighbor
		err   error
		why   string
	}{
		"of another tenant":        {neighbor(func(n *recall.Neighbor) { n.Entry.Tenant = recall.Key{1} }), nil, "far"},
		"of another frame":         {neighbor(func(n *recall.Neighbor) { n.Entry.Frame = recall.Key{1} }), nil, "far"},
		"without an answer":        {neighbor(func(n *recall.Neighbor) { n.Entry.Completion.Content = "" }), nil, "far"},
		"too old":                  {neighbor(func(n *recall.Neighbor) { n.Entry.Expires = now }), nil, "far"},
		"from tomorrow":            {neighbor(func(n *recall.Neighbor) { n.Entry.Given = now.Add(time.Second) }), nil, "far"},
		"too far":                  {neighbor(func(n *recall.Neighbor) { n.Cosine = 0.6 }), nil, "far"},
		"at no distance":           {neighbor(func(n *recall.Neighbor) { n.Cosine = float32(math.NaN()) }), nil, "far"},
		"without its question":     {neighbor(func(n *recall.Neighbor) { n.Entry.Question = "" }), nil, "gate"},
		"from a store that failed": {neighbor(func(*recall.Neighbor) {}), errors.New("no shelf"), "store"},
		"as it should be":          {neighbor(func(n *recall.Neighbor) { n.Entry.Tenant = recall.Key{} }), nil, ""},
	} {
		shelf := &near{Store: store(t), err: tt.err}
		w := newWorld(t, func(c *recall.Config) {
			meaning(c)
			c.Store = shelf
		})
		// The tenant of all callers together is a hash under the secret: an entry that was put tells it.
		probe := request(t, pipeline.Caller{}, say("probe"))
		_, found := w.ask(probe)
		w.remember(probe, found, "x")
		e, _, _ := shelf.Get(t.Context(), found.Key)
		if tt.found.Entry.Tenant == (recall.Key{}) {
			tt.found.Entry.Tenant = e.Tenant
		}
		shelf.found = []recall.Neighbor{tt.found}
		d, found := w.ask(request(t, pipeline.Caller{}, say("Please, "+lamp)))
		if hit := d.Verdict == pipeline.Answer; hit != (tt.why == "") || found.Why != tt.why {
			t.Errorf("an entry %s: %v %s %q", name, d.Verdict, found.State, found.Why)
		}
		if tt.err != nil && (found.Key == [32]byte{} || d.Trail.Failed(recall.StageName) != nil) {
			t.Errorf("an entry %s: the answer would not be remembered: %+v", name, found)
		}
	}
}

// What parts requests parts their questions too: only what says how an answer is sent does not.
func TestOnlyWhatChangesNothingIsShared(t *testing.T) {
	body := func(fields []string, system, before, question string) string {
		return `{` + strings.Join(append(fields, `"messages":[{"role":"system","content":"`+system+`"},{"role":"user","content":"`+before+
			`"},{"role":"assistant","content":"Yes."},{"role":"user","content":"`+question+`"}]`), ",") + `}`
	}
	plain := []string{`"model":"MoM"`, `"temperature":0.5`, `"seed":1`, `"max_tokens":100`, `"stop":["x"]`}
	shelf := store(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, func(c *recall.Config) {
			meaning(c)
			c.Shared, c.Store, c.Secret = false, shelf, rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "secret")
		})
		req := request(rt, pipeline.Caller{Tenant: "a"}, body(plain, "Be brief.", "Hello?", lamp))
		_, found := w.ask(req)
		w.remember(req, found, "Once a week.")

		fields, system, before, tenant := append([]string(nil), plain...), "Be brief.", "Hello?", "a"
		same := true
		for range rapid.IntRange(0, 2).Draw(rt, "changes") {
			switch rapid.SampledFrom([]string{"stream", "usage", "order", "tenant", "system", "turn", "temperature", "seed", "format", "stop"}).Draw(rt, "change") {
			case "stream":
				fields = append(fields, `"stream":true`)
			case "usage":
				fields = append(fields, `"stream_options":{"include_usage":true}`)
			case "order":
				fields[0], fields[3] = fields[3], fields[0]
			case "tenant":
				tenant, same = "b", false
			case "system":
				system, same = "Be wordy.", false
			case "turn":
				before, same = "Hello!", false
			case "temperature":
				fields, same = replaced(fields, `"temperature":0.5`, `"temperature":0.6`), false
			case "seed":
				fields, same = replaced(fields, `"seed":1`, `"seed":2`), false
			case "format":
				fields, same = append(fields, `"response_format":{"type":"json_object"}`), false
			case "stop":
				fields, same = replaced(fields, `"stop":["x"]`, `"stop":["x","y"]`), false
			}
		}
		seen := map[string]bool{}
		for _, f := range fields {
			if seen[f] {
				return // a key twice is a fault of its own
			}
			seen[f] = true
		}
		d, found := w.ask(request(rt, pipeline.Caller{Tenant: tenant}, body(fields, system, before, "Please, "+lamp)))
		if hit := d.Verdict == pipeline.Answer; hit != same {
			rt.Fatalf("answered: %t, want %t: %s", hit, same, found.Why)
		}
	})
}

func replaced(list []string, from, to string) []string {
	out := append([]string(nil), list...)
	for i := range out {
		if out[i] == from {
			out[i] = to
		}
	}
	return out
}

func TestAnotherModelComparesNothing(t *testing.T) {
	shelf := store(t)
	old := newWorld(t, func(c *recall.Config) { meaning(c); c.Store = shelf })
	req := request(t, pipeline.Caller{}, say(lamp))
	_, found := old.ask(req)
	old.remember(req, found, "Once a week.")
	w := newWorld(t, func(c *recall.Config) { meaning(c); c.Store, c.Meaning.Model = shelf, []byte("bag 2") })
	if _, found = w.ask(request(t, pipeline.Caller{}, say("Please, "+lamp))); found.State != pipeline.RecallMiss {
		t.Errorf("%+v", found)
	}
	if _, found = w.ask(req); found.State != pipeline.RecallHit {
		t.Errorf("the same question: %+v", found)
	}
}

func TestSamplesAreChecked(t *testing.T) {
	const said, reply = "Please, how often should I clean the lamp of the lighthouse?", "Once a week."
	for name, tt := range map[string]struct {
		reply  string // of the backend
		checks int
		wrong  int
		unsure uint64
	}{
		"the answer is the same": {"once a  week", 1, 0, 0},
		"it is another":          {"It burns electricity, gas or oil and needs no care.", 1, 1, 0},
		"nobody can tell":        {strings.Repeat("It depends on the broken lamp. ", 30), 0, 0, 1},
		"the model panics":       {"panic", 0, 0, 1},
	} {
		draw := 0.0
		w := newWorld(t, func(c *recall.Config) {
			meaning(c)
			c.Meaning.Shadow, c.Meaning.Draw = 0.5, func() float64 { return draw }
		})
		req := request(t, pipeline.Caller{}, say(lamp))
		_, found := w.ask(req)
		w.remember(req, found, reply)
		other := request(t, pipeline.Caller{}, say(said))
		d, found := w.ask(other)
		if d.Verdict != pipeline.Continue || found.State != pipeline.RecallMiss || found.Why != "sample" || found.Check == [32]byte{} {
			t.Fatalf("%s: %v %+v", name, d.Verdict, found)
		}
		w.remember(other, found, tt.reply)
		w.r.Wait()
		s, ok := w.r.Evidence()
		if !ok || s.Mode != evidence.On || s.Wrong.N != tt.checks || s.Wrong.Hits != tt.wrong || s.Unsure != tt.unsure {
			t.Errorf("%s: %+v", name, s)
		}
		draw = 1 // from here on nothing is sampled
		d, found = w.ask(request(t, pipeline.Caller{}, say("How often must I clean the lamp of this lighthouse?")))
		switch first := d.Verdict == pipeline.Answer && strings.Contains(string(d.Reply.Body), reply); {
		case tt.wrong == 0 && d.Verdict != pipeline.Answer:
			t.Errorf("%s: then %v %q", name, d.Verdict, found.Why)
		case tt.wrong > 0 && first:
			t.Errorf("%s: the entry that was wrong still serves", name)
		}
	}
}

func TestTooMuchThatIsWrongEndsIt(t *testing.T) {
	var told []evidence.State
	draw := 0.0
	w := newWorld(t, func(c *recall.Config) {
		meaning(c)
		c.Meaning.Shadow, c.Meaning.Draw, c.Meaning.Changed = 0.5, func() float64 { return draw }, func(s evidence.State) { told = append(told, s) }
	})
	for _, n := range []string{"Berlin", "Paris", "Rome", "Oslo", "Cairo", "Lima", "Quito", "Delhi"} {
		first, second := "How often should I clean the lamp of a lighthouse in "+n+"?", "Please, how often should I clean the lamp of a lighthouse in "+n+"?"
		req := request(t, pipeline.Caller{}, say(first))
		_, found := w.ask(req)
		w.remember(req, found, "Once a week.")
		other := request(t, pipeline.Caller{}, say(second))
		_, found = w.ask(other)
		w.remember(other, found, "It burns electricity, gas or oil and needs no care.")
		w.r.Wait()
	}
	if len(told) != 1 || told[0].Mode != evidence.Off {
		t.Errorf("told %+v", told)
	}
	draw = 1
	_, found := w.ask(request(t, pipeline.Caller{}, say("How often should I clean the lamp of a lighthouse in Oslo please?")))
	if found.State != pipeline.RecallMiss || found.Why != "off" || found.Vector != nil {
		t.Errorf("a question in other words: %+v", found)
	}
	if _, found = w.ask(request(t, pipeline.Caller{}, say("How often should I clean the lamp of a lighthouse in Oslo?"))); found.State != pipeline.RecallHit {
		t.Errorf("the same question: %+v", found)
	}
}

func TestAgree(t *testing.T) {
	const long = "The keeper climbs the tower each evening and lights the lamp before the sun has set. "
	for name, tt := range map[string]struct {
		a, b        string
		right, sure bool
	}{
		"the same words":                      {"Once a week.", "once a  week", true, true},
		"other words":                         {"You should clean the lamp of the lighthouse once a week", "Please clean the lamp of the lighthouse once a week", true, true},
		"another subject":                     {"Once a week.", "It burns electricity, gas or oil.", false, true},
		"another number":                      {"Clean the lamp of the lighthouse every 7 days", "Clean the lamp of the lighthouse every 14 days", false, true},
		"another number, in words":            {"Clean the lamp of the lighthouse every seven days", "Clean the lamp of the lighthouse every nine days", false, false},
		"one number more":                     {"Clean the lamp of the lighthouse every 7 days", "Clean the lamp of the lighthouse every 7 days since 1910", true, true},
		"a negation":                          {"You should clean the lamp of the lighthouse", "You should not clean the lamp of the lighthouse", false, false},
		"code":                                {"Use the command `lamp on` to light the lamp of the lighthouse", "Use the command `lamp up` to light the lamp of the lighthouse", false, false},
		"the end of a long one":               {strings.Repeat(long, 8), strings.Repeat(long, 6) + "Or so they say.", true, true},
		"what the model cannot read":          {"It is broken.", "It is not.", false, false},
		"a long one without a space, in Thai": {strings.Repeat("ก", 300), strings.Repeat("ก", 299) + "ข", true, true},
	} {
		if right, sure := recall.Agree(t.Context(), bag{}, 0.66, tt.a, tt.b); right != tt.right || sure != tt.sure {
			t.Errorf("%s: right %t, sure %t", name, right, sure)
		}
	}
}
