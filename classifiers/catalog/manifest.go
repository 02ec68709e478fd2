// Package catalog reads the manifests of the models and vouches for their files: what a loader gets from it are bytes whose size and
// SHA-256 are those of the manifest.
//
// It opens no model, writes nothing, follows no symbolic link and never leaves the folders of the models.
package catalog

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ManifestFile is the name of the manifest in a model's folder.
const ManifestFile = "manifest.yaml"

// Limits on what a manifest may ask for. ONNX files are protobuf messages, which end at 2 GiB.
const (
	maxGraphBytes     = math.MaxInt32
	maxTokenizerBytes = 64 << 20
	maxTokens         = 8192
)

// A Manifest describes one model: a view of a graph for one task. The keys that only some tasks have are required for those and refused for the
// others; all other keys are required. Manifests may share a graph and a tokenizer, so that one forward pass serves them all.
type Manifest struct {
	Name        string             `yaml:"name"`                  // the name of its folder
	Version     string             `yaml:"version"`               // raised with every change of the weights
	Task        string             `yaml:"task"`                  // domain, difficulty, jailbreak, pii or similarity
	License     string             `yaml:"license"`               // SPDX, of the weights
	Source      Source             `yaml:"source"`                // where the weights come from
	Graph       File               `yaml:"graph"`                 // ONNX
	Tokenizer   File               `yaml:"tokenizer"`             // Hugging Face tokenizer.json
	Inputs      []string           `yaml:"inputs"`                // all inputs of the graph: int64 [batch, tokens]; letter_case is a code from 0 to 4 (classifiers/onnx/letters.go)
	Output      string             `yaml:"output,omitempty"`      // float32 [batch, n]: logits of the labels (domain), one logit (difficulty), a vector (similarity)
	Outputs     map[string]string  `yaml:"outputs,omitempty"`     // logits by who speaks, RoleUser and RoleDocument (jailbreak); OutputTag, OutputScore (pii)
	Labels      []string           `yaml:"labels,omitempty"`      // in the order of the logits or tags
	MaxTokens   int                `yaml:"max_tokens"`            // of one window, special tokens counted
	Overlap     int                `yaml:"overlap"`               // tokens two neighbouring windows share
	Aggregate   string             `yaml:"aggregate,omitempty"`   // over the windows' probabilities: mean, max, or worst, the window most like the second label
	Temperature float64            `yaml:"temperature,omitempty"` // probabilities are softmax(logits / temperature), of one logit sigmoid(logit / temperature)
	Threshold   float64            `yaml:"threshold,omitempty"`   // probability under which an answer is unsure, [0, 1]; of a similarity model the cosine from which on two questions may be the same
	Thresholds  map[string]float64 `yaml:"thresholds,omitempty"`  // the same by who speaks
	SelfTest    []Sample           `yaml:"self_test"`             // at least one
}

// Who speaks, as jailbreak manifests call it: the user, or a document or tool whose text the user hands on.
const (
	RoleUser     = "user"
	RoleDocument = "document"
)

// What a pii manifest calls its outputs: for each token the index of its label, int64 [batch, tokens], and the label's probability, float32
// [batch, tokens]; or those of its likeliest labels, in order, [batch, tokens, 2 to 8]: spans are found better when the next to best is known.
const (
	OutputTag   = "tag"
	OutputScore = "score"
)

// needs says which of the keys that not all tasks have a task has, and may which it can do without; sampleNeeds the same of the self-test.
var (
	needs = map[string][]string{
		"domain":     {"output", "labels", "aggregate", "temperature", "threshold"},
		"difficulty": {"output", "labels", "aggregate", "temperature"},
		"jailbreak":  {"outputs", "labels", "aggregate", "temperature", "thresholds"},
		"pii":        {"outputs", "labels", "threshold"},
		"similarity": {"output"},
	}
	may         = map[string][]string{"similarity": {"threshold"}}
	sampleNeeds = map[string][]string{
		"domain":     {"label", "min_probability"},
		"difficulty": {"label", "min_probability"},
		"jailbreak":  {"label", "min_probability", "role"},
		"pii":        {"label", "min_probability", "span"},
		"similarity": {"near", "far"},
	}
	outputKeys = map[string][]string{"jailbreak": {RoleUser, RoleDocument}, "pii": {OutputTag, OutputScore}}
)

// Source says what the weights were made from and how.
type Source struct {
	Base     string `yaml:"base"`     // the model that was trained further
	Package  string `yaml:"package"`  // the package its weights came in
	Revision string `yaml:"revision"` // hexadecimal
	Recipe   string `yaml:"recipe"`   // the folder of the training code
}

