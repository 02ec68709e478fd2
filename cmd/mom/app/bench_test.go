package app_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/cmd/mom/app"
	"github.com/mom-router/mom/tests/stack"
)

func TestBenchClassify(t *testing.T) {
	needModel(t)
	models := tinyFamily(t) // windows of 16 tokens, of which 4 are shared
	code, out, errs := mom(t, "", "bench", "classify", "--models", models, "--model", "tiny-domain", "--rounds", "2", "--json")
	var got struct {
		Threads, Rounds int
		Views           []struct {
			View                   string
			Tokens, Allocs, Passes int
			MS                     float64
			CPU                    float64 `json:"cpu_ms"`
			Raw                    float64 `json:"raw_ms"`
			Ratio                  float64
		}
		All []struct {
			Tokens, Views, Passes int
			Over                  float64 `json:"over_first_view"`
		} `json:"all_views"`
		Workers []struct {
			Tokens int
			One    float64 `json:"one_worker_ms"`
			Two    float64 `json:"two_workers_ms"`
		}
	}
	if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil || got.Threads != 1 || got.Rounds != 2 {
		t.Fatalf("code %d, %v\n%s%s", code, err, out, errs)
	}
	passes := map[int]int{8: 1, 32: 3, 128: 13, 512: 51} // of 6, 30, 126 and 510 tokens by windows of 14, a new one every 10
	views := map[int][]string{}
	for _, v := range got.Views {
		views[v.Tokens] = append(views[v.Tokens], v.View)
		if v.Passes < passes[v.Tokens] || v.Passes > passes[v.Tokens]+1 || v.Allocs < 10 || v.MS <= 0 || v.CPU < 0 || v.Raw <= 0 || v.Ratio <= 0 {
			t.Errorf("%+v, want %d passes", v, passes[v.Tokens])
		}
	}
	one := []string{"domain", "difficulty", "jailbreak user", "jailbreak document", "pii"}
	want := map[int][]string{8: append([]string{}, append(one, "similarity")...), 32: one, 128: one, 512: one} // a vector is of one window
	if diff := cmp.Diff(want, views); diff != "" {
		t.Errorf("views by length (-want +got):\n%s", diff)
	}
	for _, a := range got.All {
		if a.Views != len(want[a.Tokens]) || a.Passes < passes[a.Tokens] || a.Passes > passes[a.Tokens]+1 || a.Over <= 0 {
			t.Errorf("all views: %+v, want the passes of one, %d", a, passes[a.Tokens])
		}
	}
	if len(got.All) != 4 || len(got.Workers) != 1 || got.Workers[0].Tokens != 512 || got.Workers[0].One <= 0 || got.Workers[0].Two <= 0 {
		t.Errorf("%d rows of all views, workers %+v", len(got.All), got.Workers)
	}
	if !strings.Contains(errs, "mom: 128 tokens\n") {
		t.Errorf("progress: %s", errs)
	}
	code, out, errs = mom(t, "", "bench", "classify", "--models", models, "--model", "tiny-domain", "--rounds", "1")
	for _, want := range []string{"tiny-domain 1, 1 workers, 1 rounds", "jailbreak document         8", "6 views", "ms with one worker"} {
		if code != 0 || !strings.Contains(out, want) || strings.Contains(out, "%!") {
			t.Errorf("code %d, no %q in\n%s%s", code, want, out, errs)
		}
	}
}

func TestBenchOfOneModelAlone(t *testing.T) {
	needModel(t)
	family := tinyFamily(t)
	models := t.TempDir()
	if err := os.CopyFS(filepath.Join(models, "tiny-domain"), os.DirFS(filepath.Join(family, "tiny-domain"))); err != nil {
		t.Fatal(err)
	}
	code, out, errs := mom(t, "", "bench", "classify", "--models", models, "--rounds", "1", "--threads", "2")
	if code != 0 || strings.Contains(out, "all views") || strings.Contains(out, "pii") || !strings.Contains(out, "tiny-domain 1, 2 workers") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
}

func TestBenchRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no threads":                {[]string{"--threads", "0"}, 2, "--threads and --rounds must be at least 1"},
		"no rounds":                 {[]string{"--rounds", "0"}, 2, "--threads and --rounds must be at least 1"},
		"a superfluous argument":    {[]string{"now"}, 2, "mom --help"},
		"a model that is not there": {[]string{"--model", "nobody"}, 1, "nobody"},
		"a folder without models":   {[]string{"--models", t.TempDir()}, 1, "no model in"},
	} {
		if code, out, errs := mom(t, "", append([]string{"bench", "classify"}, tt.args...)...); code != tt.code || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: code %d, want %d\n%s%s", name, code, tt.code, out, errs)
		}
	}
}

func TestBenchStopsAtCtrlC(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	t.Chdir(stack.Root(t))
	var out bytes.Buffer
	errs := &interrupter{t: t}
	code := app.Main([]string{"bench", "classify", "--models", models, "--rounds", "1000000"}, strings.NewReader(""), &out, errs)
	if code != 1 || out.Len() != 0 || errs.String() != "mom: 8 tokens\nmom: stopped\n" {
		t.Errorf("code %d\nout: %s\nerr: %s", code, &out, errs)
	}
}
