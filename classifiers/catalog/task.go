package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Outside is the label of a token that belongs to no span.
const Outside = "O"

// taskFaults checks the keys that only some tasks have.
func (m *Manifest) taskFaults(c *checker) {
	has := func(key string) bool { return slices.Contains(needs[m.Task], key) || slices.Contains(may[m.Task], key) }
	if has("output") {
		c.text("output", m.Output)
	}
	if has("outputs") {
		keysOf(c, "outputs", m.Outputs, outputKeys[m.Task])
		for _, key := range slices.Sorted(maps.Keys(m.Outputs)) {
			c.text("outputs."+key, m.Outputs[key])
		}
	}
	if has("labels") {
		m.labelFaults(c)
	}
	if has("aggregate") {
		c.check(slices.Contains([]string{"mean", "max", "worst"}, m.Aggregate), "aggregate", "%q is neither mean nor max nor worst", m.Aggregate)
		// The mean of a long harmless text hides a short attack in it, and so do maxima once they are scaled to 1 together.
		c.check(m.Task != "jailbreak" || m.Aggregate == "worst", "aggregate", "%q would let a harmless text hide an attack in it, want worst", m.Aggregate)
	}
	if has("temperature") {
		c.check(m.Temperature >= 0.01 && m.Temperature <= 100, "temperature", "%v is not within [0.01, 100]", m.Temperature)
	}
	if has("threshold") {
		c.share("threshold", m.Threshold)
	}
	if has("thresholds") {
		keysOf(c, "thresholds", m.Thresholds, outputKeys[m.Task])
		for _, role := range slices.Sorted(maps.Keys(m.Thresholds)) {
			c.share("thresholds."+role, m.Thresholds[role])
		}
	}
}

// keysOf says which keys are missing and which are too many.
func keysOf[V any](c *checker, path string, got map[string]V, want []string) {
	for _, key := range want {
		_, ok := got[key]
		c.check(ok, path+"."+key, "is missing")
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		c.check(slices.Contains(want, key), path+"."+key, "unknown key")
	}
}

func (m *Manifest) labelFaults(c *checker) {
	c.check(len(m.Labels) >= 2, "labels", "want at least 2, got %d", len(m.Labels))
	c.distinct("labels", m.Labels)
	switch m.Task {
	case "difficulty":
		c.check(len(m.Labels) <= 2, "labels", "want 2, the second for the logit, got %d", len(m.Labels))
	case "pii":
		c.check(slices.Contains(m.Labels, Outside), "labels", "%s is missing", Outside)
		for i, label := range m.Labels {
			kind, name, _ := strings.Cut(label, "-")
			ok := label == Outside || name != "" && (kind == "B" || kind == "I" && slices.Contains(m.Labels, "B-"+name))
			c.check(ok, fmt.Sprintf("labels[%d]", i), "%q is neither %s nor B- nor I- of a type that has a B-", label, Outside)
		}
	}
}

// Types returns the types of spans among the labels of a pii model, in order.
func (m *Manifest) Types() []string {
	var types []string
	for _, label := range m.Labels {
		if name, ok := strings.CutPrefix(label, "B-"); ok {
			types = append(types, name)
		}
	}
	return types
}

func (m *Manifest) sampleFaults(c *checker) {
	labels := m.Labels
	if m.Task == "pii" {
		labels = m.Types()
	}
	for i, s := range m.SelfTest {
		path := fmt.Sprintf("self_test[%d].", i)
		c.text(path+"text", s.Text)
		for _, key := range sampleNeeds[m.Task] {
			switch key {
			case "label":
				c.check(slices.Contains(labels, s.Label), path+key, "%q is not among the labels", s.Label)
			case "min_probability":
				c.share(path+key, s.MinProbability)
			case "role":
				c.check(slices.Contains(outputKeys[m.Task], s.Role), path+key, "%q is none of %v", s.Role, outputKeys[m.Task])
			case "span":
				c.check(s.Span != "" && strings.Contains(s.Text, s.Span), path+key, "is no part of the text")
			case "near":
				c.text(path+key, s.Near)
			case "far":
				c.text(path+key, s.Far)
			}
		}
	}
}
