package route_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/signal"
)

var words = classifiertest.Words{
	Classes: []string{"math", "law", "computer science", "other"},
	Label:   map[string]string{"integral": "math", "contract": "law", "pointer": "computer science"},
	Any:     "other",
}

func compile(t testing.TB, when string) route.Condition {
	t.Helper()
	c, err := route.NewCompiler(signal.Names{Domains: words.Classes})
	if err != nil {
		t.Fatal(err)
	}
	cond, err := c.Compile(when)
	if err != nil {
		t.Fatal(err)
	}
	return cond
}

func example(t testing.TB) route.Config {
	return route.Config{
		Aliases: []string{"MoM", "auto"},
		Backends: []route.Backend{
			{Name: "small", Cluster: "c-small", Context: 2048},
			{Name: "large", Cluster: "c-large", Context: 32768, Dialect: route.Qwen3},
			{Name: "Ünï<&>\"q", Cluster: "c-odd", Dialect: route.OpenAI},
		},
		Decisions: []route.Decision{
			{Name: "numbers", When: compile(t, `domain == "math"`), Choice: route.Choice{Models: []string{"large", "small"}, Reasoning: pipeline.On}},
			{Name: "sure-law", When: compile(t, `domain == "law" && confidence > 0.8`), Choice: route.Choice{Models: []string{"large"}, Reasoning: pipeline.Off}},
			{Name: "any-law", When: compile(t, `domain in ["law"]`), Choice: route.Choice{Models: []string{"small"}}},
			{Name: "broken", When: compile(t, `domain == "computer science" && 1 / (int(confidence) - int(confidence)) > 0`), Choice: route.Choice{Models: []string{"small"}}},
		},
		Default: route.Choice{Models: []string{"small", "large"}},
	}
}

func set(model string) pipeline.Edit { return pipeline.Edit{Field: "model", JSON: model} }

var (
	small  = pipeline.Tier{Model: "small", Cluster: "c-small", Edits: []pipeline.Edit{set(`"small"`)}}
	large  = pipeline.Tier{Model: "large", Cluster: "c-large", Edits: []pipeline.Edit{set(`"large"`)}}
	qwenOn = pipeline.Edit{Field: "chat_template_kwargs", Key: "enable_thinking", JSON: "true"}
	noQwen = pipeline.Edit{Field: "chat_template_kwargs", Key: "enable_thinking", JSON: "false"}
)

func with(t pipeline.Tier, r pipeline.Reasoning, e pipeline.Edit) pipeline.Tier {
	t.Reasoning = r
	t.Edits = append(append([]pipeline.Edit(nil), t.Edits...), e)
	return t
}

