package extproc

import (
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// What is read by hand must be what the generated types say.
func TestRead(t *testing.T) {
	headers := &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: ":path", RawValue: []byte("/x")}, {Key: "a", Value: "old form"}, {Key: "empty"}}}
	fields := []field{{[]byte(":path"), []byte("/x")}, {[]byte("a"), []byte("old form")}, {[]byte("empty"), nil}}
	attempts, err := structpb.NewStruct(map[string]any{"xds.cluster_name": "c", "upstream.request_attempt_count": 3})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		in   *extprocv3.ProcessingRequest
		want ask
	}{
		"an empty message": {&extprocv3.ProcessingRequest{}, ask{}},
		"request headers with everything around them": {&extprocv3.ProcessingRequest{
			Request:           &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{Headers: headers, EndOfStream: true}},
			ProtocolConfig:    &extprocv3.ProtocolConfiguration{RequestBodyMode: extprocfilterv3.ProcessingMode_BUFFERED, ResponseBodyMode: extprocfilterv3.ProcessingMode_STREAMED},
			ObservabilityMode: true,
			MetadataContext:   &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{"a": attempts}},
		}, ask{kind: askRequestHeaders, headers: fields, end: true, observed: true, mode: bodyModeBuffered, stated: true}},
		"a mode that is not stated is NONE": {&extprocv3.ProcessingRequest{ProtocolConfig: &extprocv3.ProtocolConfiguration{}}, ask{stated: true}},
		"a request body": {&extprocv3.ProcessingRequest{
			Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: []byte("{}"), EndOfStream: true}},
		}, ask{kind: askRequestBody, body: []byte("{}"), end: true}},
		"response headers with the number of attempts": {&extprocv3.ProcessingRequest{
			Request:    &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: &extprocv3.HttpHeaders{Headers: headers}},
			Attributes: map[string]*structpb.Struct{"envoy.filters.http.ext_proc": attempts},
		}, ask{kind: askResponseHeaders, headers: fields, attempts: 3}},
		"a response body": {&extprocv3.ProcessingRequest{
			Request: &extprocv3.ProcessingRequest_ResponseBody{ResponseBody: &extprocv3.HttpBody{Body: []byte("x")}},
		}, ask{kind: askResponseBody, body: []byte("x")}},
		"request trailers": {&extprocv3.ProcessingRequest{
			Request: &extprocv3.ProcessingRequest_RequestTrailers{RequestTrailers: &extprocv3.HttpTrailers{Trailers: headers}},
		}, ask{kind: askRequestTrailers}},
		"response trailers": {&extprocv3.ProcessingRequest{
			Request: &extprocv3.ProcessingRequest_ResponseTrailers{ResponseTrailers: &extprocv3.HttpTrailers{}},
		}, ask{kind: askResponseTrailers}},
		"a kind from the future": {&extprocv3.ProcessingRequest{FlowControlInit: &extprocv3.ProcessingRequest_FlowControlInit{InitialWindowDownstreamToSidestream: 7}}, ask{}},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := proto.Marshal(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(ask{}, field{}), cmpopts.IgnoreFields(ask{}, "metadata", "attributes")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for n := range raw { // a message cut anywhere is refused or read as what is left of it, never a panic
				_, _ = read(raw[:n])
			}
		})
	}
}

