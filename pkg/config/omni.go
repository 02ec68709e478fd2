package config

import (
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Omni is a language model that is asked which route a conversation should take.
type Omni struct {
	URL       string // of its endpoint; "": there is none
	Model     string
	KeyEnv    string // the environment variable that holds the endpoint's key; "" is none
	Timeout   time.Duration
	MaxTokens int // of its answer
	Context   int // tokens that it can read
	// Routes are written here, or stand in chat-ui's routes.json at RoutesFile, which is not read here.
	Routes     []OmniRoute
	RoutesFile string
	Other      string   // the route of conversations that match none
	Fallback   []string // models where even that route is not there
	// Unsure asks it also where the brain read a domain, below its threshold.
	Unsure bool
}

// OmniRoute is one route.
type OmniRoute struct {
	Name, Description string
	Models            []string // names of Models: the first is asked, the rest are the fallbacks
}

func (c *Config) readOmni(r *reader, n ast.Node, path string) {
	o := Omni{Model: "router/omni", Timeout: 1500 * time.Millisecond, MaxTokens: 16, Context: 8192, Other: "casual_conversation"}
	unsure := "default"
	r.object(n, path,
		key{"base_url", func(n ast.Node, p string) { o.URL, _ = r.text(n, p) }},
		key{"model", func(n ast.Node, p string) { readName(r, n, p, &o.Model) }},
		key{"api_key_env", func(n ast.Node, p string) { readName(r, n, p, &o.KeyEnv) }},
		key{"timeout", func(n ast.Node, p string) { r.duration(n, p, &o.Timeout, 10*time.Millisecond, time.Minute) }},
		key{"max_tokens", func(n ast.Node, p string) { r.number(n, p, &o.MaxTokens, 4, 256) }},
		key{"context", func(n ast.Node, p string) { r.number(n, p, &o.Context, 1024, 1<<20) }},
		key{"routes", func(n ast.Node, p string) { r.list(n, p, func(n ast.Node, p string) { o.readRoute(r, n, p) }) }},
		key{"routes_file", func(n ast.Node, p string) { o.RoutesFile, _ = r.text(n, p) }},
		key{"other_route", func(n ast.Node, p string) { readName(r, n, p, &o.Other) }},
		key{"fallback_model", func(n ast.Node, p string) {
			var name string
			readName(r, n, p, &name)
			o.Fallback = []string{name}
		}},
		key{"on_uncertain", func(n ast.Node, p string) { r.word(n, p, &unsure, "default", "next_tier") }},
	)
	o.Unsure = unsure == "next_tier"
	if o.URL == "" && isMapping(n) {
		r.fault(path, line(n), "needs base_url, such as http://127.0.0.1:8000/v1")
	}
	_, written := r.lines[path+".routes"]
	if written == (o.RoutesFile != "") {
		r.fault(path, line(n), "needs either routes or routes_file")
	}
	c.Omni = o
}

func (o *Omni) readRoute(r *reader, n ast.Node, path string) {
	var route OmniRoute
	r.object(n, path,
		key{"name", func(n ast.Node, p string) { readName(r, n, p, &route.Name) }},
		key{"description", func(n ast.Node, p string) { route.Description, _ = r.text(n, p) }},
		key{"models", func(n ast.Node, p string) { readNames(r, n, p, &route.Models) }})
	for _, k := range [...]string{"name", "description", "models"} {
		if _, ok := r.lines[path+"."+k]; !ok {
			r.fault(path, line(n), "needs %q", k)
		}
	}
	for i := range o.Routes {
		if o.Routes[i].Name == route.Name && route.Name != "" {
			r.fault(path, line(n), "a second route named %q", route.Name)
		}
	}
	o.Routes = append(o.Routes, route)
}

// checkOmni finds every model it names, keeps its time within the request's, and gives it its aliases.
func (c *Config) checkOmni(r *reader, models []string) {
	_, named := r.lines["aliases.omni"]
	switch {
	case c.Omni.URL == "" && named && r.lines["omni"] == 0:
		r.fault("aliases.omni", r.lines["aliases.omni"], "there is no section omni, so nobody would be asked")
	case c.Omni.URL != "" && !named:
		c.AliasesOmni = []string{"Omni", "omni"}
	}
	for _, a := range c.AliasesOmni {
		for _, b := range append(c.AliasesMoM, models...) {
			if a == b {
				r.fault("aliases.omni", lineOf(r.lines, "aliases.omni"), "%q is also a model or an alias (aliases.mom)", a)
			}
		}
	}
	if c.Omni.URL == "" {
		return
	}
	if c.Omni.Timeout >= c.RequestTimeout {
		r.fault("omni.timeout", lineOf(r.lines, "omni.timeout"), "%s leaves nothing of the whole request's time (timeouts.request: %s)", c.Omni.Timeout, c.RequestTimeout)
	}
	for i, route := range c.Omni.Routes {
		c.checkNames(r, "omni.routes["+strconv.Itoa(i)+"].models", route.Models, models)
	}
	c.checkNames(r, "omni.fallback_model", c.Omni.Fallback, models)
}
