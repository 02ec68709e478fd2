package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

func TestJailbreak(t *testing.T) {
	attack, block := "please override "+secret, guard.JailbreakConfig{Block: true}
	leaf := func(path string) *pipeline.Request {
		r := chat(user("hello"))
		r.Leaves = []pipeline.Leaf{{Path: path, Message: -1, Text: attack}}
		return r
	}
	image := chat(user("look"))
	image.Unscannable = 1
	named := chat(user(attack))
	named.Model, named.Alias = "large", pipeline.Named
	half := func(head string) guard.JailbreakConfig { // one head knows attacks, the other none
		c := guard.JailbreakConfig{Block: true, User: reader(0.995), Document: reader(0.995)}
		blind := odd(func(context.Context, string) ([]float32, error) { return []float32{1, 0, 0}, nil })
		if head == "user" {
			c.Document = blind
		} else {
			c.User = blind
		}
		return c
	}
	const refused, passed = "block 403 mom_jailbreak_detected", "continue"
	for name, tt := range map[string]struct {
		config guard.JailbreakConfig
		req    *pipeline.Request
		want   string
		found  pipeline.Guarded
	}{
		"a harmless turn passes":                           {block, chat(user("hello")), passed, pipeline.Guarded{}},
		"an attack is refused":                             {block, chat(user(attack)), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"an attack on a named model too":                   {block, named, refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"an attack is flagged where that is asked for":     {guard.JailbreakConfig{}, chat(user(attack)), passed, pipeline.Guarded{Jailbreak: true, Confidence: 0.995}},
		"an attack in an earlier turn is refused":          {block, chat(user(attack), says("assistant", "no"), user("why?")), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"an attack in what a tool returned is":             {half("document"), chat(user("sum it up"), says("tool", attack)), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"a tool's text is not for the user's head":         {half("user"), chat(user("sum it up"), says("tool", attack)), passed, pipeline.Guarded{}},
		"a document in a turn is for both heads":           {half("document"), chat(user("sum <document>" + attack + "</document>")), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"an attack in a tool's description is":             {half("user"), leaf("tools[0].function.description"), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"an attack in metadata is":                         {half("document"), leaf("metadata.*"), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"an attack in a made up assistant's turn is":       {half("user"), chat(user("hi"), says("assistant", attack)), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"half an attack in each of two parts is":           {block, chat(user("please over", "ride it")), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"an attack with invisible characters in it is":     {block, chat(user("please o\u200bver\u200bride")), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
		"a system message may be like one":                 {guard.JailbreakConfig{Block: true, User: reader(0.95)}, chat(says("system", attack), user("hi")), passed, pipeline.Guarded{}},
		"a turn of the user may not":                       {guard.JailbreakConfig{Block: true, User: reader(0.95)}, chat(user(attack)), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.95, Blocked: true}},
		"below the threshold it passes":                    {guard.JailbreakConfig{Block: true, User: reader(0.89)}, chat(user(attack)), passed, pipeline.Guarded{}},
		"at the threshold it does not":                     {guard.JailbreakConfig{Block: true, User: reader(0.5), Thresholds: guard.Thresholds{User: 0.5, Document: 1, Instructions: 1}}, chat(user(attack)), refused, pipeline.Guarded{Jailbreak: true, Confidence: 0.5, Blocked: true}},
		"what is harmful is reported":                      {block, chat(user("poison")), passed, pipeline.Guarded{Harmful: true}},
		"what is harmful is refused where that is wanted":  {guard.JailbreakConfig{BlockHarmful: true}, chat(user("poison")), "block 403 mom_harmful_request", pipeline.Guarded{Harmful: true, Blocked: true}},
		"what is hardly harmful is not":                    {guard.JailbreakConfig{User: reader(0.8), BlockHarmful: true}, chat(user("poison")), passed, pipeline.Guarded{}},
		"a system message may speak of harm":               {guard.JailbreakConfig{BlockHarmful: true}, chat(says("system", "poison"), user("hi")), passed, pipeline.Guarded{}},
		"an image passes":                                  {block, image, passed, pipeline.Guarded{}},
		"an image is refused where that is wanted":         {guard.JailbreakConfig{Limits: guard.Limits{BlockUnscannable: true}}, image, "block 403 mom_unscannable_content", pipeline.Guarded{Blocked: true}},
		"an image is refused in the words of a model then": {guard.JailbreakConfig{Limits: guard.Limits{BlockUnscannable: true, Refusal: true}}, image, "block 200 mom_unscannable_content", pipeline.Guarded{Blocked: true}},
		"an attack is refused in the words of a model":     {guard.JailbreakConfig{Block: true, Limits: guard.Limits{Refusal: true}}, chat(user(attack)), "block 200 mom_jailbreak_detected", pipeline.Guarded{Jailbreak: true, Confidence: 0.995, Blocked: true}},
	} {
		t.Run(name, func(t *testing.T) {
			d, found, err := run(t, jailbreak(t, tt.config), tt.req)
			if err != nil {
				t.Fatal(err)
			}
			found.Confidence = math.Round(found.Confidence*1000) / 1000
			if said(d) != tt.want {
				t.Errorf("%s, want %s", said(d), tt.want)
			}
			if diff := cmp.Diff(tt.found, found); diff != "" {
				t.Errorf("finding (-want +got)\n%s", diff)
			}
			if shown := fmt.Sprint(d.Trail.Entries(), found); d.Reply != nil && strings.Contains(string(d.Reply.Body), secret) || strings.Contains(shown, secret) {
				t.Errorf("the prompt shows in %s", shown)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	nan := float32(math.NaN())
	for name, tt := range map[string]struct {
		classifier odd
		err        error  // nil: any
		want       string // when it is no error
	}{
		"a NaN":           {classifier: func(context.Context, string) ([]float32, error) { return []float32{nan, nan, nan}, nil }},
		"one NaN":         {classifier: func(context.Context, string) ([]float32, error) { return []float32{1, nan, 0}, nil }},
		"more than 1":     {classifier: func(context.Context, string) ([]float32, error) { return []float32{2, 0, 0}, nil }},
		"less than 0":     {classifier: func(context.Context, string) ([]float32, error) { return []float32{1, -0.1, 0.1}, nil }},
		"nothing adds up": {classifier: func(context.Context, string) ([]float32, error) { return []float32{0, 0, 0}, nil }},
		"too few":         {classifier: func(context.Context, string) ([]float32, error) { return []float32{0.5, 0.5}, nil }},
		"too many":        {classifier: func(context.Context, string) ([]float32, error) { return []float32{0.5, 0.5, 0, 0}, nil }},
		"none at all":     {classifier: func(context.Context, string) ([]float32, error) { return nil, nil }},
		"an error":        {classifier: func(context.Context, string) ([]float32, error) { return nil, classifiers.ErrBusy }, err: classifiers.ErrBusy},
		"a panic":         {classifier: func(_ context.Context, text string) ([]float32, error) { panic(text) }, err: &pipeline.PanicError{}},
		"a text that is too long is 413": {classifier: func(context.Context, string) ([]float32, error) {
			return nil, fmt.Errorf("m: %w", classifiers.ErrTooLong)
		}, want: "block 413 mom_prompt_too_long"},
		"an attack beside an error is it": {classifier: func(_ context.Context, text string) ([]float32, error) {
			if strings.HasPrefix(text, "a") {
				return []float32{0, 1, 0}, nil
			}
			return nil, classifiers.ErrBusy
		}, want: "block 403 mom_jailbreak_detected"},
	} {
		for _, req := range map[string]*pipeline.Request{"alone": chat(user("a " + secret)), "among others": chat(user("a "+secret), says("tool", "b"), says("system", "c"))} {
			d, _, err := run(t, jailbreak(t, guard.JailbreakConfig{User: tt.classifier, Block: true}), req)
			if tt.want != "" {
				if raced := len(req.Messages) > 1 && errors.Is(err, classifiers.ErrBusy); tt.want != said(d) && !raced { // whichever came first
					t.Errorf("%s: %s, %v, want %s", name, said(d), err, tt.want)
				}
				continue
			}
			var panicked, wanted *pipeline.PanicError
			if err == nil || strings.Contains(err.Error(), secret) || tt.err != nil && !errors.As(tt.err, &wanted) && !errors.Is(err, tt.err) {
				t.Errorf("%s: error %v, want %v without the text", name, err, tt.err)
			}
			if errors.As(tt.err, &wanted) && !errors.As(err, &panicked) {
				t.Errorf("%s: error %v, want a panic's", name, err)
			}
		}
	}
}

func TestATimeLimitEndsTheStage(t *testing.T) {
	waits := odd(func(ctx context.Context, _ string) ([]float32, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	p, err := pipeline.New(pipeline.Step{Stage: jailbreak(t, guard.JailbreakConfig{User: waits}), Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(t.Context(), chat(user("a"), says("tool", "b"))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
}

func TestRefusalsOfConfigurations(t *testing.T) {
	fine := guard.Thresholds{User: 0.5, Document: 0.5, Instructions: 0.5}
	two := odd2{}
	for name, c := range map[string]guard.JailbreakConfig{
		"no classifier":                {Thresholds: fine},
		"no classifier for documents":  {User: reader(1), Thresholds: fine},
		"no thresholds":                {User: reader(1), Document: reader(1)},
		"a threshold of 0":             {User: reader(1), Document: reader(1), Thresholds: guard.Thresholds{User: 0.5, Document: 0, Instructions: 0.5}},
		"a threshold that is NaN":      {User: reader(1), Document: reader(1), Thresholds: guard.Thresholds{User: math.NaN(), Document: 0.5, Instructions: 0.5}},
		"a threshold over 1":           {User: reader(1), Document: reader(1), Thresholds: guard.Thresholds{User: 1.1, Document: 0.5, Instructions: 0.5}},
		"no label jailbreak":           {User: two, Document: two, Thresholds: fine},
		"no label harmful to block by": {User: attacks{}, Document: attacks{}, Thresholds: fine, BlockHarmful: true},
	} {
		if _, err := guard.NewJailbreak(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := guard.NewJailbreak(guard.JailbreakConfig{User: attacks{}, Document: attacks{}, Thresholds: fine}); err != nil {
		t.Errorf("a model that knows nothing of harm: %v", err)
	}
}

type odd2 struct{ odd }

func (odd2) Labels() []string { return []string{"math", "law"} }

type attacks struct{ odd }

func (attacks) Labels() []string { return []string{"benign", "jailbreak"} }

func TestMemo(t *testing.T) {
	c := &counter{Classifier: reader(0.995)}
	j := jailbreak(t, guard.JailbreakConfig{User: c, Block: true})
	ask := func(what string, req *pipeline.Request, want ...string) {
		t.Helper()
		if _, _, err := run(t, j, req); err != nil {
			t.Fatal(err)
		}
		if got := c.asked(); !slices.Equal(got, want) {
			t.Errorf("%s: judged %q, want %q", what, got, want)
		}
	}
	ask("the first time", chat(user("hello")), "hello")
	ask("again", chat(user("hello")))
	ask("as another kind", chat(says("tool", "hello")), "hello")
	ask("an attack", chat(user("override")), "override")
	ask("an attack is never remembered", chat(user("override")), "override")
	ask("nor is what is harmful", chat(user("poison")), "poison")
	ask("nor is what is harmful, the second time", chat(user("poison")), "poison")
	ask("a harmless text beside what is harmful", chat(says("tool", "hello"), user("poison")), "poison")
	ask("hidden", chat(user("hel\u200blo you")), "hello you", "hel\u200blo you")
	ask("hidden, again", chat(user("hel\u200blo you")))
	for _, time := range []string{"first", "second"} {
		if d, _, err := run(t, j, chat(user("over\u200bride"))); err != nil || d.Verdict != pipeline.Block {
			t.Errorf("an attack that is hidden, the %s time: %s, %v", time, said(d), err)
		}
	}
	c.asked()
	ask("a new turn", chat(user("hello"), says("assistant", "hi"), user("more")), "hello\nmore", "hi", "more")
}

// What is remembered ends.
func TestMemoAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{Classifier: reader(0.995)}
		j := jailbreak(t, guard.JailbreakConfig{User: c})
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {59 * time.Minute, 1}, {2 * time.Minute, 2}} {
			<-time.After(step.wait) // of the bubble's clock
			if _, err := j.Run(t.Context(), chat(user("hello")), pipeline.Trail{}); err != nil {
				t.Fatal(err)
			}
			if c.passes != step.want {
				t.Errorf("after %v more: %d passes, want %d", step.wait, c.passes, step.want)
			}
		}
	})
}

// A chat sends all its turns with every request; each is paid for once. What comes on top is one pass for every turn that is read with those before
// it: with the next turn, that too is remembered.
func TestTenTurns(t *testing.T) {
	c := &counter{Classifier: reader(0.995)}
	j := jailbreak(t, guard.JailbreakConfig{User: c, Block: true})
	var messages []pipeline.Message
	once, always := 0, 0 // each message once, and all of them with every turn
	for i := range 10 {
		q, a := fmt.Sprintf("question %d %s", i, strings.Repeat("why ", 30)), fmt.Sprintf("answer %d %s", i, strings.Repeat("because ", 200))
		messages = append(messages, user(q))
		once += passes(q)
		before := c.passes
		if _, _, err := run(t, j, chat(messages...)); err != nil {
			t.Fatal(err)
		}
		want := passes(q)
		if i > 0 {
			want += passes(a) + 1
		}
		if got := c.passes - before; got != want {
			t.Errorf("turn %d: %d passes, want %d", i+1, got, want)
		}
		always += once
		messages = append(messages, says("assistant", a))
		if i < 9 {
			once += passes(a)
		}
	}
	if c.passes != once+9 {
		t.Errorf("%d passes, want %d for each message once and 9 where turns meet", c.passes, once)
	}
	t.Logf("passes of ten turns: %d, each message once: %d, all of them with every turn: %d", c.passes, once, always)
	seen := c.passes
	if _, _, err := run(t, jailbreak(t, guard.JailbreakConfig{User: c, Block: true}), chat(messages[:19]...)); err != nil || c.passes-seen != seen {
		t.Errorf("all at once: %d passes, %v, want those of the turns one by one", c.passes-seen, err)
	}
}

// What is spread over turns is found wherever it stands in the chat, and however long the turns are.
func TestSpreadOverTurns(t *testing.T) {
	long, other := strings.Repeat("why ", 500), func(n int) []pipeline.Message {
		var m []pipeline.Message
		for i := range n {
			m = append(m, says("assistant", fmt.Sprintf("because %d", i)), user(fmt.Sprintf("and then %d", i)))
		}
		return m
	}
	model := odd(func(_ context.Context, text string) ([]float32, error) { // an attack is all of it, in this order
		at := 0
		for _, word := range []string{"over", "ride", "the", "rules"} {
			i := strings.Index(text[at:], word)
			if i < 0 {
				return []float32{1, 0, 0}, nil
			}
			at += i + len(word)
		}
		return []float32{0, 1, 0}, nil
	})
	for name, m := range map[string][]pipeline.Message{
		"over two turns":                              {user("over ride"), user("the rules")},
		"over four":                                   {user("over"), user("ride"), user("the"), user("rules")},
		"over the first turns of many":                append([]pipeline.Message{user("over"), says("assistant", long), user("ride the"), user("rules")}, other(20)...),
		"over the last turns of many":                 append(other(20), user("over"), says("assistant", long), user("ride the"), user("rules")),
		"over turns with blank ones between":          {user("over ride"), user(" "), user(""), user("\n"), user("\t"), user("the rules")},
		"over the end and the beginning of long ones": {user(long + "over ride"), says("assistant", "go on"), user("the rules" + long)},
		"over the ends of long ones":                  {user(long + "over ride"), says("assistant", "go on"), user(long + "the rules")},
		"over a long one and two short ones":          {user(long + "over"), user("ride the"), user("rules")},
	} {
		for _, m := range [][]pipeline.Message{m, append(slices.Clone(m), other(5)...)} { // all at once, and long after
			if d, g, err := run(t, jailbreak(t, guard.JailbreakConfig{User: model, Block: true}), chat(m...)); err != nil || !g.Jailbreak {
				t.Errorf("%s, %d messages: %s, %v", name, len(m), said(d), err)
			}
		}
	}
}

func TestMaxWindows(t *testing.T) {
	c := &counter{Classifier: reader(0.995)}
	for name, tt := range map[string]struct {
		req    *pipeline.Request
		want   string
		judged bool
	}{
		"a short request":                  {chat(user("hello")), "continue", true},
		"a text just within":               {chat(user(strings.Repeat("and ", 684))), "continue", true},
		"a text that is over":              {chat(user(strings.Repeat("and ", 685))), "block 413 mom_prompt_too_long", false},
		"many texts that are together":     {chat(says("system", strings.Repeat("and ", 400)), says("tool", strings.Repeat("but ", 400))), "block 413 mom_prompt_too_long", false},
		"an attack in what is over is 413": {chat(user("override " + strings.Repeat("and ", 750))), "block 413 mom_prompt_too_long", false},
	} {
		j := jailbreak(t, guard.JailbreakConfig{User: c, Block: true, Limits: guard.Limits{Counter: c, MaxWindows: 10, Refusal: true}})
		d, g, err := run(t, j, tt.req)
		if err != nil || said(d) != tt.want || (len(c.asked()) > 0) != tt.judged {
			t.Errorf("%s: %s, %v, want %s and judged: %t", name, said(d), err, tt.want, tt.judged)
		}
		if d.Verdict == pipeline.Block && (!g.Blocked || g.Flagged()) {
			t.Errorf("%s: finding %+v", name, g)
		}
	}
	// Of a file given as text only so much is decoded; what lies behind must not pass unread.
	long := chat(user("hi"))
	long.Leaves = []pipeline.Leaf{{Path: "messages[0].content[1].file.file_data", Message: 0, Text: "data:text/plain;base64," + strings.Repeat("aGVsbG8g", 9000)}}
	if d, _, err := run(t, jailbreak(t, guard.JailbreakConfig{User: c, Limits: guard.Limits{Counter: c, MaxWindows: 10_000}}), long); err != nil || said(d) != "block 413 mom_prompt_too_long" {
		t.Errorf("a long file given as text: %s, %v", said(d), err)
	}
	// What was let through before costs nothing.
	j := jailbreak(t, guard.JailbreakConfig{User: c, Limits: guard.Limits{Counter: c, MaxWindows: 10}})
	before := strings.Repeat("and ", 500)
	for i, req := range []*pipeline.Request{chat(says("system", before)), chat(says("system", before), says("assistant", strings.Repeat("but ", 500)))} {
		if d, _, err := run(t, j, req); err != nil || said(d) != "continue" {
			t.Errorf("request %d: %s, %v", i, said(d), err)
		}
	}
}

// onePass counts a pass for every text: what a tokenizer makes of one endless word.
type onePass struct{}

func (onePass) Passes(string) (int, error) { return 1, nil }

// Making the views of much text takes long, whatever the models make of it.
func TestMaxBytes(t *testing.T) {
	for bytes, want := range map[int]string{20 << 10: "continue", 20<<10 + 1: "block 413 mom_prompt_too_long"} {
		limits := guard.Limits{Counter: onePass{}, MaxWindows: 10}
		for _, stage := range []pipeline.Stage{jailbreak(t, guard.JailbreakConfig{Limits: limits}), pii(t, guard.PIIConfig{Limits: limits}, "standard", nil)} {
			if d, _, err := run(t, stage, chat(user(strings.Repeat("A", bytes)))); err != nil || said(d) != want {
				t.Errorf("%s, %d bytes: %s, %v, want %s", stage.Name(), bytes, said(d), err, want)
			}
		}
	}
}

func TestRefusalIsACompletion(t *testing.T) {
	j := jailbreak(t, guard.JailbreakConfig{Block: true, Limits: guard.Limits{Refusal: true}})
	d, _, err := run(t, j, chat(user("override")))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Choices []struct {
			Message      struct{ Role, Content string }
			FinishReason string `json:"finish_reason"`
		}
	}
	if err := json.Unmarshal(d.Reply.Body, &c); err != nil || len(c.Choices) != 1 || c.Choices[0].FinishReason != "content_filter" || c.Choices[0].Message.Content == "" {
		t.Errorf("body %s, %v", d.Reply.Body, err)
	}
}

func BenchmarkJailbreak(b *testing.B) {
	for name, req := range map[string]*pipeline.Request{"remembered": chat(user("What is the derivative of x squared?"))} {
		b.Run(name, func(b *testing.B) {
			j := jailbreak(b, guard.JailbreakConfig{Block: true})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.Run(context.Background(), req, pipeline.Trail{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		req := chat(user("What is the derivative of x squared?"))
		j := jailbreak(b, guard.JailbreakConfig{Block: true})
		for i := 0; b.Loop(); i++ {
			req.Messages[0].Texts[0] = fmt.Sprintf("What is the derivative of x to the %d?", i)
			if _, err := j.Run(context.Background(), req, pipeline.Trail{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A turn that is known costs the list of texts, a hash and the finding.
func TestAllocations(t *testing.T) {
	j, req := jailbreak(t, guard.JailbreakConfig{Block: true}), chat(user("What is the derivative of x squared?"))
	once := func() {
		if _, err := j.Run(context.Background(), req, pipeline.Trail{}); err != nil {
			t.Fatal(err)
		}
	}
	once()
	if n := testing.AllocsPerRun(100, once); n > 30 {
		t.Errorf("%v allocations, want at most 30", n)
	}
}
