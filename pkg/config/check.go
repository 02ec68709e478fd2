package config

import (
	"slices"
	"strconv"
	"time"
)

// check looks at what only the whole file can tell, and fills in the default choice. It also runs over a file with faults, so that all are
// shown at once; names that could not be read are then empty, and say nothing more.
func (c *Config) check(r *reader) {
	if _, ok := r.lines["models"]; !ok {
		r.fault("models", 0, "at least one model is needed")
	}
	for _, t := range [...]struct {
		path  string
		limit time.Duration
		on    bool
	}{{"timeouts.guard", c.GuardTimeout, c.Guard.On()}, {"timeouts.brain", c.BrainTimeout, true}} {
		if t.on && t.limit > c.RequestTimeout {
			r.fault(t.path, lineOf(r.lines, t.path), "%s is longer than the whole request may take (timeouts.request: %s)", t.limit, c.RequestTimeout)
		}
	}
	if c.Recall.Store != "" && c.Guard.PII.Policy == "off" {
		r.fault("recall", lineOf(r.lines, "recall"), "remembers only what guard.pii has read and found nothing in, and that is off")
	}
	if c.Admin != "" && c.Listen == (Listen{Network: "unix", Address: c.Admin}) {
		r.fault("admin.socket", lineOf(r.lines, "admin.socket"), "is where Envoy is served (listen); it must be a socket of its own")
	}
	names := c.checkModels(r)
	if _, ok := r.lines["route.default.models"]; !ok {
		c.Default.Models = names
	}
	c.checkRules(r, "route", c.Rules, names)
	for _, p := range c.Policies {
		c.checkRules(r, "policies."+p.Name, p.Rules, names)
	}
	c.checkTenants(r, names)
	c.checkExperiments(r)
	c.checkKeep(r)
	c.checkOmni(r, names)
}

// checkModels holds the names apart from each other and from the aliases, and returns them.
func (c *Config) checkModels(r *reader) []string {
	var names []string
	for i, m := range c.Models {
		path := "models[" + strconv.Itoa(i) + "].name"
		switch {
		case m.Name == "":
		case slices.Contains(names, m.Name):
			r.fault(path, lineOf(r.lines, path), "a second model named %q", m.Name)
		case slices.Contains(c.AliasesMoM, m.Name):
			// A request for it could mean both, and the alias would always win.
			r.fault(path, lineOf(r.lines, path), "%q is also an alias (aliases.mom)", m.Name)
		default:
			names = append(names, m.Name)
		}
		if at := "models[" + strconv.Itoa(i) + "].pii"; r.lines[at] != 0 && c.Guard.PII.Policy == "off" {
			r.fault(at, r.lines[at], "nothing looks for personal data (guard.pii is off), so this would change nothing")
		}
	}
	return names
}

func (c *Config) checkRules(r *reader, at string, rules Rules, models []string) {
	c.checkChoice(r, at+".default", rules.Default, models)
	var names []string
	for i, d := range rules.Decisions {
		path := at + ".decisions[" + strconv.Itoa(i) + "]"
		if _, ok := r.lines[path+".name"]; ok {
			at := path + ".name"
			switch {
			case d.Name == "default" || d.Name == "explicit" || d.Name == "none":
				r.fault(at, r.lines[at], "%q is reserved", d.Name)
			case !isWord(d.Name, 64):
				r.fault(at, r.lines[at], "%q is not a name of letters, digits, - _ and inner dots, at most 64", d.Name)
			case slices.Contains(names, d.Name):
				r.fault(at, r.lines[at], "a second decision named %q", d.Name)
			}
			names = append(names, d.Name)
		}
		if at := path + ".when"; d.When == "" && r.lines[at] != 0 && !r.has(at) {
			r.fault(at, r.lines[at], "the condition is empty")
		}
		c.checkChoice(r, path, d.Choice, models)
	}
}

// checkChoice finds every model it names, and a wish for reasoning that nobody would hear.
func (c *Config) checkChoice(r *reader, path string, choice Choice, models []string) {
	heard := false
	c.checkNames(r, path+".models", choice.Models, models)
	for _, name := range choice.Models {
		heard = heard || slices.ContainsFunc(c.Models, func(m Model) bool { return m.Name == name && m.Reasoning != "" })
	}
	if at := path + ".reasoning"; choice.Reasoning != "" && !heard && len(choice.Models) > 0 {
		r.fault(at, lineOf(r.lines, at), "none of its models says how its reasoning is switched, so this would change nothing; give one of them "+
			"reasoning: qwen3, deepseek, openai or gpt-oss")
	}
}

// checkNames finds every model of a list.
func (c *Config) checkNames(r *reader, path string, names, models []string) {
	for i, name := range names {
		at := path + "[" + strconv.Itoa(i) + "]"
		if name != "" && !slices.ContainsFunc(c.Models, func(m Model) bool { return m.Name == name }) {
			r.fault(at, lineOf(r.lines, at), "no model is named %q%s", name, DidYouMean(name, models))
		}
	}
}
