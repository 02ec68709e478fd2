package config

import (
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// Experiment parts the conversations under one policy among arms.
type Experiment struct {
	ID     string
	Policy string // under which it runs; "" is the file's own rules
	Arms   []Arm  // at least two, their percents come to 100
}

// Arm is a share of the conversations and the policy that decides about them, "" for the file's own rules.
type Arm struct {
	Name    string
	Percent int
	Policy  string
}

func (c *Config) readExperiment(r *reader, n ast.Node, path string) {
	var e Experiment
	r.object(n, path,
		key{"id", func(n ast.Node, p string) { readFolder(r, n, p, &e.ID) }},
		key{"policy", func(n ast.Node, p string) { readName(r, n, p, &e.Policy) }},
		key{"arms", func(n ast.Node, p string) {
			r.list(n, p, func(n ast.Node, p string) {
				var a Arm
				r.object(n, p,
					key{"name", func(n ast.Node, p string) { readFolder(r, n, p, &a.Name) }},
					key{"percent", func(n ast.Node, p string) { r.number(n, p, &a.Percent, 0, 100) }},
					key{"policy", func(n ast.Node, p string) { readName(r, n, p, &a.Policy) }})
				e.Arms = append(e.Arms, a)
			})
		}})
	c.Experiments = append(c.Experiments, e)
}

func (c *Config) checkExperiments(r *reader) {
	ids, under := map[string]bool{}, map[string]bool{}
	for i, e := range c.Experiments {
		path := "experiments[" + strconv.Itoa(i) + "]"
		at := func(p string) int { return lineOf(r.lines, p) }
		policy := func(p, name string) {
			if name != "" && !slices.ContainsFunc(c.Policies, func(p Policy) bool { return p.Name == name }) {
				r.fault(p, at(p), "no policy is named %q", name)
			}
		}
		if e.ID == "" || ids[e.ID] {
			r.fault(path, at(path), "needs an id of its own")
		}
		if under[e.Policy] {
			r.fault(path, at(path), "a second experiment under the same policy")
		}
		ids[e.ID], under[e.Policy] = true, true
		policy(path+".policy", e.Policy)
		names, whole := map[string]bool{}, 0
		for j, a := range e.Arms {
			arm := path + ".arms[" + strconv.Itoa(j) + "]"
			if a.Name == "" || names[a.Name] {
				r.fault(arm, at(arm), "needs a name of its own")
			}
			names[a.Name] = true
			whole += a.Percent
			policy(arm+".policy", a.Policy)
		}
		if len(e.Arms) < 2 || whole != 100 {
			r.fault(path+".arms", at(path+".arms"), "needs two arms or more whose percents come to 100, has %d with %d", len(e.Arms), whole)
		}
	}
}
