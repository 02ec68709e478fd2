package extproc_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mom-router/mom/classifiers/pattern"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/extproc/extproctest"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
	"go.uber.org/zap"
)

// redacting is a server that redacts addresses of mail and blocks card numbers. Of its models local may see both, near addresses, hosted nothing.
func redacting(t *testing.T, plan ...string) *extproc.Server {
	t.Helper()
	policy, err := guard.NewPolicy("standard", map[string]guard.Action{"EMAIL_ADDRESS": guard.Redact}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pii, err := guard.NewPII(guard.PIIConfig{
		Tagger: pattern.Beside(names{}), Policy: policy, FlagFrom: 0.6, BlockFrom: 0.8,
		Shown: func(string) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	router, err := route.New(route.Config{
		Backends: []route.Backend{
			{Name: "local", Cluster: "local", Dialect: route.Qwen3, Sees: func(string) bool { return true }},
			{Name: "near", Cluster: "near", Sees: func(kind string) bool { return kind == "EMAIL_ADDRESS" }},
			{Name: "hosted", Cluster: "hosted", Dialect: route.DeepSeek},
		},
		Default: route.Choice{Models: plan, Reasoning: pipeline.On},
		Refuse:  pii.Refuse,
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Step{Stage: pii}, pipeline.Step{Stage: router})
	if err != nil {
		t.Fatal(err)
	}
	srv := extproc.NewServer(zap.NewNop())
	srv.Use(&extproc.Gateway{
		Parser: &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}, Runner: p, Guards: []string{guard.StagePII},
		Backends: map[string]bool{"local": true, "near": true, "hosted": true},
	})
	return srv
}

func TestRedact(t *testing.T) {
	const mail, name = "ann@mail.example.com", "[EMAIL_ADDRESS_1]"
	const head, tail = `{"seed":1e2, "messages":[{"role":"user","content":"Größe \u00e9 of `, `, \"please\""}],"model":"MoM" }`
	think := `"chat_template_kwargs":{"enable_thinking":true},`
	thinking := `"thinking":{"type":"enabled"},`
	// body is what the backend of a model gets: the client's bytes but for the fields it adds.
	body := func(model, more, what string) string {
		return "{" + more + strings.Replace(strings.TrimPrefix(head, "{")+what+tail, "MoM", model, 1)
	}
	for name, tt := range map[string]struct {
		plan  []string
		model string // MoM, where nothing is said
		say   string
		want  []string // what each attempt gets; all but the last fail
		stats string
		state string // x-mom-guard
		cot   string // stage 1
	}{
		"a model that may not see it gets a placeholder": {plan: []string{"hosted"}, say: mail, want: []string{body("hosted", thinking, name)}, stats: "route flagged", state: "flagged",
			cot: "🚨 *PII Detected* → 💯 ***Continue***"},
		"one that may gets it as it is": {plan: []string{"local"}, say: mail, want: []string{body("local", think, mail)}, stats: "route flagged", state: "flagged",
			cot: "🚨 *PII Detected* → 💯 ***Continue***"},
		"a fallback that may not see it, behind one that may": {plan: []string{"local", "hosted"}, say: mail,
			want: []string{body("local", think, name), body("hosted", thinking, name)}, stats: "route flagged", state: "flagged"},
		"a fallback that may see it, behind one that may not": {plan: []string{"hosted", "near", "local"}, say: mail,
			want: []string{body("hosted", thinking, name), body("near", "", name), body("local", think, name)}, stats: "route flagged", state: "flagged"},
		"a named model without any other edit": {plan: []string{"local"}, model: "hosted", say: mail, want: []string{body("hosted", "", name)}, stats: "explicit flagged", state: "flagged",
			cot: "🚨 *PII Detected* → 💯 ***Continue***"},
		"a named model that may see it gets every byte": {plan: []string{"local"}, model: "near", say: mail, want: []string{body("near", "", mail)}, stats: "explicit flagged", state: "flagged"},
		"what is barred goes to who may see it alone": {plan: []string{"hosted", "near", "local"}, say: aCard, want: []string{body("local", think, aCard)}, stats: "route flagged", state: "flagged",
			cot: "🚨 *PII Detected* → 💯 ***Continue***"},
		"and to nobody else": {plan: []string{"hosted", "near"}, say: aCard, stats: "bad_request blocked_pii", state: "blocked",
			cot: "🚨 *PII Detected* → ❌ ***BLOCKED***"},
		"also where it is named": {plan: []string{"local"}, model: "near", say: mail + " " + aCard, stats: "bad_request blocked_pii", state: "blocked",
			cot: "🚨 *PII Detected* → ❌ ***BLOCKED***"},
		"nothing to redact changes nothing": {plan: []string{"hosted"}, say: "x", want: []string{body("hosted", thinking, "x")}, stats: "route ok", state: "ok",
			cot: "✅ *No PII* → 💯 ***Continue***"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := body("MoM", "", tt.say)
			if tt.model != "" {
				raw = body(tt.model, "", tt.say)
			}
			res := extproctest.Start(t, redacting(t, tt.plan...)).Do(t.Context(), post([]byte(raw)), func(u extproctest.Upstream) extproctest.Response {
				if u.Attempt < len(tt.want) {
					return extproctest.Response{Status: 503}
				}
				return extproctest.Response{Body: []byte(`{"choices":[]}`)}
			})
			var got []string
			for _, u := range res.Attempts {
				got = append(got, string(u.Body))
				if length := u.Headers.Get("content-length"); length != "" && length != fmt.Sprint(len(u.Body)) {
					t.Errorf("attempt %d: content-length %s of %d bytes", u.Attempt, length, len(u.Body))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("the backends got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if tt.want == nil {
				checkError(t, res, "pii_detected")
				if res.Headers.Get("x-vsr-pii-violation") != "true" || bytes.Contains(res.Body, []byte("1111")) {
					t.Errorf("%v %s", res.Headers, res.Body)
				}
			}
			stats := res.Metadata["mom.stats"]
			if got := fmt.Sprint(stats["decision"], " ", stats["guard"]); got != tt.stats {
				t.Errorf("mom.stats %q, want %q", got, tt.stats)
			}
			if got := res.Headers.Get("x-mom-guard"); got != tt.state {
				t.Errorf("x-mom-guard %q, want %q", got, tt.state)
			}
			if got := res.Headers.Get("x-vllm-semantic-router-cot"); !strings.Contains(got, tt.cot) {
				t.Errorf("trail %q, want %q in it", got, tt.cot)
			}
		})
	}
}
