package extproctest_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/mom-router/mom/extproc/extproctest"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
)

// A play by other settings than the shipped ones would prove nothing about them.
func TestTheSettingsAreThoseOfTheShippedEnvoy(t *testing.T) {
	raw, err := os.ReadFile("../../deploy/envoy/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	const filterType = "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor"
	var filters []map[string]any
	var retries, limits []any
	walk(file, func(m map[string]any) {
		if m["@type"] == filterType {
			filters = append(filters, m)
		}
		if n, ok := m["num_retries"]; ok {
			retries = append(retries, n)
		}
		if n, ok := m["request_body_buffer_limit"]; ok {
			limits = append(limits, n)
		}
	})
	if len(filters) != 1 {
		t.Fatalf("%d ext_proc filters, want 1", len(filters))
	}
	delete(filters[0], "@type")
	text, err := json.Marshal(filters[0])
	if err != nil {
		t.Fatal(err)
	}
	var f extprocfilterv3.ExternalProcessor
	if err := protojson.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}

	var set extproctest.Settings
	extproctest.Start(t, extproctest.NoOp{}, func(s *extproctest.Settings) { set = *s })
	if got, want := set.MessageTimeout, f.GetMessageTimeout().AsDuration(); got != want {
		t.Errorf("MessageTimeout %v, shipped %v", got, want)
	}
	if got, want := set.MaxMessageTimeout, f.GetMaxMessageTimeout().AsDuration(); got != want {
		t.Errorf("MaxMessageTimeout %v, shipped %v", got, want)
	}
	if d := cmp.Diff(f.GetProcessingMode(), set.Mode, protocmp.Transform()); d != "" {
		t.Errorf("Mode (- shipped, + played):\n%s", d)
	}
	if d := cmp.Diff(f.GetAllowedOverrideModes(), set.Overrides, protocmp.Transform()); d != "" {
		t.Errorf("Overrides (- shipped, + played):\n%s", d)
	}
	if d := cmp.Diff(f.GetMetadataOptions().GetReceivingNamespaces().GetUntyped(), set.Namespaces); d != "" {
		t.Errorf("Namespaces (- shipped, + played):\n%s", d)
	}
	if d := cmp.Diff(f.GetMetadataOptions().GetForwardingNamespaces().GetUntyped(), set.Forwarded); d != "" {
		t.Errorf("Forwarded (- shipped, + played):\n%s", d)
	}
	if d := cmp.Diff(f.GetRequestAttributes(), set.Attributes); d != "" {
		t.Errorf("Attributes (- shipped, + played):\n%s", d)
	}
	if got, want := set.Mutable.String(), "^(?:"+f.GetMutationRules().GetAllowExpression().GetRegex()+")$"; got != want || !f.GetMutationRules().GetDisallowAll().GetValue() {
		t.Errorf("Mutable %s, shipped %s", got, want)
	}
	if !f.GetAllowModeOverride() || f.GetFailureModeAllow() || f.GetStatusOnError().GetCode() != 503 || !slices.Equal(f.GetResponseAttributes(), []string{"xds.cluster_name", "upstream.request_attempt_count"}) {
		t.Error("allow_mode_override, failure_mode_allow, status_on_error or response_attributes are not what is played")
	}
	for _, n := range retries {
		if n != uint64(set.NumRetries) {
			t.Errorf("NumRetries %d, shipped %v", set.NumRetries, n)
		}
	}
	for _, n := range limits {
		if n != uint64(set.BodyLimit) {
			t.Errorf("BodyLimit %d, shipped %v", set.BodyLimit, n)
		}
	}
	if len(retries) == 0 || len(limits) == 0 {
		t.Error("no num_retries or request_body_buffer_limit is shipped")
	}
}

// walk calls f for every map in v.
func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, inner := range v {
			walk(inner, f)
		}
	case []any:
		for _, inner := range v {
			walk(inner, f)
		}
	}
}
