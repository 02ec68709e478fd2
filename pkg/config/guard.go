package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Guard says what of a request is looked for before anything else happens to it, and what then.
type Guard struct {
	Jailbreak Jailbreak
	Harmful   string // allow or block: what becomes of a request for something harmful
	PII       PII
	// MaxWindows bounds the forward passes of one request; 0 leaves it to what the models are measured to do within GuardTimeout.
	MaxWindows  int
	Unscannable string // allow or block: images, audio and files, which no model here can read
	BlockAs     string // error or refusal: how a block is told
	Output      string // block, flag or off: what becomes of an answer that holds what it must not
}

// Jailbreak is the model that looks for attacks.
type Jailbreak struct {
	Action     string // block, flag or off
	Model      string // its folder's name
	Thresholds Thresholds
	FailOpen   bool // let a request through unread when the model fails
}

// Thresholds are probabilities by whose text it is, in (0, 1]; 0 leaves one to the model's manifest, and Instructions to User.
type Thresholds struct{ User, Document, Instructions float64 }

// PII is the model that looks for personal data; the recognisers beside it have no configuration.
type PII struct {
	Policy        string                       // standard, strict or off
	Model         string                       // its folder's name
	Types         map[string]string            // allow, flag, redact or block, by kind; the kinds are not checked here
	Roles         map[string]map[string]string // the same for what is said in a role: user, assistant, tool, system or developer
	Restore       bool                         // put back in the answer what was redacted in the request
	MinConfidence float64                      // (0, 1]: the probability from which on a find blocks
	FailOpen      bool                         // let a request through unread when the model fails
}

// Redacts says whether any kind is redacted in any role.
func (p *PII) Redacts() bool {
	for _, actions := range append(slices.Collect(maps.Values(p.Roles)), p.Types) {
		for _, a := range actions {
			if a == "redact" {
				return true
			}
		}
	}
	return false
}

// On says whether any stage guards.
func (g *Guard) On() bool { return g.Jailbreak.Action != "off" || g.PII.Policy != "off" }

// Screens says whether answers are read.
func (g *Guard) Screens() bool { return g.On() && g.Output != "off" }

// Restores says whether answers get back what was redacted.
func (g *Guard) Restores() bool { return g.PII.Policy != "off" && g.PII.Restore }

// guarded is the guard of a file that says nothing of it: on, for who forgets it must not serve without.
func guarded() Guard {
	return Guard{
		Jailbreak: Jailbreak{Action: "block", Model: "mom-jailbreak-flash"}, Harmful: "allow",
		PII:         PII{Policy: "standard", Model: "mom-pii-flash", MinConfidence: 0.8},
		Unscannable: "allow", BlockAs: "error", Output: "off",
	}
}

// readGuard reads the section. One without a key is a fault: it reads as if it switched something on, or off.
func (c *Config) readGuard(r *reader, n ast.Node, path string) {
	c.Guard = guarded()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) == 0 {
		r.fault(path, lineOf(r.lines, path), "the section is empty; leave it out for the defaults, or write guard: {enabled: false}")
		return
	}
	enabled := true
	r.object(n, path,
		key{"enabled", func(n ast.Node, p string) { r.boolean(n, p, &enabled) }},
		key{"jailbreak", func(n ast.Node, p string) { c.readJailbreak(r, n, p) }},
		key{"harmful", func(n ast.Node, p string) { r.word(n, p, &c.Guard.Harmful, "allow", "block") }},
		key{"pii", func(n ast.Node, p string) { c.readPII(r, n, p) }},
		key{"max_windows", func(n ast.Node, p string) { r.number(n, p, &c.Guard.MaxWindows, 1, 1<<20) }},
		key{"unscannable", func(n ast.Node, p string) { r.word(n, p, &c.Guard.Unscannable, "allow", "block") }},
		key{"block", func(n ast.Node, p string) {
			r.object(n, p, key{"as", func(n ast.Node, p string) { r.word(n, p, &c.Guard.BlockAs, "error", "refusal") }})
		}},
		key{"output", func(n ast.Node, p string) { readSwitch(r, n, p, &c.Guard.Output, "block", "flag", "off") }},
	)
	if !enabled {
		c.Guard.Jailbreak.Action, c.Guard.PII.Policy = "off", "off"
	}
	c.checkGuard(r, path, !enabled)
}

