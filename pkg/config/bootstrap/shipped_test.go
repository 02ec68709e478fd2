package bootstrap_test

import (
	"testing"

	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/config/bootstrap"
)

func TestTheShippedFilesFitTogether(t *testing.T) {
	c, err := config.Load("../../../deploy/mom.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := bootstrap.Load("../../../deploy/envoy/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if faults := b.Compare(c); len(faults) > 0 {
		t.Error(faults)
	}
}
