package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/config"
)

func TestFaults(t *testing.T) {
	const m = "models: [{name: small}, {name: large, reasoning: openai}]\n"
	for _, tc := range []struct{ name, file, want string }{
		{"an empty file", "", "models: the file is empty; at least one model is needed"},
		{"no models", "brain: off\n", "models: at least one model is needed"},
		{"a misspelled key", m + "timouts: {}\n", `line 2: timouts: unknown key; did you mean "timeouts"?`},
		{"a key of a later version", m + "tracing: {}\n", `line 2: tracing: unknown key`},
		{"a misspelled key inside", m + "route:\n  defualt: {models: [small]}\n", `line 3: route.defualt: unknown key; did you mean "default"?`},
		{"a key twice", m + "log: {level: info}\nlog: {level: warn}\n", "line 3: log: this key stands here twice"},
		{"a merge key", m + "log: &l {level: info}\n", "line 2: log: must be a mapping, is an anchor, alias or tag, which is not supported"},
		{"not YAML", m + "log: [\n", "line 2: not YAML: sequence end token ']' not found"},
		{"two documents", m + "---\n" + m, "line 3: a second YAML document; one file is one document"},
		{"a list for a mapping", "- 1\n", "models: at least one model is needed\nline 1: must be a mapping, is a list"},
		{"a model without a name", "models: [{cluster: c}]\n", "line 1: models[0]: needs a name"},
		{"a model name that is a number", "models: [{name: 7}]\n", "line 1: models[0].name: must be text, is a number; put it in quotes"},
		{"a model name with a line break", "models: [{name: \"a\\nb\"}]\n", "line 1: models[0].name: a name has 1..256 printable ASCII characters and no space at either end"},
		{"two models of one name", "models: [{name: a}, {name: a}]\n", `line 1: models[1].name: a second model named "a"`},
		{"a model that is also an alias", "models: [{name: auto}]\n", `line 1: models[0].name: "auto" is also an alias (aliases.mom)`},
		{"no alias", m + "aliases: {mom: []}\n", "line 2: aliases.mom: the list is empty"},
		{"an alias twice", m + "aliases: {mom: [a, b, a]}\n", `line 2: aliases.mom[2]: "a" stands here twice, first at aliases.mom[0]`},
		{"a context of nothing", "models: [{name: a, context: 0}]\n", "line 1: models[0].context: 0 is not within 1..1073741824"},
		{"a context in words", "models: [{name: a, context: 32k}]\n", "line 1: models[0].context: must be a whole number, is text"},
		{"an unknown dialect", "models: [{name: a, reasoning: qwen}]\n", `line 1: models[0].reasoning: "qwen" is not one of qwen3, deepseek, openai, gpt-oss; did you mean "qwen3"?`},
		{"passthrough without a cluster", m + "unknown_models: passthrough\n", `line 2: unknown_models: "passthrough" is neither reject nor {passthrough: CLUSTER}`},
		{"a brain outside its folder", m + "brain: ../secrets\n", `line 2: brain: "../secrets" is not a folder name (letters, digits, - _ and inner dots)`},
		{"a brain that is just on", m + "brain: true\n", "line 2: brain: must be off or the name of a model folder"},
		{"a confidence of percent", m + "brain: {min_confidence: 50}\n", "line 2: brain.min_confidence: 50 is not above 0 and at most 1"},
		{"a confidence that is no number", m + "brain: {min_confidence: .nan}\n", "line 2: brain.min_confidence: must be a number, is no finite number"},
		{"an address without a scheme", m + "listen: /run/x.sock\n", `line 2: listen: "/run/x.sock" is neither unix://PATH nor tcp://HOST:PORT`},
		{"an address without a port", m + "listen: tcp://localhost\n", `line 2: listen: "tcp://localhost" is not tcp://HOST:PORT`},
		{"a time without a unit", m + "timeouts: {brain: 500}\n", "line 2: timeouts.brain: a time needs a unit, such as 500ms or 4s"},
		{"a time that is too long", m + "timeouts: {request: 1h}\n", "line 2: timeouts.request: 1h is not within 10ms..5m0s"},
		{"a brain slower than the request", m + "timeouts: {brain: 5s}\n", "line 2: timeouts.brain: 5s is longer than the whole request may take (timeouts.request: 4s)"},
		{"a request shorter than the default guard and brain", m + "timeouts: {request: 100ms}\n", "line 2: timeouts.guard: 800ms is longer than the whole request may take (timeouts.request: 100ms)\n" +
			"line 2: timeouts.brain: 500ms is longer than the whole request may take (timeouts.request: 100ms)"},
		{"a size without a unit", m + "limits: {body: 1048576}\n", "line 2: limits.body: a size needs a unit, such as 512KiB or 1MiB"},
		{"a size in an unknown unit", m + "limits: {body: 1kM}\n", `line 2: limits.body: "1kM" is not a size such as 512KiB or 1MiB`},
		{"a size past every number", m + "limits: {body: 9223372036854775807MiB}\n", "line 2: limits.body: 9223372036854775807MiB is not within 1KiB..64MiB"},
		{"an unknown level", m + "log: {level: trace}\n", `line 2: log.level: "trace" is not one of debug, info, warn, error`},
		{"a key without a value", m + "expose: {headers: }\n", "line 2: expose.headers: must be text, is nothing"},
		{"a decision with nothing in it", m + "route: {decisions: [{}]}\n",
			"line 2: route.decisions[0]: needs \"name\"\nline 2: route.decisions[0]: needs \"when\"\nline 2: route.decisions[0]: needs \"models\""},
		{"a reserved name", m + "route: {decisions: [{name: explicit, when: 'true', models: [small]}]}\n", `line 2: route.decisions[0].name: "explicit" is reserved`},
		{"a condition that is a bool", m + "route: {decisions: [{name: a, when: true, models: [small]}]}\n",
			"line 2: route.decisions[0].when: must be text, is true or false; put it in quotes"},
		{"a condition of nothing", m + "route: {decisions: [{name: a, when: '', models: [small]}]}\n", "line 2: route.decisions[0].when: the condition is empty"},
		{"two decisions of one name", m + "route:\n  decisions:\n  - {name: a, when: 'true', models: [small]}\n  - {name: a, when: 'true', models: [small]}\n",
			`line 5: route.decisions[1].name: a second decision named "a"`},
		{"a decision that names a model twice", m + "route: {default: {models: [small, small]}}\n",
			`line 2: route.default.models[1]: "small" stands here twice, first at route.default.models[0]`},
		{"a model nobody has", m + "route:\n  decisions:\n  - name: a\n    when: 'true'\n    models: [small, lagre]\n",
			`line 6: route.decisions[0].models[1]: no model is named "lagre"; did you mean "large"?`},
		{"reasoning that nobody hears", m + "route: {default: {models: [small], reasoning: on}}\n",
			"line 2: route.default.reasoning: none of its models says how its reasoning is switched, so this would change nothing; " +
				"give one of them reasoning: qwen3, deepseek, openai or gpt-oss"},
		{"reasoning by other degrees", m + "route: {default: {models: [large], reasoning: some}}\n", `line 2: route.default.reasoning: "some" is not one of on, off, low, medium, high`},
		{"a policy without a default", m + "policies: {a: {decisions: [{name: b, when: 'true', models: [larg]}]}}\n",
			"line 2: policies.a: needs \"default\"\nline 2: policies.a.decisions[0].models[0]: no model is named \"larg\"; did you mean \"large\"?"},
		{"an experiment of one arm", m + "experiments: [{id: e, arms: [{name: a, percent: 100}]}]\n", "line 2: experiments[0].arms: needs two arms or more whose percents come to 100, has 1 with 100"},
		{"an arm of a policy that nobody has", m + "experiments: [{id: e, arms: [{name: a, percent: 50}, {name: a, percent: 50, policy: b}]}]\n",
			"line 2: experiments[0].arms[1]: needs a name of its own\nline 2: experiments[0].arms[1].policy: no policy is named \"b\""},
		{"two experiments at once", m + "experiments: [{id: e, arms: [{name: a, percent: 50}, {name: b, percent: 50}]}, {id: f, arms: [{name: a, percent: 50}, {name: b, percent: 50}]}]\n",
			"line 2: experiments[1]: a second experiment under the same policy"},
		{"what sticks", m + "route: {sticky: all, default: {models: [small]}}\n", `line 2: route.sticky: "all" is not one of tools, conversation, off`},
		{"a tenant of nobody", m + "tenants: {a: {models: [smal]}}\n",
			"line 2: tenants: nobody says who calls: it is recall.tenant, with recall.scope: tenant, that does\nline 2: tenants.a.models[0]: no model is named \"smal\"; did you mean \"small\"?"},
		{"a tenant without models", m + "recall: {scope: tenant, tenant: {header: x-t}}\ntenants: {a: {model: small}}\n",
			"line 3: tenants.a.model: unknown key; did you mean \"models\"?\nline 3: tenants.a: needs \"models\""},
		{"two ways with the system prompt", m + "route: {default: {models: [large], system: {prepend: a, append: b}}}\n",
			"line 2: route.default.system.append: prepend stands here too; one of them is enough"},
		{"no text for the system prompt", m + "route: {default: {models: [large], system: {replace: ''}}}\n", "line 2: route.default.system.replace: the text is empty"},
		{"a parameter that is none", m + "route: {default: {models: [large], params: {set: {Messages: []}}}}\n", "line 2: route.default.params.set.Messages: Messages is not a parameter"},
		{"a parameter set and stripped", m + "route: {default: {models: [large], params: {strip: [n], set: {n: 1}}}}\n", `line 2: route.default.params.set.n: "n" stands here twice`},
		{"a cap in words", m + "route: {default: {models: [large], params: {cap: {n: many}}}}\n", "line 2: route.default.params.cap.n: must be a number, is text"},
		{"a parameter set to nothing", m + "route: {default: {models: [large], params: {set: {stop: [a, ~]}}}}\n", "line 2: route.default.params.set.stop[1]: must be a value, is nothing"},
		{"a header that is no header of ours to set", m + "route: {default: {models: [large], headers: {authorization: a}}}\n",
			`line 2: route.default.headers.authorization: "authorization" is not the name of a header: x- and lower-case letters, digits and -`},
		{"a header that stays inside", m + "route: {default: {models: [large], headers: {x-mom-model: a}}}\n",
			`line 2: route.default.headers.x-mom-model: "x-mom-model" would not reach a backend: headers that begin so stay inside`},
		{"a header of two lines", m + "route: {default: {models: [large], headers: {x-llm-a: \"a\\r\\nb\"}}}\n",
			"line 2: route.default.headers.x-llm-a: a value has 1..256 printable ASCII characters and no space at either end"},
		{"an answer of no tokens", "models: [{name: a, max_tokens: 0}]\n", "line 1: models[0].max_tokens: 0 is not within 1..1073741824"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := config.Parse("", []byte(tc.file))
			if err == nil {
				t.Fatalf("accepted; want %s", tc.want)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAllFaultsAreShownAtOnceInTheOrderOfTheFile(t *testing.T) {
	_, err := config.Parse("mom.yaml", []byte(`listen: 80
models:
- {name: small, contxt: 2048}
- {name: small}
route:
  decisions:
  - {name: a, when: 'true', models: [smal], reasoning: maybe}
timeouts: {brain: 0s}
`))
	want := `mom.yaml:1: listen: must be text, is a number; put it in quotes
mom.yaml:3: models[0].contxt: unknown key; did you mean "context"?
mom.yaml:4: models[1].name: a second model named "small"
mom.yaml:7: route.decisions[0].reasoning: "maybe" is not one of on, off, low, medium, high
mom.yaml:7: route.decisions[0].models[0]: no model is named "smal"; did you mean "small"?
mom.yaml:8: timeouts.brain: 0s is not within 1ms..1m0s`
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAFileWithFaultsStillYieldsWhatCouldBeRead(t *testing.T) {
	c, err := config.Parse("mom.yaml", []byte("models: [{name: small}]\nlog: {level: loud}\nroute: {decisions: [{name: a, when: 'domian', models: [small]}]}\n"))
	if err == nil || len(c.Decisions) != 1 || c.Decisions[0].When != "domian" {
		t.Fatalf("got %+v, %v", c, err)
	}
	all := err.(config.Faults).Join(c.Fault("route.decisions[0].when", "undeclared"), c.Fault("", "first"))
	want := "mom.yaml: first\nmom.yaml:2: log.level: \"loud\" is not one of debug, info, warn, error\nmom.yaml:3: route.decisions[0].when: undeclared"
	if diff := cmp.Diff(want, all.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
