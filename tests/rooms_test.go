// Package tests_test holds what is true of the repository as a whole.
package tests_test

import (
	"bufio"
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module    = "github.com/mom-router/mom"
	envoyAPI  = "github.com/envoyproxy/go-control-plane"
	grpc      = "google.golang.org/grpc"
	runtime   = "github.com/yalue/onnxruntime_go"
	tokenizer = "github.com/daulet/tokenizers"
	milvus    = "github.com/milvus-io/milvus-sdk-go"
)

// never lists, for each room, the import paths that none of its packages may reach, not even through others. The longest room that a package
// lies in decides. Imports point inward: cmd -> extproc -> pkg/pipeline <- the stages -> classifiers (contracts) <- their kinds.
var never = map[string][]string{
	"cmd":                 {},
	"extproc":             {runtime, tokenizer, module + "/classifiers", module + "/cmd", module + "/pkg/config", module + "/pkg/guard", module + "/pkg/recall", module + "/pkg/route"},
	"pkg":                 {envoyAPI, grpc, runtime, tokenizer, module + "/extproc", module + "/cmd"},
	"pkg/pipeline":        {"."}, // the standard library only; a dot is in the first element of every other path
	"pkg/evaluate":        {"."},
	"pkg/chat":            {envoyAPI, grpc, module + "/classifiers", module + "/extproc", module + "/cmd", module + "/pkg/config", module + "/pkg/guard", module + "/pkg/recall", module + "/pkg/route", module + "/pkg/cot"},
	"pkg/cot":             {envoyAPI, grpc, module + "/classifiers", module + "/extproc", module + "/cmd", module + "/pkg/config", module + "/pkg/guard", module + "/pkg/recall", module + "/pkg/route", module + "/pkg/chat"},
	"pkg/config":          {envoyAPI, grpc, module + "/classifiers", module + "/extproc", module + "/cmd", module + "/pkg/pipeline", module + "/pkg/chat", module + "/pkg/cot", module + "/pkg/guard", module + "/pkg/recall", module + "/pkg/route"},
	"pkg/guard":           {envoyAPI, grpc, runtime, tokenizer, module + "/extproc", module + "/cmd", module + "/pkg/guard/text/hiding", module + "/pkg/config", module + "/pkg/recall", module + "/pkg/route"},
	"pkg/recall":          {envoyAPI, grpc, runtime, tokenizer, module + "/extproc", module + "/cmd", module + "/pkg/config", module + "/pkg/guard", module + "/pkg/route"},
	"pkg/recall/milvus":   {envoyAPI, runtime, tokenizer, module + "/extproc", module + "/cmd", module + "/pkg/config", module + "/pkg/guard", module + "/pkg/route"}, // its client speaks gRPC
	"pkg/recall/breaker":  {envoyAPI, grpc, runtime, tokenizer, module + "/extproc", module + "/cmd", module + "/pkg/config", module + "/pkg/guard", module + "/pkg/route", milvus},
	"pkg/recall/tiered":   {envoyAPI, grpc, runtime, tokenizer, module + "/extproc", module + "/cmd", module + "/pkg/config", module + "/pkg/guard", module + "/pkg/route", milvus},
	"pkg/route":           {envoyAPI, grpc, runtime, tokenizer, module + "/extproc", module + "/cmd", module + "/pkg/config", module + "/pkg/guard"},
	"classifiers":         {envoyAPI, grpc, runtime, tokenizer, module + "/pkg", module + "/extproc", module + "/cmd"},
	"classifiers/onnx":    {envoyAPI, grpc, module + "/pkg", module + "/extproc", module + "/cmd"},
	"classifiers/pattern": {envoyAPI, grpc, runtime, tokenizer, module + "/classifiers/onnx", module + "/classifiers/catalog", module + "/pkg", module + "/extproc", module + "/cmd"},
	"scripts":             {module + "/cmd", module + "/extproc"},
	"tests":               {},
}

// TestRooms asks the compiler's own list of imports. Go does not see that the result depends on other packages: run it with -count=1.
func TestRooms(t *testing.T) {
	imports := load(t)
	for path := range imports {
		room, ok := strings.CutPrefix(path, module+"/")
		if !ok {
			continue
		}
		forbidden, ok := never[longest(room)]
		if !ok {
			t.Errorf("%s lies in no room of the table", room)
		}
		for _, prefix := range forbidden {
			if way := reach(imports, path, prefix); way != nil {
				t.Errorf("%s must never reach %s: %s", room, prefix, strings.Join(way, " -> "))
			}
		}
	}
}

// TestDoors: a heavy dependency has one room that imports it; the others get it through that room's own words.
func TestDoors(t *testing.T) {
	for path, direct := range load(t) {
		room, ok := strings.CutPrefix(path, module+"/")
		if !ok {
			continue
		}
		for dependency, door := range map[string]string{envoyAPI: "extproc", runtime: "classifiers/onnx", tokenizer: "classifiers/onnx", milvus: "pkg/recall/milvus"} {
			if !within(room, door) && slices.ContainsFunc(direct, func(p string) bool { return within(p, dependency) }) {
				t.Errorf("%s imports %s, which only %s does", room, dependency, door)
			}
		}
	}
}

// load is the import graph of every package in the repository and of all they need, tests left out.
func load(t testing.TB) map[string][]string {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...")
	out, err := list.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("go list: %v\n%s", err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string][]string{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		imports[fields[0]] = fields[1:]
	}
	if len(imports[module+"/pkg/pipeline"]) == 0 {
		t.Fatal("go list did not show pkg/pipeline; this test would hold nothing")
	}
	return imports
}

// reach is a way from one package to a forbidden path, nil when there is none.
func reach(imports map[string][]string, from, forbidden string) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range imports[queue[0]] {
			if _, seen := before[next]; seen {
				continue
			}
			before[next] = queue[0]
			if !matches(next, forbidden) {
				queue = append(queue, next)
				continue
			}
			var way []string
			for at := next; at != ""; at = before[at] {
				way = append(way, at)
			}
			slices.Reverse(way)
			return way
		}
	}
	return nil
}

// matches reports whether a path is forbidden; "." stands for everything outside the standard library.
func matches(path, forbidden string) bool {
	if forbidden == "." {
		first, _, _ := strings.Cut(path, "/")
		return strings.Contains(first, ".")
	}
	return within(path, forbidden)
}

func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func longest(room string) string {
	for ; room != ""; room = room[:max(0, strings.LastIndex(room, "/"))] {
		if _, ok := never[room]; ok {
			return room
		}
	}
	return ""
}
