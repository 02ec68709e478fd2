package app

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/config"
)

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	enough := strings.Repeat("s", 31) + "\n"
	t.Setenv("MOM_TEST_SECRET", enough)
	t.Setenv("MOM_TEST_SHORT", enough[1:])
	for name, tt := range map[string]struct {
		secret config.Secret
		want   string // of the fault; "" for none
	}{
		"none":                             {secret: config.Secret{}},
		"in a file":                        {secret: config.Secret{File: file("good", []byte(enough))}},
		"in a variable":                    {secret: config.Secret{Env: "MOM_TEST_SECRET"}},
		"a file that is not there":         {config.Secret{File: filepath.Join(dir, "nowhere")}, "no such file"},
		"a folder":                         {config.Secret{File: dir}, "not a file"},
		"a file of 31 bytes":               {config.Secret{File: file("short", []byte(enough[1:]))}, "32 to 4096 bytes"},
		"a file of a megabyte":             {config.Secret{File: file("long", bytes.Repeat([]byte("s"), 1<<20))}, "32 to 4096 bytes"},
		"a variable of 31 bytes":           {config.Secret{Env: "MOM_TEST_SHORT"}, "32 to 4096 bytes"},
		"a variable that nobody has set":   {config.Secret{Env: "MOM_TEST_UNSET"}, "not set"},
		"a file that is a device, endless": {config.Secret{File: "/dev/zero"}, "not a file"},
	} {
		got, err := readSecret(&config.Config{}, "recall.secret", tt.secret)
		var faults config.Faults
		switch {
		case tt.want == "" && (err != nil || tt.secret != config.Secret{} && string(got) != enough):
			t.Errorf("%s: %q %v", name, got, err)
		case tt.want != "" && (!errors.As(err, &faults) || faults[0].Path != "recall.secret" || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "sss")):
			t.Errorf("%s: %v, want a fault that says %q", name, err, tt.want)
		}
	}
}
