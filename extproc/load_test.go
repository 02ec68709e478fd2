package extproc_test

import (
	"testing"

	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/extproc/extproctest"
	"github.com/mom-router/mom/pkg/route/load"
)

func TestLoadHearsHowBackendsDo(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []extproctest.Response
		small   load.Seen
		large   load.Seen
	}{
		{"an answer has a time", []extproctest.Response{{Status: 200}}, load.Seen{Told: 1, Timed: 1}, load.Seen{}},
		{"a client's fault is an answer", []extproctest.Response{{Status: 400}}, load.Seen{Told: 1, Timed: 1}, load.Seen{}},
		{"that another answered is a failure of the first, and of the other's time nothing is known", []extproctest.Response{{Status: 503}, {Status: 200}},
			load.Seen{Told: 1, Failed: 1}, load.Seen{Told: 1}},
		{"both may fail", []extproctest.Response{{Status: 503}}, load.Seen{Told: 1, Failed: 1}, load.Seen{Told: 1, Failed: 1}},
	} {
		l := load.New("small", "large")
		e := extproctest.Start(t, server(t, planner{}, func(g *extproc.Gateway) { g.Load = l }))
		n := 0
		e.Do(t.Context(), post(say("hello")), func(extproctest.Upstream) extproctest.Response {
			if s := l.Seen("small"); s.Waiting != 1 {
				t.Errorf("%s: %d wait while the backend is asked", tt.name, s.Waiting)
			}
			n++
			return tt.answers[min(n, len(tt.answers))-1]
		})
		for name, want := range map[string]load.Seen{"small": tt.small, "large": tt.large} {
			got := l.Seen(name)
			if got.Told != want.Told || got.Failed != want.Failed || got.Timed != want.Timed || got.Waiting != 0 {
				t.Errorf("%s: of %s %d told, %d failed, %d timed, %d wait", tt.name, name, got.Told, got.Failed, got.Timed, got.Waiting)
			}
		}
	}
}
