// Package config reads MoM's one YAML file into plain values and reports every fault in it at once, by key path and line.
//
// It is strict: a key it does not know, a value of the wrong type, a number without its unit, a name that means nothing are all faults. It
// never reads anything but the file it is given (no environment, no other file, no network), starts nothing, and compiles no expression: what
// only another room can judge is joined in by the caller through Config.Fault.
package config

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Config is the whole file, defaults filled in. It is not changed after Parse.
type Config struct {
	// Listen is where the external processor and gRPC health answer.
	Listen Listen
	// Admin is the path of the Unix socket on which `mom cache` is answered, absolute or relative to the working directory; "" is none.
	Admin string
	// AliasesMoM are the model names that ask the router to choose, byte for byte; at least one.
	AliasesMoM []string
	// AliasesOmni are those that ask the language model of Omni; none where there is none.
	AliasesOmni []string
	// Models are the backends in the file's order; at least one, names unique.
	Models []Model
	// Passthrough is the cluster of model names nobody configured; "" rejects them.
	Passthrough string
	// Guard is what is looked for before anything else.
	Guard Guard
	// Recall is what is done with earlier answers.
	Recall Recall
	// Brain is the model that finds the domain.
	Brain Brain
	// Signals are what the decisions may ask for.
	Signals Signals
	// Omni is the language model that is asked where the brain cannot tell.
	Omni Omni
	// Rules decide where no policy is selected.
	Rules
	// Policies decide where an Envoy route selects them, in the file's order.
	Policies []Policy
	// Experiments part the conversations under a policy.
	Experiments []Experiment
	// Sticky says what keeps its model: tools (a loop of tool calls), conversation (that and every turn), or off.
	Sticky string
	// Tenants are the ones that may not have every model, in the file's order.
	Tenants []TenantModels
	// ExposeHeaders says which response headers explain a decision.
	ExposeHeaders Expose
	// GuardTimeout bounds each of the guard's two stages and BrainTimeout one reading of the domain, RequestTimeout the whole of MoM's work on a
	// request; it is never the shorter.
	GuardTimeout, BrainTimeout, RequestTimeout time.Duration
	// BodyLimit is the largest request body in bytes that is parsed.
	BodyLimit int64
	// LogLevel is debug, info, warn or error.
	LogLevel string
	// Revision is the SHA-256 of the file.
	Revision [sha256.Size]byte

	file  string
	lines map[string]int
}

// Listen is an address in the words of net.Listen.
type Listen struct {
	Network string // unix or tcp
	Address string // a path, absolute or relative to the working directory, or host:port
}

// String returns the address as the file spells it.
func (l Listen) String() string { return l.Network + "://" + l.Address }

// Model is one backend.
type Model struct {
	Name      string // 1..256 printable ASCII bytes: the value of the model field
	Cluster   string // the Envoy cluster that serves it
	Context   int    // tokens it can hold, prompt and answer together; 0 when the file does not say
	MaxTokens int    // the most it may be asked to answer; 0 is no limit
	Reasoning string // how its reasoning is switched: "" (it cannot be), qwen3, deepseek, openai or gpt-oss
	// PII are the kinds of personal data it may see as they are, whatever Guard.PII does with them elsewhere, or AllPII alone. The kinds are not
	// checked here.
	PII []string
	// Price is what it costs; nil is not known.
	Price *Price
	// Quality is the share of the prompts of a domain that it answers well, within (0, 1); "" stands for all other domains. nil is not known. The domains
	// are not checked here.
	Quality map[string]float64
	// Supports is what it can do, of tools, images and json; only where Says is set: else it can do all of them.
	Supports []string
	Says     bool
}

// Price is in USD per million tokens.
type Price struct{ Input, Output float64 }

// AllPII stands in Model.PII for every kind.
const AllPII = "all"

// Sees says whether it may see a kind of personal data as it is.
func (m *Model) Sees(kind string) bool {
	return slices.Contains(m.PII, kind) || slices.Contains(m.PII, AllPII)
}

