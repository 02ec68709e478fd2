package config

import (
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Keep says what becomes of a decision's answers. The zero Keep is what Recall says.
type Keep struct {
	Off bool          // they are not remembered
	TTL time.Duration // how long they may serve; 0 is as long as any
}

// readKeep accepts off or a mapping.
func readKeep(r *reader, n ast.Node, path string, into *Keep) {
	if isMapping(n) {
		r.object(n, path, key{"ttl", func(n ast.Node, p string) { r.duration(n, p, &into.TTL, time.Second, 365*24*time.Hour) }})
		return
	}
	off := "on"
	readSwitch(r, n, path, &off, "off")
	into.Off = off == "off"
}

// checkKeep finds what is said of answers that nobody remembers.
func (c *Config) checkKeep(r *reader) {
	for path, rules := range c.Everywhere() {
		for i := range rules.Decisions {
			at := path + ".decisions[" + strconv.Itoa(i) + "].recall"
			if line, ok := r.lines[at]; ok && c.Recall.Store == "" && !r.has("recall") {
				r.fault(at, line, "nothing is remembered (recall is off), so this would change nothing")
			}
		}
	}
}
