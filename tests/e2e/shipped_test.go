package e2e_test

import (
	"os/exec"
	"testing"

	"github.com/mom-router/mom/tests/stack"
)

// TestEnvoyAcceptsTheShippedFile: Envoy's own judgement, the Lua script included.
func TestEnvoyAcceptsTheShippedFile(t *testing.T) {
	envoy := stack.Need(t, "MOM_ENVOY", ".build/bin/envoy", "MOM_REQUIRE_ENVOY")
	check := exec.Command(envoy, "--mode", "validate", "-c", "deploy/envoy/envoy.yaml", "--disable-hot-restart", "--log-level", "warning")
	check.Dir = stack.Root(t)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestTheShippedPairFits: mom's own file against Envoy's.
func TestTheShippedPairFits(t *testing.T) {
	check := exec.Command(stack.Binary(t), "check", "deploy/mom.yaml", "--envoy", "deploy/envoy/envoy.yaml")
	check.Dir = stack.Root(t)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
