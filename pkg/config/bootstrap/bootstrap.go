// Package bootstrap reads from an Envoy bootstrap file the few facts that MoM depends on, and compares them with MoM's own configuration.
//
// It is tolerant where package config is strict: the file is Envoy's, and whatever it does not understand it passes over. It never judges
// whether Envoy would accept the file; `envoy --mode validate` does. Clusters or routes that Envoy gets over xDS are not seen.
package bootstrap

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/mom-router/mom/pkg/config"
)

// Bootstrap is what was found in the file. It is not changed after Parse.
type Bootstrap struct {
	file     string
	clusters []cluster
	dynamic  bool // more clusters come over xDS
	filters  []node
	managers []node // the HTTP connection managers with an external processor
	chains   []node // the filter chains with such a manager
	hosts    []node // the virtual hosts behind an external processor
	routes   []node // what they change of the processor for a route
}

type cluster struct {
	name  string
	empty bool // it surely has no endpoint
}

// node is a mapping of the file and the key path it stands at.
type node struct {
	path string
	m    map[string]any
}

// Load reads and parses the file at path. Errors as Parse, or the file cannot be read.
func Load(path string) (*Bootstrap, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read Envoy's configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse reads data, YAML with anchors or JSON; name stands in the faults. The error is config.Faults when the file is not YAML or no
// bootstrap.
func Parse(name string, data []byte) (*Bootstrap, error) {
	var root map[string]any
	if err := yaml.Unmarshal(data, &root); err != nil {
		f := config.Fault{File: name, Message: "not readable as YAML"}
		var e yaml.Error
		if errors.As(err, &e) {
			f.Message = "not YAML: " + e.GetMessage()
			if t := e.GetToken(); t != nil && t.Position != nil {
				f.Line = t.Position.Line
			}
		}
		return nil, config.Faults{f}
	}
	if _, ok := root["static_resources"].(map[string]any); !ok {
		return nil, config.Faults{{File: name, Message: "no Envoy bootstrap: it has no static_resources"}}
	}
	b := &Bootstrap{file: name, dynamic: get(root, "dynamic_resources", "cds_config") != nil}
	for _, c := range list(node{m: root}, "static_resources", "clusters") {
		name, _ := c.m["name"].(string)
		b.clusters = append(b.clusters, cluster{name: name, empty: isEmpty(c)})
	}
	for _, hcm := range typed(node{m: root}, ".HttpConnectionManager") {
		found := typed(hcm, processorType)
		if len(found) == 0 {
			continue
		}
		b.filters, b.managers = append(b.filters, found...), append(b.managers, hcm)
		b.routes = append(b.routes, typed(hcm, ".ext_proc.v3.ExtProcPerRoute")...)
		b.hosts = append(b.hosts, list(hcm, "route_config", "virtual_hosts")...)
	}
	for _, l := range list(node{m: root}, "static_resources", "listeners") {
		chains := list(l, "filter_chains")
		if m, ok := l.m["default_filter_chain"].(map[string]any); ok {
			chains = append(chains, node{path: join(l.path, "default_filter_chain"), m: m})
		}
		for _, c := range chains {
			if len(typed(c, processorType)) > 0 {
				b.chains = append(b.chains, c)
			}
		}
	}
	return b, nil
}

// processorType is how the type of the external processor's filter ends.
const processorType = ".ext_proc.v3.ExternalProcessor"

// Clusters returns the names of the static clusters in the file's order.
func (b *Bootstrap) Clusters() []string {
	names := make([]string, len(b.clusters))
	for i, c := range b.clusters {
		names[i] = c.name
	}
	return names
}

// isEmpty says whether a cluster surely has no endpoint: only STATIC clusters can be judged by what stands in the file.
func isEmpty(c node) bool {
	if kind, _ := c.m["type"].(string); kind != "STATIC" && kind != "" {
		return false
	}
	if _, custom := c.m["cluster_type"]; custom {
		return false
	}
	for _, locality := range list(c, "load_assignment", "endpoints") {
		if len(list(locality, "lb_endpoints")) > 0 {
			return false
		}
	}
	return true
}

// get follows keys through mappings; nil where one is missing.
func get(m map[string]any, keys ...string) any {
	var v any = m
	for _, k := range keys {
		next, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = next[k]
	}
	return v
}

// list returns the mappings in the list at keys below n.
func list(n node, keys ...string) []node {
	items, _ := get(n.m, keys...).([]any)
	var out []node
	for i, v := range items {
		if m, ok := v.(map[string]any); ok {
			out = append(out, node{path: join(n.path, keys...) + "[" + strconv.Itoa(i) + "]", m: m})
		}
	}
	return out
}

// typed returns the mappings anywhere below n whose "@type" ends in suffix, in a fixed order.
func typed(n node, suffix string) []node {
	var out []node
	var walk func(v any, path string)
	walk = func(v any, path string) {
		switch v := v.(type) {
		case map[string]any:
			if t, _ := v["@type"].(string); strings.HasSuffix(t, suffix) {
				out = append(out, node{path: path, m: v})
			}
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(v[k], join(path, k))
			}
		case []any:
			for i, item := range v {
				walk(item, path+"["+strconv.Itoa(i)+"]")
			}
		}
	}
	walk(n.m, n.path)
	return out
}

func join(path string, keys ...string) string {
	below := strings.Join(keys, ".")
	if path == "" {
		return below
	}
	return path + "." + below
}