// Brain is the model that finds the domain of a prompt.
type Brain struct {
	Model         string  // its folder's name; "" switches the brain off
	MinConfidence float64 // (0, 1]: below it the domain counts as unknown; 0 leaves the threshold to the model's manifest
}

// Decision is a named Choice with its condition.
type Decision struct {
	Name string
	When string // CEL, not compiled here
	Choice
	Keep Keep // what becomes of its answers
}

// Rules are decisions, and what is taken without one.
type Rules struct {
	// Decisions are tried in order; the first whose When holds wins.
	Decisions []Decision
	// Default is taken when no decision holds, or when the domain is not known.
	Default Choice
}

// Policy is a set of rules under a name.
type Policy struct {
	Name string
	Rules
}

// TenantModels are the models that a tenant may have, alone; the name * stands for every tenant that has no entry of its own, and for nobody known.
type TenantModels struct {
	Name   string
	Models []string
}

// Everywhere yields all rules of the file, each with the key path it stands at.
func (c *Config) Everywhere() iter.Seq2[string, Rules] {
	return func(yield func(string, Rules) bool) {
		if !yield("route", c.Rules) {
			return
		}
		for _, p := range c.Policies {
			if !yield("policies."+p.Name, p.Rules) {
				return
			}
		}
	}
}

// Strategy is how models are ordered. Its settings are not checked here.
type Strategy struct {
	Name     string         // "" is as they stand
	Settings map[string]any // of string, float64, bool, []any and map[string]any; nil when there are none
}

// Expose says which of MoM's response headers a client sees.
type Expose string

// The values of expose.headers.
const (
	ExposeAll  Expose = "all"  // every header
	ExposeCoT  Expose = "cot"  // only the trail
	ExposeNone Expose = "none" // none
)

// Default returns the values of a file that says nothing. It has no models, so it cannot serve as it is.
func Default() *Config {
	return &Config{
		Listen:         Listen{Network: "unix", Address: "/run/mom/ext_proc.sock"},
		AliasesMoM:     []string{"MoM", "mom", "auto", "vllm-sr/auto"},
		Sticky:         "tools",
		Brain:          Brain{Model: "mom-brain-flash"},
		Signals:        signalling(),
		ExposeHeaders:  ExposeAll,
		Guard:          guarded(),
		GuardTimeout:   800 * time.Millisecond,
		BrainTimeout:   500 * time.Millisecond,
		RequestTimeout: 4 * time.Second, // below the 5 s that Envoy waits for a message, so that our own JSON error beats Envoy's
		BodyLimit:      1 << 20,
		LogLevel:       "info",
	}
}

// maxFile bounds the file itself: a configuration is a few pages, and reload must not read a device or a log by mistake.
const maxFile = 1 << 20

// Load reads and parses the file at path. Errors: the file cannot be read, or Faults, as Parse.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse reads data; name stands in the faults. When the error is Faults the Config is returned too and holds what could be read, so that
// the caller can join faults of its own to the list; it must not be served.
func Parse(name string, data []byte) (*Config, error) {
	c := Default()
	c.file, c.lines, c.Revision = name, map[string]int{}, sha256.Sum256(data)
	r := &reader{file: name, lines: c.lines}
	if root := r.parse(data); root != nil {
		c.read(r, root)
		c.check(r)
	}
	return c, r.faults.Join().Err()
}

// LongestPlan returns the number of backends of the longest decision: Envoy must allow one retry fewer.
func (c *Config) LongestPlan() int {
	n := 0
	for _, rules := range c.Everywhere() {
		n = max(n, len(rules.Default.Models))
		for _, d := range rules.Decisions {
			n = max(n, len(d.Models))
		}
	}
	for _, r := range c.Omni.Routes {
		n = max(n, len(r.Models))
	}
	return n
}

// Beside returns the path of a file that this one names: as it is when absolute, else from the folder this one is in.
func (c *Config) Beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.file), path)
}

// Fault makes a Fault at a key path of this file, with the line the key or its nearest known parent stands on.
func (c *Config) Fault(path, format string, args ...any) Fault {
	return Fault{File: c.file, Path: path, Line: lineOf(c.lines, path), Message: fmt.Sprintf(format, args...)}
}
