package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Secret says where a secret stands, never what it is: in a file or in a variable of the environment. The zero value is none.
type Secret struct{ File, Env string }

// readSecret reads the one place where a secret stands. Whether it is there is for who reads it to find.
func readSecret(r *reader, n ast.Node, path string, into *Secret) {
	before := len(r.faults)
	r.object(n, path,
		key{"file", func(n ast.Node, p string) { readPath(r, n, p, &into.File) }},
		key{"env", func(n ast.Node, p string) {
			s, ok := r.text(n, p)
			if ok && (s == "" || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "") {
				r.fault(p, line(n), "%q is not a variable's name (capitals, digits and _)", s)
			}
			into.Env = s
		}},
	)
	if (into.File == "") == (into.Env == "") && len(r.faults) == before {
		r.fault(path, line(n), "must be {file: PATH} or {env: NAME}")
	}
}

// readPath reads where a file is, or will be.
func readPath(r *reader, n ast.Node, path string, into *string) {
	s, ok := r.text(n, path)
	if ok && (s == "" || strings.HasSuffix(s, "/") || strings.ContainsRune(s, 0)) {
		r.fault(path, line(n), "names no file")
		return
	}
	*into = s
}
