package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// redacting is a configuration of a model that may see addresses of mail and card numbers, and of one that may not; more stands in its guard.
func redacting(t *testing.T, more string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mom.yaml")
	text := "models:\n- {name: local, pii: [EMAIL_ADDRESS, CREDIT_CARD]}\n- {name: hosted}\nbrain: off\nroute: {default: {models: [hosted, local]}}\n" + more + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const redactMail = "guard: {pii: {types: {EMAIL_ADDRESS: redact}}}"

func TestCheckKnowsTheKindsOfRolesAndModels(t *testing.T) {
	needGuards(t)
	file := redacting(t, "guard: {pii: {roles: {tool: {PRESON: redact}}}}")
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(strings.Replace(string(text), "CREDIT_CARD]", "CREDIT]", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	code, _, errs := mom(t, "", "check", file)
	for _, want := range []string{`:6: guard.pii.roles.tool.PRESON: nothing finds this kind; did you mean "PERSON"?`, ":2: models[0].pii[1]: nothing finds this kind"} {
		if code != 2 || !strings.Contains(errs, want) {
			t.Errorf("code %d, want %q\n%s", code, want, errs)
		}
	}
	if strings.Contains(errs, "EMAIL_ADDRESS") {
		t.Errorf("a kind that is known is a fault: %s", errs)
	}
}

func TestGuardAndRouteShowWhatIsRedacted(t *testing.T) {
	needGuards(t)
	const said = "Please write to ann.lee@example.com and, once more, to ann.lee@example.com."
	type redaction struct {
		Kind, Placeholder, Where string
		Start, End               int
		Barred                   bool
	}
	for name, tt := range map[string]struct {
		guard, model, say string
		redactions        []redaction
		plan              string // of models, or a code
		redacted          []string
	}{
		"an address is redacted for both, since one may not see it": {guard: redactMail, model: "MoM", say: said, plan: "hosted local", redacted: []string{"[EMAIL_ADDRESS_1]"},
			redactions: []redaction{{"EMAIL_ADDRESS", "[EMAIL_ADDRESS_1]", "messages[0]", 16, 35, false}, {"EMAIL_ADDRESS", "[EMAIL_ADDRESS_1]", "messages[0]", 55, 74, false}}},
		"a model that may see it gets it": {guard: redactMail, model: "local", say: said, plan: "local",
			redactions: []redaction{{"EMAIL_ADDRESS", "[EMAIL_ADDRESS_1]", "messages[0]", 16, 35, false}, {"EMAIL_ADDRESS", "[EMAIL_ADDRESS_1]", "messages[0]", 55, 74, false}}},
		"a card number is for one of them": {model: "MoM", say: "Charge 4111 1111 1111 1111.", plan: "local", redactions: []redaction{{"CREDIT_CARD", "[CREDIT_CARD_1]", "messages[0]", 7, 26, true}}},
		"and not for the other":            {model: "hosted", say: "Charge 4111 1111 1111 1111.", plan: "pii_detected", redactions: []redaction{{"CREDIT_CARD", "[CREDIT_CARD_1]", "messages[0]", 7, 26, true}}},
		"nothing is found":                 {guard: redactMail, model: "MoM", say: "hello", plan: "hosted local"},
	} {
		t.Run(name, func(t *testing.T) {
			file := redacting(t, tt.guard)
			_, out, errs := mom(t, ask(tt.model, tt.say), "guard", "--json", "--config", file)
			var guarded struct{ Redactions []redaction }
			if err := json.Unmarshal([]byte(out), &guarded); err != nil {
				t.Fatalf("%v: %s%s", err, out, errs)
			}
			if diff := cmp.Diff(tt.redactions, guarded.Redactions); diff != "" {
				t.Errorf("mom guard: (-want +got)\n%s", diff)
			}
			_, out, errs = mom(t, ask(tt.model, tt.say), "route", "--json", "--config", file)
			var routed struct {
				Plan     []struct{ Model string }
				Redacted []string
				Refused  *struct {
					Body struct{ Error struct{ Code string } }
				}
			}
			if err := json.Unmarshal([]byte(out), &routed); err != nil {
				t.Fatalf("%v: %s%s", err, out, errs)
			}
			var plan []string
			for _, tier := range routed.Plan {
				plan = append(plan, tier.Model)
			}
			if routed.Refused != nil {
				plan = append(plan, routed.Refused.Body.Error.Code)
			}
			if diff := cmp.Diff(tt.redacted, routed.Redacted); diff != "" || strings.Join(plan, " ") != tt.plan {
				t.Errorf("mom route: plan %q, want %q; redacted (-want +got)\n%s", plan, tt.plan, diff)
			}
			if tt.redacted == nil {
				return
			}
			for _, command := range []string{"guard", "route"} { // in words, once: each loads the models
				if _, out, _ := mom(t, ask(tt.model, tt.say), command, "--config", file); !strings.Contains(out, tt.redacted[0]) || strings.Contains(out, "ann.lee") {
					t.Errorf("mom %s says\n%s", command, out)
				}
			}
		})
	}
}
