package app

import (
	"errors"
	"io/fs"
	"os"

	"github.com/mom-router/mom/pkg/config"
)

// The bytes of a secret: fewer can be guessed, and more were meant to be something else.
const (
	leastSecret = 32
	mostSecret  = 4096
)

// readSecret reads the secret that a configuration names at path, nil when it names none. It is used as it stands, a line break at its end and all. What is
// wrong with it comes back as config.Faults, which never hold a byte of it.
func readSecret(cfg *config.Config, path string, s config.Secret) ([]byte, error) {
	wrong := func(format string, args ...any) ([]byte, error) {
		return nil, config.Faults{cfg.Fault(path, format, args...)}
	}
	var b []byte
	where := "the variable " + s.Env
	switch {
	case s.Env != "":
		v, ok := os.LookupEnv(s.Env)
		if !ok {
			return wrong("%s is not set", where)
		}
		b = []byte(v)
	case s.File != "":
		where = s.File
		info, err := os.Stat(where)
		if err == nil && !info.Mode().IsRegular() {
			return wrong("%s is not a file", where)
		}
		if err == nil && info.Size() <= mostSecret {
			b, err = os.ReadFile(where)
		} else if err == nil {
			b = make([]byte, mostSecret+1)
		}
		if err != nil {
			var cause *fs.PathError
			if errors.As(err, &cause) {
				err = cause.Err
			}
			return wrong("%s: %v", where, err)
		}
	default:
		return nil, nil
	}
	if len(b) < leastSecret || len(b) > mostSecret {
		return wrong("%s must hold %d to %d bytes that nobody can guess", where, leastSecret, mostSecret)
	}
	return b, nil
}
