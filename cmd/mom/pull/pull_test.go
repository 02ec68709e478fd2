package pull_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/cmd/mom/pull"
)

func sum(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

// good are the files of a model called tiny.
func good() map[string]string {
	const graph, tokenizer = "a graph", "a tokenizer"
	return map[string]string{
		"model.onnx": graph, "tokenizer.json": tokenizer, "README.md": "# tiny",
		"manifest.yaml": fmt.Sprintf(`name: tiny
version: "1"
task: domain
license: Apache-2.0
source: {base: some/encoder, package: some-package==1.0, revision: 0123abc, recipe: models/recipes}
graph: {file: model.onnx, sha256: %s, size: %d}
tokenizer: {file: tokenizer.json, sha256: %s, size: %d}
inputs: [input_ids, attention_mask]
output: domain
labels: [math, law]
max_tokens: 128
overlap: 64
aggregate: mean
temperature: 1.3
threshold: 0.45
self_test:
- {text: "an integral", label: math, min_probability: 0.8}
`, sum(graph), len(graph), sum(tokenizer), len(tokenizer)),
	}
}

// with is good() with one file changed.
func with(name, content string) map[string]string {
	files := good()
	files[name] = content
	return files
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// layout is an OCI image layout of the files, with the digest of its one image.
func layout(t *testing.T, files map[string]string) (dir, digest string) {
	t.Helper()
	dir = t.TempDir()
	blob := func(mediaType, content string) map[string]any {
		write(t, filepath.Join(dir, "blobs", "sha256", sum(content)), content)
		return map[string]any{"mediaType": mediaType, "digest": "sha256:" + sum(content), "size": len(content)}
	}
	layers := []any{}
	for name, content := range files {
		d := blob("application/octet-stream", content)
		d["annotations"] = map[string]string{"org.opencontainers.image.title": name}
		layers = append(layers, d)
	}
	const image = "application/vnd.oci.image.manifest.v1+json"
	config := blob("application/vnd.oci.empty.v1+json", "{}")
	manifest := encode(t, map[string]any{"schemaVersion": 2, "mediaType": image, "config": config, "layers": layers})
	index := map[string]any{"schemaVersion": 2, "manifests": []any{blob(image, manifest)}}
	write(t, filepath.Join(dir, "index.json"), encode(t, index))
	write(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
	return dir, sum(manifest)
}

func encode(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// archive is a .tar.gz with these entries first and then the files, all below the folder.
func archive(t *testing.T, below string, files map[string]string, first ...*tar.Header) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for name, content := range files {
		first = append(first, &tar.Header{Name: below + name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content)), PAXRecords: map[string]string{"comment": content}})
	}
	for _, h := range first {
		content := h.PAXRecords["comment"]
		h.PAXRecords = nil
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// serve is the URL of the content.
func serve(t *testing.T, content string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/tiny.tar.gz" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip") // as some servers call a .tar.gz
		_, _ = w.Write([]byte(content))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/tiny.tar.gz"
}

// tree is every file below dir with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if d.IsDir() {
			out[name+"/"] = ""
			return nil
		}
		raw, err := os.ReadFile(path)
		out[name] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// installed is what a models folder with good() alone holds.
func installed() map[string]string {
	out := map[string]string{"tiny/": ""}
	for name, content := range good() {
		out["tiny/"+name] = content
	}
	return out
}

// install does the whole, as the command does.
func install(t *testing.T, models string, s pull.Source, force bool) (changed bool, err error) {
	t.Helper()
	staged, err := pull.Fetch(t.Context(), models, s)
	if err != nil {
		return false, err
	}
	changed, err = staged.Install(force)
	return changed, errors.Join(err, staged.Discard())
}

// broken flips one byte.
func broken(content string) string {
	raw := []byte(content)
	raw[len(raw)/2] ^= 1
	return string(raw)
}

func TestPull(t *testing.T) {
	more := with("config.json", "{}") // left behind
	more["LICENSE"] = "as you like"
	all := installed()
	all["tiny/LICENSE"] = "as you like"
	image, digest := layout(t, more)
	packed := archive(t, "some-name/", more, &tar.Header{Name: "some-name/", Typeflag: tar.TypeDir, Mode: 0o755}, &tar.Header{Name: "some-name/._README.md", Typeflag: tar.TypeReg})
	flat := archive(t, "./", more)
	for name, s := range map[string]pull.Source{
		"a folder": {From: folder(t, more)},
		"a folder whose manifest has that checksum": {From: folder(t, more), SHA256: sum(more["manifest.yaml"]), Name: "tiny"},
		"an OCI image layout":                       {From: image},
		"an OCI image by its digest":                {From: image, SHA256: digest},
		"an archive of a folder over HTTP":          {From: serve(t, packed), SHA256: sum(packed)},
		"an archive of files over HTTP":             {From: serve(t, flat), SHA256: sum(flat)},
	} {
		t.Run(name, func(t *testing.T) {
			models := t.TempDir()
			var read int64
			s.Progress = func(n int64) { read = n }
			if changed, err := install(t, models, s, false); err != nil || !changed {
				t.Fatalf("changed %t, %v", changed, err)
			}
			if diff := cmp.Diff(all, tree(t, models)); diff != "" {
				t.Errorf("models (-want +got):\n%s", diff)
			}
			if read == 0 {
				t.Error("no progress was shown")
			}
			if changed, err := install(t, models, s, false); err != nil || changed {
				t.Errorf("a second time: changed %t, %v", changed, err)
			}
		})
	}
}

func TestPullRefusesWhatDoesNotHold(t *testing.T) {
	dir := func(files map[string]string) func(*testing.T) pull.Source {
		return func(t *testing.T) pull.Source { return pull.Source{From: folder(t, files)} }
	}
	image := func(files map[string]string, spoil func(dir string)) func(*testing.T) pull.Source {
		return func(t *testing.T) pull.Source {
			dir, _ := layout(t, files)
			spoil(dir)
			return pull.Source{From: dir}
		}
	}
	web := func(files map[string]string, first ...*tar.Header) func(*testing.T) pull.Source {
		return func(t *testing.T) pull.Source {
			content := archive(t, "tiny/", files, first...)
			return pull.Source{From: serve(t, content), SHA256: sum(content)}
		}
	}
	blob := func(content string) func(dir string) {
		return func(dir string) { write(t, filepath.Join(dir, "blobs", "sha256", sum(content)), broken(content)) }
	}
	without := func(name string) map[string]string {
		files := good()
		delete(files, name)
		return files
	}
	for name, tt := range map[string]struct {
		source func(*testing.T) pull.Source
		want   string
	}{
		"one bit of the graph, in a folder":      {dir(with("model.onnx", broken("a graph"))), "sha256 is"},
		"one bit of the graph, in a layout":      {image(good(), blob("a graph")), "the image's manifest says 7 and " + sum("a graph")},
		"one bit of the graph, in an archive":    {web(with("model.onnx", broken("a graph"))), "sha256 is"},
		"a longer tokenizer":                     {dir(with("tokenizer.json", "a tokenizer!")), "12 bytes"},
		"a fault in the manifest":                {dir(with("manifest.yaml", strings.Replace(good()["manifest.yaml"], "overlap", "ovrelap", 1))), "ovrelap: unknown key"},
		"a manifest that is no YAML":             {dir(with("manifest.yaml", "name: [")), "not readable as YAML"},
		"a manifest of two megabytes":            {dir(with("manifest.yaml", "#"+strings.Repeat("x", 2<<20))), "more than 1048576 bytes"},
		"a name that leaves the models":          {dir(with("manifest.yaml", strings.Replace(good()["manifest.yaml"], "name: tiny", "name: ../tiny", 1))), "name: want"},
		"a graph outside the folder":             {dir(with("manifest.yaml", strings.Replace(good()["manifest.yaml"], "file: model.onnx", "file: ../model.onnx", 1))), "not the plain name"},
		"a folder without a tokenizer":           {dir(without("tokenizer.json")), "no such file"},
		"a folder that holds no model":           {dir(without("manifest.yaml")), "holds neither manifest.yaml nor"},
		"no folder":                              {func(*testing.T) pull.Source { return pull.Source{From: "nowhere"} }, "nowhere"},
		"an archive that holds no model":         {web(without("manifest.yaml")), "holds no manifest.yaml"},
		"a layout that holds no model":           {image(without("manifest.yaml"), func(string) {}), "holds no manifest.yaml"},
		"one byte of the image's manifest":       {image(good(), spoilManifest), "the image's manifest has"},
		"a layout of another version":            {image(good(), func(dir string) { write(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion":"2"}`) }), `"2" is not 1.0.0`},
		"a layout without images":                {image(good(), func(dir string) { write(t, filepath.Join(dir, "index.json"), `{"manifests":[]}`) }), "names 0 images"},
		"a layout with a digest that is a path":  {image(good(), func(dir string) { write(t, filepath.Join(dir, "index.json"), indexOf("sha256:../../x")) }), "is not a sha256"},
		"a layer whose title is a path":          {image(with("../evil", "x"), func(string) {}), `"../evil" is not the plain name`},
		"an archive path that climbs out":        {web(good(), &tar.Header{Name: "../evil", Typeflag: tar.TypeReg}), `"../evil" lies outside`},
		"an archive path that climbs out inside": {web(good(), &tar.Header{Name: "tiny/../../evil", Typeflag: tar.TypeReg}), "lies outside"},
		"an absolute archive path":               {web(good(), &tar.Header{Name: "/etc/evil", Typeflag: tar.TypeReg}), "lies outside"},
		"an archive with a symbolic link":        {web(good(), &tar.Header{Name: "tiny/link", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}), "is not a plain file"},
		"an archive with a hard link":            {web(good(), &tar.Header{Name: "tiny/link", Linkname: "tiny/model.onnx", Typeflag: tar.TypeLink}), "is not a plain file"},
		"an archive with a pipe":                 {web(good(), &tar.Header{Name: "tiny/pipe", Typeflag: tar.TypeFifo}), "is not a plain file"},
		"an archive with a folder in the folder": {web(good(), &tar.Header{Name: "tiny/sub/x", Typeflag: tar.TypeReg}), "one flat folder"},
		"an archive of two folders":              {web(good(), &tar.Header{Name: "big/x", Typeflag: tar.TypeReg}), "one flat folder"},
		"an archive with a file twice":           {web(good(), &tar.Header{Name: "tiny/model.onnx", Typeflag: tar.TypeReg}), "holds model.onnx twice"},
		"an archive of very many files":          {web(many(100)), "more than 64 files"},
		"what is no archive":                     {func(t *testing.T) pull.Source { return pull.Source{From: serve(t, "hello"), SHA256: sum("hello")} }, "not a .tar.gz"},
		"an archive with another checksum": {func(t *testing.T) pull.Source {
			return pull.Source{From: serve(t, broken(archive(t, "", good()))), SHA256: sum("x")}
		}, "sha256 of what came is"},
		"a page that is not there":         {func(t *testing.T) pull.Source { return pull.Source{From: serve(t, "") + "x", SHA256: sum("")} }, "404 Not Found"},
		"a manifest with another checksum": {func(t *testing.T) pull.Source { return pull.Source{From: folder(t, good()), SHA256: sum("x")} }, "sha256 of manifest.yaml is"},
		"an image with another digest":     {func(t *testing.T) pull.Source { s := image(good(), func(string) {})(t); s.SHA256 = sum("x"); return s }, "names no image with"},
		"a model of another name":          {func(t *testing.T) pull.Source { return pull.Source{From: folder(t, good()), Name: "small"} }, "is called tiny, not small"},
		"more bytes than allowed, in a folder": {func(t *testing.T) pull.Source {
			return pull.Source{From: folder(t, with("README.md", strings.Repeat("a", 5000))), Limit: 4000}
		}, "larger than a model may be"},
		"more bytes than allowed, once unpacked": {func(t *testing.T) pull.Source {
			s := web(with("README.md", strings.Repeat("a", 1<<20)))(t)
			s.Limit = 1 << 19
			return s
		}, "larger than a model may be"},
		"more bytes than allowed, before a header": {func(t *testing.T) pull.Source {
			s := web(with(".hidden", strings.Repeat("a", 1<<20)))(t)
			s.Limit = 1 << 19
			return s
		}, "larger than a model may be"},
		"a link in the place of the graph": {func(t *testing.T) pull.Source {
			dir := folder(t, without("model.onnx"))
			if err := os.Symlink(filepath.Join(folder(t, good()), "model.onnx"), filepath.Join(dir, "model.onnx")); err != nil {
				t.Fatal(err)
			}
			return pull.Source{From: dir}
		}, "symbolic link"},
	} {
		t.Run(name, func(t *testing.T) {
			models := t.TempDir()
			if _, err := install(t, models, tt.source(t), true); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q in it", err, tt.want)
			}
			if left := tree(t, models); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// spoilManifest changes one byte of the image's manifest so that it still reads as JSON.
func spoilManifest(dir string) {
	blobs, _ := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	for _, blob := range blobs {
		raw, _ := os.ReadFile(blob)
		_ = os.WriteFile(blob, bytes.Replace(raw, []byte(`"schemaVersion":2`), []byte(`"schemaVersion":3`), 1), 0o644)
	}
}

func indexOf(digest string) string {
	return `{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"` + digest + `"}]}`
}

func many(n int) map[string]string {
	files := good()
	for i := range n {
		files[fmt.Sprintf("file-%d", i)] = ""
	}
	return files
}

func TestSourceThatMakesNoSense(t *testing.T) {
	for name, tt := range map[string]struct {
		source pull.Source
		want   string
	}{
		"nothing":                    {pull.Source{}, "is empty"},
		"the web without checksum":   {pull.Source{From: "https://example.com/a.tar.gz"}, "needs its sha256"},
		"a short checksum":           {pull.Source{From: "x", SHA256: "abc"}, "64 lower-case"},
		"another scheme":             {pull.Source{From: "ftp://example.com/a.tar.gz"}, "cannot pull from ftp://"},
		"a name that is no name":     {pull.Source{From: "x", Name: "../x"}, "cannot be the name"},
		"a folder with a colon":      {pull.Source{From: "a:b"}, ""},
		"a web address is all it is": {pull.Source{From: "http://example.com/a.tar.gz", SHA256: sum("")}, ""},
	} {
		err := tt.source.Check()
		if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestAnotherModelOfThatNameIsReplacedOnlyByForce(t *testing.T) {
	models := t.TempDir()
	if _, err := install(t, models, pull.Source{From: folder(t, good())}, false); err != nil {
		t.Fatal(err)
	}
	next := with("README.md", "# another tiny")
	want := installed()
	if _, err := install(t, models, pull.Source{From: folder(t, next)}, false); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("without force: %v", err)
	}
	if diff := cmp.Diff(want, tree(t, models)); diff != "" {
		t.Errorf("after a refusal (-want +got):\n%s", diff)
	}
	changed, err := install(t, models, pull.Source{From: folder(t, next)}, true)
	want["tiny/README.md"] = "# another tiny"
	if diff := cmp.Diff(want, tree(t, models)); diff != "" || err != nil || !changed {
		t.Errorf("with force: changed %t, %v (-want +got):\n%s", changed, err, diff)
	}
	// A spoiled copy is different too, and force mends it.
	write(t, filepath.Join(models, "tiny", "model.onnx"), "")
	if _, err := install(t, models, pull.Source{From: folder(t, next)}, false); err == nil {
		t.Error("a spoiled model passed as the same")
	}
	if changed, err := install(t, models, pull.Source{From: folder(t, next)}, true); err != nil || !changed {
		t.Errorf("mending: changed %t, %v", changed, err)
	}
}

func TestForceNeverReplacesWhatIsNoModel(t *testing.T) {
	models := folder(t, map[string]string{"tiny/thesis.txt": "the only copy"})
	if _, err := install(t, models, pull.Source{From: folder(t, good())}, true); err == nil || !strings.Contains(err.Error(), "is no model") {
		t.Errorf("error is %v", err)
	}
	if diff := cmp.Diff(map[string]string{"tiny/": "", "tiny/thesis.txt": "the only copy"}, tree(t, models)); diff != "" {
		t.Errorf("models (-want +got):\n%s", diff)
	}
}

// half serves the first half of a download and then does as told.
func half(t *testing.T, then func(http.ResponseWriter, *http.Request)) pull.Source {
	t.Helper()
	content := archive(t, "", good())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write([]byte(content[:len(content)/2]))
		_ = http.NewResponseController(w).Flush()
		then(w, r)
	}))
	t.Cleanup(s.Close)
	return pull.Source{From: s.URL, SHA256: sum(content)}
}

func TestInterruptedDownloadLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	stalled, stopped := half(t, wait), half(t, func(w http.ResponseWriter, r *http.Request) { cancel(); wait(w, r) })
	stalled.Stall = 100 * time.Millisecond
	for name, tt := range map[string]struct {
		ctx    context.Context
		source pull.Source
		want   string
	}{
		"by the server":  {t.Context(), half(t, func(http.ResponseWriter, *http.Request) {}), "unexpected EOF"},
		"by silence":     {t.Context(), stalled, "fallen silent"},
		"by its context": {ctx, stopped, "context canceled"},
	} {
		models := t.TempDir()
		if _, err := pull.Fetch(tt.ctx, models, tt.source); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want %q in it", name, err, tt.want)
		}
		if left := tree(t, models); len(left) > 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

func TestSlowDownloadIsNotASilentOne(t *testing.T) {
	content := archive(t, "", good())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pace := time.NewTicker(250 * time.Millisecond)
		defer pace.Stop()
		for part := range 6 {
			_, _ = w.Write([]byte(content[part*len(content)/6 : (part+1)*len(content)/6]))
			_ = http.NewResponseController(w).Flush()
			select {
			case <-pace.C:
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	if _, err := install(t, t.TempDir(), pull.Source{From: s.URL, SHA256: sum(content), Stall: time.Second}, false); err != nil {
		t.Errorf("a second and a half with a byte every quarter of one: %v", err)
	}
}

func TestErrorsNameTheSourceWithoutItsPassword(t *testing.T) {
	url := strings.Replace(serve(t, "hello"), "http://", "http://me:secret@", 1)
	_, err := pull.Fetch(t.Context(), t.TempDir(), pull.Source{From: url, SHA256: sum("x")})
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "/tiny.tar.gz") {
		t.Errorf("error is %v", err)
	}
}
