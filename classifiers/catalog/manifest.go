// Package catalog reads the manifests of the models and vouches for their files: what a loader gets from it are bytes whose size and
// SHA-256 are those of the manifest.
//
// It runs no model, writes nothing, follows no symbolic link and never leaves a model's folder.
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

// A Manifest describes one classification model. Every key is required.
type Manifest struct {
	Name        string   `yaml:"name"`        // the name of its folder
	Version     string   `yaml:"version"`     // raised with every change of the weights
	Task        string   `yaml:"task"`        // domain
	License     string   `yaml:"license"`     // SPDX, of the weights
	Source      Source   `yaml:"source"`      // where the weights come from
	Graph       File     `yaml:"graph"`       // ONNX
	Tokenizer   File     `yaml:"tokenizer"`   // Hugging Face tokenizer.json
	Inputs      []string `yaml:"inputs"`      // all inputs of the graph: int64 [batch, tokens]
	Output      string   `yaml:"output"`      // logits: float32 [batch, labels]
	Labels      []string `yaml:"labels"`      // in the order of the logits
	MaxTokens   int      `yaml:"max_tokens"`  // of one window, special tokens counted
	Overlap     int      `yaml:"overlap"`     // tokens two neighbouring windows share
	Aggregate   string   `yaml:"aggregate"`   // mean or max over the windows' probabilities
	Temperature float64  `yaml:"temperature"` // probabilities are softmax(logits / temperature)
	Threshold   float64  `yaml:"threshold"`   // top probability under which an answer is unsure, [0, 1]
	SelfTest    []Sample `yaml:"self_test"`   // at least one
}

// Source says what the weights were made from and how.
type Source struct {
	Base     string `yaml:"base"`     // the model that was trained further
	Package  string `yaml:"package"`  // the package its weights came in
	Revision string `yaml:"revision"` // hexadecimal
	Recipe   string `yaml:"recipe"`   // the folder of the training code
}

// A File is a file in the model's folder.
type File struct {
	File   string `yaml:"file"`   // a plain name, without a folder
	SHA256 string `yaml:"sha256"` // 64 lower-case hexadecimal digits
	Size   int64  `yaml:"size"`   // bytes
}

// A Sample is one line of the self-test.
type Sample struct {
	Text           string  `yaml:"text"`
	Label          string  `yaml:"label"`           // must come out on top
	MinProbability float64 `yaml:"min_probability"` // and be at least this sure, [0, 1]
}

var (
	plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)
	revision  = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	graphIn   = []string{"input_ids", "attention_mask", "token_type_ids"}
	tasks     = []string{"domain"}
)

// faults returns everything that is wrong with the values, each with its key path.
func (m *Manifest) faults(folder string) []error {
	var all []error
	check := func(ok bool, path, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
		}
	}
	text := func(path, value string) { check(strings.TrimSpace(value) != "", path, "is empty") }

	check(m.Name == folder, "name", "%q is not the name of its folder, %q", m.Name, folder)
	check(plainName.MatchString(m.Name), "name", "want lower-case letters, digits, . _ and -, got %q", m.Name)
	text("version", m.Version)
	check(slices.Contains(tasks, m.Task), "task", "%q is none of %v", m.Task, tasks)
	text("license", m.License)
	text("source.base", m.Source.Base)
	text("source.package", m.Source.Package)
	check(revision.MatchString(m.Source.Revision), "source.revision", "%q is not 7 to 64 lower-case hexadecimal digits", m.Source.Revision)
	text("source.recipe", m.Source.Recipe)
	all = append(all, m.Graph.faults("graph", maxGraphBytes)...)
	all = append(all, m.Tokenizer.faults("tokenizer", maxTokenizerBytes)...)

	check(slices.Contains(m.Inputs, "input_ids"), "inputs", "input_ids is missing")
	for i, in := range m.Inputs {
		check(slices.Contains(graphIn, in), fmt.Sprintf("inputs[%d]", i), "%q is none of %v", in, graphIn)
		check(!slices.Contains(m.Inputs[:i], in), fmt.Sprintf("inputs[%d]", i), "%q is there twice", in)
	}
	text("output", m.Output)
	check(len(m.Labels) >= 2, "labels", "want at least 2, got %d", len(m.Labels))
	for i, label := range m.Labels {
		text(fmt.Sprintf("labels[%d]", i), label)
		check(!slices.Contains(m.Labels[:i], label), fmt.Sprintf("labels[%d]", i), "%q is there twice", label)
	}
	check(m.MaxTokens >= 4 && m.MaxTokens <= maxTokens, "max_tokens", "%d is not within [4, %d]", m.MaxTokens, maxTokens)
	check(m.Overlap >= 0 && m.Overlap < m.MaxTokens, "overlap", "%d is not within [0, max_tokens)", m.Overlap)
	check(m.Aggregate == "mean" || m.Aggregate == "max", "aggregate", "%q is neither mean nor max", m.Aggregate)
	check(m.Temperature >= 0.01 && m.Temperature <= 100, "temperature", "%v is not within [0.01, 100]", m.Temperature)
	check(m.Threshold >= 0 && m.Threshold <= 1, "threshold", "%v is not within [0, 1]", m.Threshold)
	check(len(m.SelfTest) > 0, "self_test", "is empty: a model that nobody tried is not served")
	for i, s := range m.SelfTest {
		path := fmt.Sprintf("self_test[%d].", i)
		text(path+"text", s.Text)
		check(slices.Contains(m.Labels, s.Label), path+"label", "%q is not among the labels", s.Label)
		check(s.MinProbability >= 0 && s.MinProbability <= 1, path+"min_probability", "%v is not within [0, 1]", s.MinProbability)
	}
	return all
}

func (f File) faults(path string, limit int64) []error {
	var all []error
	// A plain name can neither climb out of the folder nor pass through a linked folder.
	if !plainName.MatchString(strings.ToLower(f.File)) || filepath.Base(f.File) != f.File || f.File == ManifestFile {
		all = append(all, fmt.Errorf("%s.file: %q is not the plain name of a file in the model's folder", path, f.File))
	}
	if !hexDigest.MatchString(f.SHA256) {
		all = append(all, fmt.Errorf("%s.sha256: want 64 lower-case hexadecimal digits", path))
	}
	if f.Size < 1 || f.Size > limit {
		all = append(all, fmt.Errorf("%s.size: %d is not within [1, %d] bytes", path, f.Size, limit))
	}
	return all
}

// join makes one error of many, or nil of none.
func join(where string, faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", where, errors.Join(faults...))
}