// checkGuard finds wishes that nobody would hear.
func (c *Config) checkGuard(r *reader, path string, disabled bool) {
	unheard := func(key, why string) {
		if line, ok := r.lines[path+"."+key]; ok {
			r.fault(path+"."+key, line, "%s, so this would change nothing", why)
		}
	}
	switch {
	case disabled:
		for _, k := range []string{"jailbreak", "harmful", "pii", "max_windows", "unscannable", "block", "output"} {
			unheard(k, "the guard is disabled")
		}
	case !c.Guard.On():
		for _, k := range []string{"max_windows", "unscannable", "block", "output"} {
			unheard(k, "jailbreak and pii are both off")
		}
	}
	if !disabled && c.Guard.Jailbreak.Action == "off" {
		unheard("harmful", "jailbreak is off, whose model tells what is harmful")
	}
	if c.Guard.PII.Policy != "off" && c.Guard.PII.Restore && !c.Guard.PII.Redacts() {
		unheard("pii.restore", "nothing is redacted")
	}
	if t := c.Guard.Jailbreak.Thresholds; t.Instructions > 0 && t.Instructions < t.User {
		at := path + ".jailbreak.thresholds.instructions"
		r.fault(at, lineOf(r.lines, at), "%v is below that of the user (%v): system messages would be judged more strictly than what users say", t.Instructions, t.User)
	}
}

// readJailbreak accepts an action alone or a mapping.
func (c *Config) readJailbreak(r *reader, n ast.Node, path string) {
	j := &c.Guard.Jailbreak
	if !isMapping(n) {
		readSwitch(r, n, path, &j.Action, "block", "flag", "off")
		return
	}
	r.object(n, path,
		key{"action", func(n ast.Node, p string) { readSwitch(r, n, p, &j.Action, "block", "flag", "off") }},
		key{"model", func(n ast.Node, p string) { readFolder(r, n, p, &j.Model) }},
		key{"thresholds", func(n ast.Node, p string) {
			r.object(n, p,
				key{"user", func(n ast.Node, p string) { r.probability(n, p, &j.Thresholds.User) }},
				key{"document", func(n ast.Node, p string) { r.probability(n, p, &j.Thresholds.Document) }},
				key{"instructions", func(n ast.Node, p string) { r.probability(n, p, &j.Thresholds.Instructions) }})
		}},
		key{"fail_mode", func(n ast.Node, p string) { readFailMode(r, n, p, &j.FailOpen) }})
}

// readPII accepts a policy alone or a mapping.
func (c *Config) readPII(r *reader, n ast.Node, path string) {
	d := &c.Guard.PII
	if !isMapping(n) {
		readSwitch(r, n, path, &d.Policy, "standard", "strict", "off")
		return
	}
	r.object(n, path,
		key{"policy", func(n ast.Node, p string) { readSwitch(r, n, p, &d.Policy, "standard", "strict", "off") }},
		key{"model", func(n ast.Node, p string) { readFolder(r, n, p, &d.Model) }},
		key{"types", func(n ast.Node, p string) { readTypes(r, n, p, &d.Types) }},
		key{"roles", func(n ast.Node, p string) { readRoles(r, n, p, &d.Roles) }},
		key{"restore", func(n ast.Node, p string) { r.boolean(n, p, &d.Restore) }},
		key{"min_confidence", func(n ast.Node, p string) { r.probability(n, p, &d.MinConfidence) }},
		key{"fail_mode", func(n ast.Node, p string) { readFailMode(r, n, p, &d.FailOpen) }})
}

// readTypes reads an action for each kind. Which kinds there are only the models know.
func readTypes(r *reader, n ast.Node, path string, into *map[string]string) {
	*into = map[string]string{}
	r.entries(n, path, func(name string, n ast.Node, p string) {
		var action string
		r.word(n, p, &action, "allow", "flag", "redact", "block")
		if action != "" {
			(*into)[name] = action
		}
	})
}

// readRoles reads such actions for each role.
func readRoles(r *reader, n ast.Node, path string, into *map[string]map[string]string) {
	*into = map[string]map[string]string{}
	var keys []key
	for _, role := range []string{"user", "assistant", "tool", "system", "developer"} {
		keys = append(keys, key{role, func(n ast.Node, p string) {
			var types map[string]string
			readTypes(r, n, p, &types)
			(*into)[role] = types
		}})
	}
	r.object(n, path, keys...)
}

// readSwitch reads one of some words. YAML 1.1 editors write off as false.
func readSwitch(r *reader, n ast.Node, path string, into *string, words ...string) {
	if b, ok := n.(*ast.BoolNode); ok {
		if b.Value {
			r.fault(path, line(n), "must be one of %s", strings.Join(words, ", "))
			return
		}
		*into = "off"
		return
	}
	r.word(n, path, into, words...)
}

func readFailMode(r *reader, n ast.Node, path string, open *bool) {
	mode := "closed"
	r.word(n, path, &mode, "closed", "open")
	*open = mode == "open"
}

func isMapping(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}