// A File is a file in the model's folder, or in that of the model it is shared with.
type File struct {
	Model  string `yaml:"model,omitempty"` // the name of another model's folder, beside this one
	File   string `yaml:"file"`            // a plain name, without a folder
	SHA256 string `yaml:"sha256"`          // 64 lower-case hexadecimal digits
	Size   int64  `yaml:"size"`            // bytes
}

// A Sample is one line of the self-test.
type Sample struct {
	Text           string  `yaml:"text"`
	Label          string  `yaml:"label,omitempty"`           // must come out on top, or be found (pii)
	MinProbability float64 `yaml:"min_probability,omitempty"` // and be at least this sure, [0, 1]
	Role           string  `yaml:"role,omitempty"`            // who speaks
	Span           string  `yaml:"span,omitempty"`            // the part of the text that the label is found at
	Near           string  `yaml:"near,omitempty"`            // a text whose vector is closer to that of Text
	Far            string  `yaml:"far,omitempty"`             // than this one's
}

var (
	plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)
	revision  = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	graphIn   = []string{"input_ids", "attention_mask", "token_type_ids", "letter_case"}
	tasks     = []string{"domain", "difficulty", "jailbreak", "pii", "similarity"}
)

// A checker gathers what is wrong with the values, each with its key path.
type checker struct{ faults []error }

func (c *checker) check(ok bool, path, format string, args ...any) {
	if !ok {
		c.faults = append(c.faults, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
}

func (c *checker) text(path, value string) { c.check(strings.TrimSpace(value) != "", path, "is empty") }

func (c *checker) share(path string, value float64) {
	c.check(value >= 0 && value <= 1, path, "%v is not within [0, 1]", value)
}

// distinct also says that no item is empty.
func (c *checker) distinct(path string, items []string) {
	for i, item := range items {
		c.text(fmt.Sprintf("%s[%d]", path, i), item)
		c.check(!slices.Contains(items[:i], item), fmt.Sprintf("%s[%d]", path, i), "%q is there twice", item)
	}
}

// faults returns everything that is wrong with the values.
func (m *Manifest) faults(folder string) []error {
	c := &checker{}
	c.check(m.Name == folder, "name", "%q is not the name of its folder, %q", m.Name, folder)
	c.check(plainName.MatchString(m.Name), "name", "want lower-case letters, digits, . _ and -, got %q", m.Name)
	c.text("version", m.Version)
	c.check(slices.Contains(tasks, m.Task), "task", "%q is none of %v", m.Task, tasks)
	c.text("license", m.License)
	c.text("source.base", m.Source.Base)
	c.text("source.package", m.Source.Package)
	c.check(revision.MatchString(m.Source.Revision), "source.revision", "%q is not 7 to 64 lower-case hexadecimal digits", m.Source.Revision)
	c.text("source.recipe", m.Source.Recipe)
	m.Graph.faults(c, "graph", m.Name, maxGraphBytes)
	m.Tokenizer.faults(c, "tokenizer", m.Name, maxTokenizerBytes)
	c.check(slices.Contains(m.Inputs, "input_ids"), "inputs", "input_ids is missing")
	c.distinct("inputs", m.Inputs)
	for i, in := range m.Inputs {
		c.check(slices.Contains(graphIn, in), fmt.Sprintf("inputs[%d]", i), "%q is none of %v", in, graphIn)
	}
	c.check(m.MaxTokens >= 4 && m.MaxTokens <= maxTokens, "max_tokens", "%d is not within [4, %d]", m.MaxTokens, maxTokens)
	c.check(m.Overlap >= 0 && m.Overlap < m.MaxTokens, "overlap", "%d is not within [0, max_tokens)", m.Overlap)
	c.check(len(m.SelfTest) > 0, "self_test", "is empty: a model that nobody tried is not served")
	if slices.Contains(tasks, m.Task) {
		m.taskFaults(c)
		m.sampleFaults(c)
	}
	return c.faults
}

func (f File) faults(c *checker, path, model string, limit int64) {
	if f.Model != "" {
		c.check(plainName.MatchString(f.Model), path+".model", "%q is not the plain name of a model's folder", f.Model)
		c.check(f.Model != model, path+".model", "%q is this model itself", f.Model)
	}
	// A plain name can neither climb out of the folder nor pass through a linked folder.
	plain := plainName.MatchString(strings.ToLower(f.File)) && filepath.Base(f.File) == f.File && f.File != ManifestFile
	c.check(plain, path+".file", "%q is not the plain name of a file in the model's folder", f.File)
	c.check(hexDigest.MatchString(f.SHA256), path+".sha256", "want 64 lower-case hexadecimal digits")
	c.check(f.Size >= 1 && f.Size <= limit, path+".size", "%d is not within [1, %d] bytes", f.Size, limit)
}

// join makes one error of many, or nil of none.
func join(where string, faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", where, errors.Join(faults...))
}