// What is written by hand must leave nothing that the generated types do not know.
func TestRepliesAreWholeProcessingResponses(t *testing.T) {
	body, fault := (&chat.Parser{}).Parse("", []byte(`{"model":"MoM","messages":[{"role":"user","content":"hi"}]}`))
	if fault != nil {
		t.Fatal(fault)
	}
	plan := &pipeline.Plan{Decision: "d", Domain: "computer science", Tiers: []pipeline.Tier{
		{Model: "a", Cluster: "ca", Edits: []pipeline.Edit{chat.SetModel("a")}}, {Model: "b", Cluster: "cb", Edits: []pipeline.Edit{chat.SetModel("bb")}}}}
	g := &Gateway{Backends: map[string]bool{"a": true, "b": true}}
	theirs := []field{{[]byte("x-mom-spoof"), []byte("1")}, {[]byte(":status"), []byte("503")}}
	for name, write := range map[string]func(*reply){
		"go on": func(r *reply) { passOn(r, theirs) },
		"forward": func(r *reply) {
			forward(r, body, plan, stats{"route", "computer science", "a", "mom", "ok", "", cacheStats{"hit", "x", 7, 8}}, 1500*time.Microsecond, false)
		},
		"a refusal": func(r *reply) {
			immediate(r, refuse(404, "unknown_url", "", "No.", nil), []header{{"x-mom-guard", "blocked"}}, unknownStats, 0)
		},
		"the second answered": func(r *reply) {
			g.annotate(r, &ask{kind: askResponseHeaders, headers: theirs, attempts: 2}, plan, guarded{state: "ok"}, pipeline.Recalled{}, nil, "ok")
		},
		"a mode": func(r *reply) {
			g.annotate(r, &ask{kind: askResponseHeaders, headers: theirs}, plan, guarded{state: "ok"}, pipeline.Recalled{State: "miss"}, []string{"content-length"}, "")
			writeMode(r, bodyModeBuffered)
		},
		"a chunk": func(r *reply) {
			x := &exchange{}
			x.handOn(&ask{kind: askResponseBody, body: []byte("a")}, []byte("b"), "ok")
			*r = x.out
		},
		"a trailers reply": func(r *reply) { plain(r, &ask{kind: askRequestTrailers}) },
	} {
		t.Run(name, func(t *testing.T) {
			var r reply
			write(&r)
			m := &extprocv3.ProcessingResponse{}
			if err := proto.Unmarshal(r.b, m); err != nil {
				t.Fatal(err)
			}
			known, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			again := &extprocv3.ProcessingResponse{}
			if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(known, again); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(m, again) {
				t.Errorf("fields that nobody knows in %v", m)
			}
			if m.GetResponse() == nil {
				t.Error("no answer in it")
			}
			if want := (&extprocfilterv3.ProcessingMode{RequestHeaderMode: 1, ResponseHeaderMode: 1, ResponseBodyMode: 2, RequestTrailerMode: 2, ResponseTrailerMode: 2}); name == "a mode" && !proto.Equal(want, m.GetModeOverride()) {
				t.Errorf("mode %v, want %v", m.GetModeOverride(), want)
			}
			if name == "forward" {
				got := m.GetDynamicMetadata().AsMap()
				want := map[string]any{
					"mom.stats": map[string]any{"decision": "route", "domain": "computer_science", "model": "a", "requested": "mom", "guard": "ok", "router_ms": 1.5,
						"cache": "hit", "cache_why": "x", "saved_tokens": 7.0, "saved_microusd": 8.0},
					"mom.route": map[string]any{"priority_groups": []any{
						map[string]any{"name": "tier1", "clusters": []any{map[string]any{"cluster_name": "ca", "weight": 1.0}}},
						map[string]any{"name": "tier2", "clusters": []any{map[string]any{"cluster_name": "cb", "weight": 1.0}}}}},
					"mom.tiers": map[string]any{"edits": []any{[]any{}, []any{[]any{9.0, 3.0, `"bb"`}}}},
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}

// What is read by hand of what Envoy vouches for must be what the generated types say.
func TestTenant(t *testing.T) {
	object := func(fields map[string]any) *structpb.Struct {
		s, err := structpb.NewStruct(fields)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const jwt, san = "envoy.filters.http.jwt_authn", "connection.uri_san_peer_certificate"
	m := &extprocv3.ProcessingRequest{
		Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{Headers: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
			{Key: "x-tenant", RawValue: []byte("by header")}, {Key: "x-two", RawValue: []byte("a")}, {Key: "x-two", RawValue: []byte("a")},
		}}}},
		MetadataContext: &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{
			jwt: object(map[string]any{"jwt_payload": map[string]any{
				"sub": "by claim", "n": 7, "": "by nothing", "many": []any{"a"}, "yes": true, "none": nil,
				"org": map[string]any{"id": "by org"}, "long": strings.Repeat("a", 257), "most": strings.Repeat("a", 256)}, "sub": "outside"}),
			"other": object(map[string]any{"sub": "by another filter"}),
		}},
		Attributes: map[string]*structpb.Struct{"envoy.filters.http.ext_proc": object(map[string]any{san: "spiffe://x/a", "upstream.request_attempt_count": 3})},
	}
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	a, err := read(raw)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(path ...string) Tenant { return Tenant{Namespace: jwt, Path: path} }
	for name, tt := range map[string]struct {
		by   Tenant
		want string
	}{
		"nothing":                        {Tenant{}, ""},
		"a header":                       {Tenant{Header: "x-tenant"}, "by header"},
		"a header that is not there":     {Tenant{Header: "x-nobody"}, ""},
		"a header that is there twice":   {Tenant{Header: "x-two"}, ""},
		"a claim":                        {claim("jwt_payload", "sub"), "by claim"},
		"a claim within a claim":         {claim("jwt_payload", "org", "id"), "by org"},
		"what is not in the payload":     {claim("sub"), "outside"},
		"another filter's":               {Tenant{Namespace: "other", Path: []string{"sub"}}, "by another filter"},
		"a claim that is not there":      {claim("jwt_payload", "nobody"), ""},
		"a claim below a text":           {claim("jwt_payload", "sub", "x"), ""},
		"a claim that is a number":       {claim("jwt_payload", "n"), ""},
		"a claim that is a list":         {claim("jwt_payload", "many"), ""},
		"a claim that is true":           {claim("jwt_payload", "yes"), ""},
		"a claim that is null":           {claim("jwt_payload", "none"), ""},
		"a claim that is an object":      {claim("jwt_payload", "org"), ""},
		"a claim without end":            {claim("jwt_payload", "long"), ""},
		"the longest claim":              {claim("jwt_payload", "most"), strings.Repeat("a", 256)},
		"a namespace that is not there":  {Tenant{Namespace: "envoy.filters.http.jwt", Path: []string{"jwt_payload", "sub"}}, ""},
		"a name in a certificate":        {Tenant{Attribute: san}, "spiffe://x/a"},
		"an attribute that is not there": {Tenant{Attribute: "connection.dns_san_peer_certificate"}, ""},
		"an attribute that is a number":  {Tenant{Attribute: "upstream.request_attempt_count"}, ""},
	} {
		if got := tt.by.of(&a); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{0x12, 0x02, 0x0a, 0x00})
	f.Fuzz(func(_ *testing.T, raw []byte) {
		a, _ := read(raw)
		for _, by := range []Tenant{{Header: "a"}, {Namespace: "a", Path: []string{"b", "c"}}, {Attribute: "a"}} {
			_ = by.of(&a)
		}
	})
}
