package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Signals are what decisions may ask of a request beside what it tells by itself.
type Signals struct {
	Difficulty string // the folder of the model that tells it
	Embedder   string // of the one that similarity is measured with
	Similarity []Similarity
	Keywords   []Keywords
	Languages  []string // the codes (ISO 639-1) of those a text may be in; nil leaves it to the room
	Timezone   string   // whose hours and days count, by a name that this machine knows
}

// Similarity is a named set of exemplars. At least one of Exemplars and File is there.
type Similarity struct {
	Name      string
	Exemplars []string
	File      string // one exemplar a line, beside the configuration unless it is absolute; not read here
	Top       int    // how many of the nearest count: 1, or what pool: mean-N says
}

// Keywords are a named set of words, literals and regular expressions; at least one of them. The expressions are not compiled here.
type Keywords struct {
	Name                   string
	Words, Literals, Regex []string
	Exact                  bool // capitals and small letters are told apart
}

func signalling() Signals {
	return Signals{Difficulty: "mom-difficulty-flash", Embedder: "mom-similarity-flash", Timezone: "UTC"}
}

func (c *Config) readSignals(r *reader, n ast.Node, path string) {
	s := &c.Signals
	r.object(n, path,
		key{"models", func(n ast.Node, p string) {
			r.object(n, p,
				key{"difficulty", func(n ast.Node, p string) { readFolder(r, n, p, &s.Difficulty) }},
				key{"similarity", func(n ast.Node, p string) { readFolder(r, n, p, &s.Embedder) }})
		}},
		key{"similarity", func(n ast.Node, p string) {
			r.named(n, p, func(name string, n ast.Node, p string) {
				s.Similarity = append(s.Similarity, readSimilarity(r, n, p, name))
			})
		}},
		key{"keywords", func(n ast.Node, p string) {
			r.named(n, p, func(name string, n ast.Node, p string) { s.Keywords = append(s.Keywords, readKeywords(r, n, p, name)) })
		}},
		key{"timezone", func(n ast.Node, p string) { readZone(r, n, p, &s.Timezone) }},
		key{"languages", func(n ast.Node, p string) { readNames(r, n, p, &s.Languages) }},
	)
}

// named reads a mapping whose keys are names of the file's own.
func (r *reader) named(n ast.Node, path string, read func(name string, n ast.Node, path string)) {
	var values []*ast.MappingValueNode
	switch v := n.(type) {
	case *ast.MappingNode:
		values = v.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{v}
	}
	var keys []key
	for _, v := range values {
		name, ok := keyName(v.Key)
		if !ok || slices.ContainsFunc(keys, func(k key) bool { return k.name == name }) {
			continue // object says so
		}
		keys = append(keys, key{name, func(n ast.Node, p string) {
			if !isWord(name, 64) {
				r.fault(p, line(n), "%q is not a name of letters, digits, - _ and inner dots, at most 64", name)
				return
			}
			read(name, n, p)
		}})
	}
	r.object(n, path, keys...)
}

// readSimilarity accepts a list of exemplars or a mapping.
func readSimilarity(r *reader, n ast.Node, path, name string) Similarity {
	s := Similarity{Name: name, Top: 1}
	if !isMapping(n) {
		readTexts(r, n, path, &s.Exemplars)
		return s
	}
	r.object(n, path,
		key{"exemplars", func(n ast.Node, p string) { readTexts(r, n, p, &s.Exemplars) }},
		key{"file", func(n ast.Node, p string) { s.File, _ = r.text(n, p) }},
		key{"pool", func(n ast.Node, p string) { readPool(r, n, p, &s.Top) }})
	if r.lines[path+".exemplars"] == 0 && r.lines[path+".file"] == 0 {
		r.fault(path, line(n), "needs exemplars or a file of them")
	}
	return s
}

// readPool reads max or mean-N.
func readPool(r *reader, n ast.Node, path string, into *int) {
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	top, err := 1, error(nil)
	if s != "max" {
		number, _ := strings.CutPrefix(s, "mean-")
		top, err = strconv.Atoi(number)
		if err != nil || !strings.HasPrefix(s, "mean-") || top < 2 || top > 100 {
			r.fault(path, line(n), "%q is neither max nor mean-N, N from 2 to 100", s)
			return
		}
	}
	*into = top
}

// readKeywords accepts a list of words or a mapping.
func readKeywords(r *reader, n ast.Node, path, name string) Keywords {
	k := Keywords{Name: name}
	if !isMapping(n) {
		readTexts(r, n, path, &k.Words)
		return k
	}
	how := "ignore"
	r.object(n, path,
		key{"words", func(n ast.Node, p string) { readTexts(r, n, p, &k.Words) }},
		key{"literals", func(n ast.Node, p string) { readTexts(r, n, p, &k.Literals) }},
		key{"regex", func(n ast.Node, p string) { readTexts(r, n, p, &k.Regex) }},
		key{"case", func(n ast.Node, p string) { r.word(n, p, &how, "ignore", "exact") }})
	if r.lines[path+".words"] == 0 && r.lines[path+".literals"] == 0 && r.lines[path+".regex"] == 0 {
		r.fault(path, line(n), "needs words, literals or regex")
	}
	k.Exact = how == "exact"
	return k
}

// readTexts reads a list of texts of 1..4096 bytes that are not blank.
func readTexts(r *reader, n ast.Node, path string, into *[]string) {
	r.list(n, path, func(n ast.Node, p string) {
		s, ok := r.text(n, p)
		if ok && (strings.TrimSpace(s) == "" || len(s) > 4096) {
			r.fault(p, line(n), "a text has 1..4096 bytes and is not blank")
		}
		if i := slices.Index(*into, s); ok && i >= 0 {
			r.fault(p, line(n), "the same text stands at %s[%d]", path, i)
		}
		*into = append(*into, s)
	})
}

func readZone(r *reader, n ast.Node, path string, into *string) {
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		r.fault(path, line(n), "%q is not a time zone that this machine knows, such as UTC or Europe/Berlin", s)
		return
	}
	*into = s
}
