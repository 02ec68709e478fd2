package failover_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mom-router/mom/tests/stack"
)

// TestAWholeAnswerHasItsOwnLimit: its headers come after the whole generation, so the time to the first byte of a stream must not bound it.
func TestAWholeAnswerHasItsOwnLimit(t *testing.T) {
	s := stack.Start(t, stack.Options{Config: example(t), Envoy: func(yaml string) string {
		return strings.Replace(yaml, "per_try_timeout: 30s", "per_try_timeout: 0.5s", 1)
	}})
	release := make(chan struct{})
	s.Small.Play(func(w http.ResponseWriter, r *http.Request, got stack.Received) {
		select {
		case <-release:
			answer("small")(w, r, got)
		case <-r.Context().Done():
		}
	})
	s.Large.Play(answer("large"))
	whole := make(chan seen)
	go func() { whole <- ask(t, s, false, make(chan struct{})) }()
	stack.Until(t, patience, "the first backend has the request", func() error {
		if len(s.Small.Received()) == 0 {
			return errors.New("nothing came")
		}
		return nil
	})
	if got := ask(t, s, true, make(chan struct{})); got.client != "200 from large" || got.attempts != "2" {
		t.Errorf("a stream: %+v, want the second backend's", got)
	}
	close(release)
	if got := <-whole; got.client != "200 from small" || got.attempts != "1" {
		t.Errorf("a whole answer: %+v, want the first backend's", got)
	}
}

// TestNoFilterSeesACut holds what docs/fallbacks.md says of Envoy: a filter sees the end of a whole answer, and nothing where the backend died. The day it
// does, a cut stream can be given a proper end.
func TestNoFilterSeesACut(t *testing.T) {
	lua := func(indent, where string) string {
		lines := []string{
			"- name: sees." + where, "  typed_config:", `    "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua`,
			"    default_source_code: {inline_string: \"function envoy_on_response(h) for c in h:bodyChunks() do end h:logWarn('the end, " + where + "') end\"}",
		}
		return indent + strings.Join(lines, "\n"+indent) + "\n"
	}
	s := stack.Start(t, stack.Options{Config: example(t), Envoy: func(yaml string) string {
		for at, where := range map[string]string{"          - name: mom.ext_proc\n": "downstream", "              - &tier_filter\n": "upstream"} {
			if strings.Count(yaml, at) != 1 {
				t.Fatalf("%q does not stand there once", at)
			}
			indent := at[:strings.Index(at, "-")]
			yaml = strings.Replace(yaml, at, lua(indent, where)+at, 1)
		}
		return yaml
	}})
	ends := func() (n [2]int) {
		log := s.Envoy.Log(t)
		return [2]int{strings.Count(log, "the end, downstream"), strings.Count(log, "the end, upstream")}
	}
	before := ends() // of Envoy's own page
	for _, c := range []struct {
		row  row
		want [2]int
	}{
		{row{name: "whole"}, [2]int{1, 1}},
		{row{name: "cut", dies: true}, [2]int{1, 1}},
		{row{name: "whole again"}, [2]int{2, 2}},
	} {
		run(t, s, c.row, true)
		if c.row.dies {
			continue // the next row's line comes after any of this one's
		}
		stack.Until(t, patience, "Envoy's filters see the end", func() error {
			if got := ends(); got[0]-before[0] != c.want[0] || got[1]-before[1] != c.want[1] {
				return fmt.Errorf("%s: seen %v times, want %v more than %v", c.row.name, got, c.want, before)
			}
			return nil
		})
	}
}