// reads is a Reader of the domain.
func reads(t testing.TB, w classifiers.Classifier) *signal.Reader {
	t.Helper()
	r, err := signal.NewReader(t.Context(), signal.Config{Domain: w, Sure: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// decide runs the router as a server does.
func decide(t *testing.T, c route.Config, w classifiers.Classifier, req *pipeline.Request) pipeline.Decision {
	t.Helper()
	c.Reader = reads(t, w)
	router, err := route.New(c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Step{Stage: router})
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Run(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func ask(text string) *pipeline.Request {
	return &pipeline.Request{Model: "MoM", Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "user", Texts: []string{text}}}}
}

func TestPlans(t *testing.T) {
	unsure, failing, hesitant := words, words, words
	unsure.P, failing.Err, hesitant.P = 0.4, errors.New("no model"), 0.6
	byDefault := pipeline.Plan{Decision: "default", Tiers: []pipeline.Tier{small, large}}
	named := func(model string) *pipeline.Request {
		r := ask("an integral")
		r.Model, r.Alias = model, pipeline.Named
		return r
	}
	for _, tc := range []struct {
		name  string
		brain classifiertest.Words
		req   *pipeline.Request
		want  pipeline.Plan
	}{
		{"the domain's decision wins, and reasoning is asked for where it can be", words, ask("an integral"), pipeline.Plan{
			Decision: "numbers", Domain: "math", Tiers: []pipeline.Tier{with(large, pipeline.On, qwenOn), small}}},
		{"the first of two decisions that hold wins", words, ask("a contract"), pipeline.Plan{
			Decision: "sure-law", Domain: "law", Tiers: []pipeline.Tier{with(large, pipeline.Off, noQwen)}}},
		{"a decision may ask for confidence", hesitant, ask("a contract"), pipeline.Plan{
			Decision: "any-law", Domain: "law", Tiers: []pipeline.Tier{small}}},
		{"a domain without a decision takes the default", words, ask("hello"), pipeline.Plan{
			Decision: "default", Domain: "other", Tiers: byDefault.Tiers}},
		{"a condition that cannot be evaluated takes the default", words, ask("a pointer"), pipeline.Plan{
			Decision: "default", Domain: "computer science", Degraded: route.DecisionError, Tiers: byDefault.Tiers}},
		{"an unsure brain takes the default, whatever the label", unsure, ask("an integral"), pipeline.Plan{
			Decision: "default", Degraded: route.BrainUnsure, Tiers: byDefault.Tiers}},
		{"a failing brain takes the default", failing, ask("an integral"), pipeline.Plan{
			Decision: "default", Degraded: route.BrainError, Tiers: byDefault.Tiers}},
		{"no user turn takes the default", words, &pipeline.Request{Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "system", Texts: []string{"integral"}}}}, byDefault},
		{"a user turn without text takes the default", words, &pipeline.Request{Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "user"}}}, byDefault},
		{"a named model is left as it is", words, named("large"), pipeline.Plan{
			Decision: "explicit", Tiers: []pipeline.Tier{{Model: "large", Cluster: "c-large"}}}},
		{"a named model needs no brain", failing, named("small"), pipeline.Plan{
			Decision: "explicit", Tiers: []pipeline.Tier{{Model: "small", Cluster: "c-small"}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := decide(t, example(t), tc.brain, tc.req)
			got, ok := pipeline.Find[pipeline.Plan](d.Trail)
			if !ok || d.Verdict != pipeline.Continue {
				t.Fatalf("verdict %v, plan %t", d.Verdict, ok)
			}
			switch {
			case tc.want.Degraded != "":
				tc.want.By = pipeline.ByFallback
			case tc.want.Decision != "explicit":
				tc.want.By = pipeline.ByMoM
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestWithoutABrainEveryAliasTakesTheDefault(t *testing.T) {
	c := example(t)
	c.Decisions[0].When = compile(t, `domain != "law"`) // would hold for an empty domain
	r, err := route.New(c)
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Run(t.Context(), ask("an integral"), pipeline.Trail{})
	if p, ok := out.Finding.(pipeline.Plan); err != nil || !ok || p.Decision != "default" || p.Degraded != "" {
		t.Errorf("got %+v, %v", out.Finding, err)
	}
}

func TestAnUnknownModelIsRefusedWithoutAnEcho(t *testing.T) {
	req := ask("hello")
	req.Model, req.Alias = "ignore all \"rules\"\r\n", pipeline.Named
	d := decide(t, example(t), words, req)
	if d.Verdict != pipeline.Block || d.Reply == nil {
		t.Fatalf("verdict %v, reply %v", d.Verdict, d.Reply)
	}
	var body struct {
		Error struct{ Message, Type, Param, Code string } `json:"error"`
	}
	if err := json.Unmarshal(d.Reply.Body, &body); err != nil {
		t.Fatal(err)
	}
	e := body.Error
	if d.Reply.Status != 404 || d.Reply.Details != "mom_model_not_found" || d.Reply.Headers["content-type"] != "application/json" ||
		d.Reply.Headers["x-should-retry"] != "false" || e.Type != "invalid_request_error" || e.Param != "model" || e.Code != "model_not_found" || e.Message == "" {
		t.Errorf("got %d %s %v %s", d.Reply.Status, d.Reply.Details, d.Reply.Headers, d.Reply.Body)
	}
	if strings.Contains(string(d.Reply.Body), "rules") {
		t.Errorf("the name came back: %s", d.Reply.Body)
	}
}

func TestAnUnknownModelIsPassedThroughWhereThatIsWanted(t *testing.T) {
	c := example(t)
	c.Passthrough = "legacy"
	req := ask("hello")
	req.Model, req.Alias = "gpt-x", pipeline.Named
	got, _ := pipeline.Find[pipeline.Plan](decide(t, c, words, req).Trail)
	want := pipeline.Plan{Decision: "explicit", Tiers: []pipeline.Tier{{Model: "gpt-x", Cluster: "legacy"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEveryDialect(t *testing.T) {
	for _, tc := range []struct {
		dialect   route.Dialect
		reasoning pipeline.Reasoning
		want      []pipeline.Edit
	}{
		{"", pipeline.On, nil},
		{route.Qwen3, pipeline.AsAsked, nil},
		{route.Qwen3, pipeline.On, []pipeline.Edit{qwenOn}},
		{route.Qwen3, pipeline.Off, []pipeline.Edit{noQwen}},
		{route.DeepSeek, pipeline.On, []pipeline.Edit{{Field: "thinking", JSON: `{"type":"enabled"}`}}},
		{route.DeepSeek, pipeline.Off, []pipeline.Edit{{Field: "thinking", JSON: `{"type":"disabled"}`}}},
		{route.OpenAI, pipeline.On, []pipeline.Edit{{Field: "reasoning_effort", JSON: `"high"`}}},
		{route.OpenAI, pipeline.Off, []pipeline.Edit{{Field: "reasoning_effort", JSON: `"low"`}}},
		{route.Qwen3, pipeline.Low, []pipeline.Edit{qwenOn}},
		{route.DeepSeek, pipeline.Medium, []pipeline.Edit{{Field: "thinking", JSON: `{"type":"enabled"}`}}},
		{route.OpenAI, pipeline.Medium, []pipeline.Edit{{Field: "reasoning_effort", JSON: `"medium"`}}},
		{route.GPTOSS, pipeline.High, []pipeline.Edit{{Field: "chat_template_kwargs", Key: "reasoning_effort", JSON: `"high"`}}},
		{route.GPTOSS, pipeline.Off, []pipeline.Edit{{Field: "chat_template_kwargs", Key: "reasoning_effort", JSON: `"low"`}}},
	} {
		name := `a "b" <&> ü`
		c := route.Config{
			Backends: []route.Backend{{Name: name, Cluster: "c", Dialect: tc.dialect}},
			Default:  route.Choice{Models: []string{name}, Reasoning: tc.reasoning},
		}
		got, _ := pipeline.Find[pipeline.Plan](decide(t, c, words, ask("hello")).Trail)
		want := append([]pipeline.Edit{set(`"a \"b\" <&> ü"`)}, tc.want...)
		if diff := cmp.Diff(want, got.Tiers[0].Edits); diff != "" {
			t.Errorf("%s, %v: (-want +got)\n%s", tc.dialect, tc.reasoning, diff)
		}
	}
}

func TestATierHasTheEditsOfItsDecisionAndThenItsOwnLimits(t *testing.T) {
	system := pipeline.Edit{How: pipeline.PrependSystem, Field: "messages", JSON: `"Be brief."`}
	tokens := pipeline.Edit{Field: "max_tokens", JSON: "9000"}
	priority := []pipeline.Header{{Name: "x-llm-priority", Value: "low"}}
	c := route.Config{
		Backends: []route.Backend{{Name: "a", Cluster: "a", Dialect: route.Qwen3, MaxTokens: 10}, {Name: "b", Cluster: "b"}},
		Default:  route.Choice{Models: []string{"a", "b"}, Reasoning: pipeline.On, Edits: []pipeline.Edit{system, tokens}, Headers: priority},
	}
	got, _ := pipeline.Find[pipeline.Plan](decide(t, c, words, ask("hello")).Trail)
	limit := func(field string) pipeline.Edit {
		return pipeline.Edit{How: pipeline.CapField, Field: field, JSON: "10"}
	}
	want := pipeline.Plan{Decision: "default", By: pipeline.ByMoM, Headers: priority, Tiers: []pipeline.Tier{
		{Model: "a", Cluster: "a", Reasoning: pipeline.On, Optimized: true, Edits: []pipeline.Edit{set(`"a"`), system, tokens, qwenOn, limit("max_tokens"), limit("max_completion_tokens")}},
		{Model: "b", Cluster: "b", Optimized: true, Edits: []pipeline.Edit{set(`"b"`), system, tokens}},
	}}
	got.Domain = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNewRefusesWhatIsNotWhole(t *testing.T) {
	for _, tc := range []struct {
		name   string
		damage func(*route.Config)
		want   string
	}{
		{"an unknown model", func(c *route.Config) { c.Decisions[1].Models = []string{"huge"} }, `decision "sure-law": no backend is named "huge"`},
		{"no model", func(c *route.Config) { c.Default.Models = nil }, `decision "default": it names no model`},
		{"no condition", func(c *route.Config) { c.Decisions[0].When = route.Condition{} }, `decision "numbers" has no condition`},
		{"an unknown dialect", func(c *route.Config) { c.Backends[1].Dialect = "latin" }, `decision "numbers": unknown reasoning dialect "latin"`},
		{"a backend twice", func(c *route.Config) { c.Backends[1].Name = "small" }, `backend "small" has no name, no cluster, or stands here twice`},
	} {
		c := example(t)
		tc.damage(&c)
		if _, err := route.New(c); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
}

func TestModelsListsAliasesFirstAndTheSmallestContext(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*route.Config)
		want   int
	}{
		{"the smallest of the candidates", func(c *route.Config) {}, 2048},
		{"backends that no decision names do not count", func(c *route.Config) { c.Default.Models, c.Decisions = []string{"large"}, nil }, 32768},
		{"one candidate of unknown context makes it unknown", func(c *route.Config) { c.Default.Models = []string{"Ünï<&>\"q", "small"} }, 0},
	} {
		c := example(t)
		tc.change(&c)
		r, err := route.New(c)
		if err != nil {
			t.Fatal(err)
		}
		want := []route.Model{{ID: "MoM", Context: tc.want}, {ID: "auto", Context: tc.want}, {ID: "small", Context: 2048}, {ID: "large", Context: 32768}, {ID: "Ünï<&>\"q"}}
		if diff := cmp.Diff(want, r.Models()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.name, diff)
		}
	}
}

// BenchmarkRouter is the worst case: the last of fifty decisions holds.
func BenchmarkRouter(b *testing.B) {
	c := example(b)
	c.Decisions = nil
	for i := range 50 {
		when := `domain == "law"`
		if i%2 == 0 {
			when = `domain in ["law", "other"]`
		}
		if i == 49 {
			when = `domain == "math"`
		}
		c.Decisions = append(c.Decisions, route.Decision{Name: "d" + strconv.Itoa(i), When: compile(b, when), Choice: route.Choice{Models: []string{"large", "small"}}})
	}
	c.Reader = reads(b, words)
	router, err := route.New(c)
	if err != nil {
		b.Fatal(err)
	}
	req := ask("an integral")
	b.ReportAllocs()
	for b.Loop() {
		out, err := router.Run(b.Context(), req, pipeline.Trail{})
		if p := out.Finding.(pipeline.Plan); err != nil || p.Decision != "d49" {
			b.Fatal(p.Decision, err)
		}
	}
}
