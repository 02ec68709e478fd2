package config

import (
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// read is the file's grammar: one line a key.
func (c *Config) read(r *reader, root ast.Node) {
	r.object(root, "",
		key{"listen", func(n ast.Node, p string) { readListen(r, n, p, &c.Listen) }},
		key{"admin", func(n ast.Node, p string) {
			r.object(n, p, key{"socket", func(n ast.Node, p string) { readSocket(r, n, p, &c.Admin) }})
		}},
		key{"aliases", func(n ast.Node, p string) {
			r.object(n, p,
				key{"mom", func(n ast.Node, p string) { readNames(r, n, p, &c.AliasesMoM) }},
				key{"omni", func(n ast.Node, p string) { readNames(r, n, p, &c.AliasesOmni) }})
		}},
		key{"models", func(n ast.Node, p string) { r.list(n, p, func(n ast.Node, p string) { c.readModel(r, n, p) }) }},
		key{"unknown_models", func(n ast.Node, p string) { c.readUnknown(r, n, p) }},
		key{"guard", func(n ast.Node, p string) { c.readGuard(r, n, p) }},
		key{"recall", func(n ast.Node, p string) { c.readRecall(r, n, p) }},
		key{"brain", func(n ast.Node, p string) { c.readBrain(r, n, p) }},
		key{"signals", func(n ast.Node, p string) { c.readSignals(r, n, p) }},
		key{"route", func(n ast.Node, p string) {
			r.object(n, p, append(c.keys(r), key{"sticky", func(n ast.Node, p string) { readSwitch(r, n, p, &c.Sticky, "tools", "conversation", "off") }})...)
		}},
		key{"experiments", func(n ast.Node, p string) { r.list(n, p, func(n ast.Node, p string) { c.readExperiment(r, n, p) }) }},
		key{"omni", func(n ast.Node, p string) { c.readOmni(r, n, p) }},
		key{"policies", func(n ast.Node, p string) { c.readPolicies(r, n, p) }},
		key{"tenants", func(n ast.Node, p string) { c.readTenants(r, n, p) }},
		key{"expose", func(n ast.Node, p string) {
			r.object(n, p, key{"headers", func(n ast.Node, p string) {
				r.word(n, p, (*string)(&c.ExposeHeaders), string(ExposeAll), string(ExposeCoT), string(ExposeNone))
			}})
		}},
		key{"timeouts", func(n ast.Node, p string) {
			r.object(n, p,
				key{"guard", func(n ast.Node, p string) { r.duration(n, p, &c.GuardTimeout, time.Millisecond, time.Minute) }},
				key{"brain", func(n ast.Node, p string) { r.duration(n, p, &c.BrainTimeout, time.Millisecond, time.Minute) }},
				key{"request", func(n ast.Node, p string) { r.duration(n, p, &c.RequestTimeout, 10*time.Millisecond, 5*time.Minute) }})
		}},
		key{"limits", func(n ast.Node, p string) {
			r.object(n, p, key{"body", func(n ast.Node, p string) { r.size(n, p, &c.BodyLimit, 1<<10, 64<<20) }})
		}},
		key{"log", func(n ast.Node, p string) {
			r.object(n, p, key{"level", func(n ast.Node, p string) { r.word(n, p, &c.LogLevel, "debug", "info", "warn", "error") }})
		}},
	)
}

func (c *Config) readModel(r *reader, n ast.Node, path string) {
	var m Model
	r.object(n, path,
		key{"name", func(n ast.Node, p string) { readName(r, n, p, &m.Name) }},
		key{"cluster", func(n ast.Node, p string) { readName(r, n, p, &m.Cluster) }},
		key{"context", func(n ast.Node, p string) { r.number(n, p, &m.Context, 1, 1<<30) }},
		key{"max_tokens", func(n ast.Node, p string) { r.number(n, p, &m.MaxTokens, 1, 1<<30) }},
		key{"reasoning", func(n ast.Node, p string) { r.word(n, p, &m.Reasoning, "qwen3", "deepseek", "openai", "gpt-oss") }},
		key{"pii", func(n ast.Node, p string) { readSight(r, n, p, &m.PII) }},
		key{"price", func(n ast.Node, p string) { readPrice(r, n, p, &m.Price) }},
		key{"quality", func(n ast.Node, p string) { readQuality(r, n, p, &m.Quality) }},
		key{"supports", func(n ast.Node, p string) { readSupports(r, n, p, &m) }},
	)
	if _, ok := r.lines[path+".name"]; !ok {
		r.fault(path, line(n), "needs a name")
	}
	if m.Cluster == "" {
		m.Cluster = m.Name
	}
	c.Models = append(c.Models, m)
}

// readSight reads a list of kinds of personal data, or the word for all of them.
func readSight(r *reader, n ast.Node, path string, into *[]string) {
	if s, ok := n.(*ast.StringNode); ok {
		if s.Value != AllPII {
			r.fault(path, line(n), "%q is neither all nor a list of kinds", s.Value)
			return
		}
		*into = []string{AllPII}
		return
	}
	readNames(r, n, path, into)
}

func (c *Rules) readDecision(r *reader, n ast.Node, path string) {
	var d Decision
	r.object(n, path, append(choiceKeys(r, &d.Choice),
		key{"name", func(n ast.Node, p string) { d.Name, _ = r.text(n, p) }},
		key{"when", func(n ast.Node, p string) { d.When, _ = r.text(n, p) }},
		key{"recall", func(n ast.Node, p string) { readKeep(r, n, p, &d.Keep) }})...)
	for _, k := range []string{"name", "when", "models"} {
		if _, ok := r.lines[path+"."+k]; !ok {
			r.fault(path, line(n), "needs %q", k)
		}
	}
	c.Decisions = append(c.Decisions, d)
}

func (c *Config) readUnknown(r *reader, n ast.Node, path string) {
	if s, ok := n.(*ast.StringNode); ok {
		if s.Value != "reject" {
			r.fault(path, line(n), "%q is neither reject nor {passthrough: CLUSTER}", s.Value)
		}
		return
	}
	r.object(n, path, key{"passthrough", func(n ast.Node, p string) { readName(r, n, p, &c.Passthrough) }})
	if _, ok := r.lines[path+".passthrough"]; !ok {
		r.fault(path, line(n), "must be reject or {passthrough: CLUSTER}")
	}
}

// readBrain accepts a model's name, off, or a mapping when the threshold is set too.
func (c *Config) readBrain(r *reader, n ast.Node, path string) {
	switch v := n.(type) {
	case *ast.BoolNode:
		if v.Value {
			r.fault(path, line(n), "must be off or the name of a model folder")
		}
		c.Brain.Model = ""
	case *ast.MappingNode, *ast.MappingValueNode:
		r.object(n, path,
			key{"model", func(n ast.Node, p string) { readFolder(r, n, p, &c.Brain.Model) }},
			key{"min_confidence", func(n ast.Node, p string) { r.probability(n, p, &c.Brain.MinConfidence) }})
	default:
		readFolder(r, n, path, &c.Brain.Model)
		if c.Brain.Model == "off" {
			c.Brain.Model = ""
		}
	}
}

// readFolder reads a model folder's name. It must stay one path element: a name such as ../x would leave the models folder.
func readFolder(r *reader, n ast.Node, path string, into *string) {
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	if !isWord(s, 64) {
		r.fault(path, line(n), "%q is not a folder name (letters, digits, - _ and inner dots)", s)
		return
	}
	*into = s
}

func readListen(r *reader, n ast.Node, path string, into *Listen) {
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	network, address, _ := strings.Cut(s, "://")
	switch network {
	case "unix":
		if !isSocket(address) {
			r.fault(path, line(n), "a socket path has 1..107 bytes")
			return
		}
	case "tcp":
		host, port, err := net.SplitHostPort(address)
		if p, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || host == "" || p == 0 {
			r.fault(path, line(n), "%q is not tcp://HOST:PORT", s)
			return
		}
	default:
		r.fault(path, line(n), "%q is neither unix://PATH nor tcp://HOST:PORT", s)
		return
	}
	*into = Listen{Network: network, Address: address}
}

// readSocket reads the path of a Unix socket.
func readSocket(r *reader, n ast.Node, path string, into *string) {
	s, ok := r.text(n, path)
	switch {
	case !ok:
	case !isSocket(s):
		r.fault(path, line(n), "a socket path has 1..107 bytes")
	case strings.Contains(s, "://"):
		r.fault(path, line(n), "%q is an address; this is always a Unix socket, so write its path alone", s)
	default:
		*into = s
	}
}

// isSocket says whether a path fits: the kernel's sockaddr_un holds 108 bytes with the final NUL.
func isSocket(path string) bool {
	return path != "" && len(path) <= 107 && !strings.ContainsRune(path, 0)
}

// readNames reads a list of names, replacing what stood there. A faulty item becomes "", so that the others keep their index.
func readNames(r *reader, n ast.Node, path string, into *[]string) {
	*into = nil
	at := map[string]string{}
	r.list(n, path, func(n ast.Node, p string) {
		var s string
		readName(r, n, p, &s)
		if first, ok := at[s]; ok && s != "" {
			r.fault(p, line(n), "%q stands here twice, first at %s", s, first)
			s = ""
		}
		at[s] = p
		*into = append(*into, s)
	})
}

// readName reads the name of a model or cluster. They become header values and metric labels, hence ASCII.
func readName(r *reader, n ast.Node, path string, into *string) {
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	plain := len(s) >= 1 && len(s) <= 256 && strings.TrimSpace(s) == s
	for i := range len(s) {
		plain = plain && s[i] >= ' ' && s[i] <= '~'
	}
	if !plain {
		r.fault(path, line(n), "a name has 1..256 printable ASCII characters and no space at either end")
		return
	}
	*into = s
}

// isWord says whether s is letters, digits, - and _, dots only inside, at most limit bytes.
func isWord(s string, limit int) bool {
	if s == "" || len(s) > limit || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '_', b == '.':
		default:
			return false
		}
	}
	return true
}
