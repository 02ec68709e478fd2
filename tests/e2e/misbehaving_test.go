package e2e_test

import (
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mom-router/mom/tests/stack"
)

// filter stands in for a broken mom: it does to each stream what a row of the test says.
type filter struct {
	extprocv3.UnimplementedExternalProcessorServer
	now atomic.Pointer[acts]
}

// act answers one message; end says that the stream is to end with err.
type act func(extprocv3.ExternalProcessor_ProcessServer) (end bool, err error)

type acts struct{ headers, body act }

func (f *filter) Process(stream extprocv3.ExternalProcessor_ProcessServer) error {
	for {
		m, err := stream.Recv()
		if err != nil {
			return nil //nolint:nilerr // the end of the stream
		}
		script := f.now.Load()
		do := script.headers
		switch {
		case m.GetRequestBody() != nil:
			do = script.body
		case m.GetResponseHeaders() != nil:
			do = says(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extprocv3.HeadersResponse{}}})
		}
		if end, err := do(stream); end || err != nil {
			return err
		}
	}
}

func says(replies ...*extprocv3.ProcessingResponse) act {
	return func(s extprocv3.ExternalProcessor_ProcessServer) (bool, error) {
		for _, r := range replies {
			if err := s.Send(r); err != nil {
				return true, err
			}
		}
		return false, nil
	}
}

func closes(extprocv3.ExternalProcessor_ProcessServer) (bool, error) { return true, nil }
func fails(extprocv3.ExternalProcessor_ProcessServer) (bool, error) {
	return true, status.Error(codes.Internal, "scripted")
}

func goOnHeaders() *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{}}}
}

// verdict is a body reply as mom writes it; change may spoil it.
func verdict(t testing.TB, change func(*extprocv3.CommonResponse, map[string]any)) *extprocv3.ProcessingResponse {
	t.Helper()
	common := &extprocv3.CommonResponse{ClearRouteCache: true, HeaderMutation: &extprocv3.HeaderMutation{SetHeaders: []*corev3.HeaderValueOption{
		{Header: &corev3.HeaderValue{Key: "x-mom-decision", RawValue: []byte("route")}},
		{Header: &corev3.HeaderValue{Key: "x-mom-stream", RawValue: []byte("false")}},
	}}}
	metadata := map[string]any{"mom.route": plan("small")}
	if change != nil {
		change(common, metadata)
	}
	fields, err := structpb.NewStruct(metadata)
	if err != nil {
		t.Fatal(err)
	}
	return &extprocv3.ProcessingResponse{DynamicMetadata: fields,
		Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: &extprocv3.BodyResponse{Response: common}}}
}

func plan(cluster string) map[string]any {
	return map[string]any{"priority_groups": []any{map[string]any{"name": "tier1", "clusters": []any{map[string]any{"cluster_name": cluster, "weight": 1}}}}}
}

// TestFilterMisbehaves: a processor that breaks the protocol, or writes half a verdict, opens no way to a backend. It guards envoy.yaml, not mom.
func TestFilterMisbehaves(t *testing.T) {
	s := stack.Start(t, stack.Options{Envoy: hasty, NoMoM: true})
	f := &filter{}
	serve(t, filepath.Join(s.Dir, stack.Socket), f)
	s.WaitHealthy(t)

	t.Run("a whole verdict opens it", func(t *testing.T) {
		f.now.Store(&acts{says(goOnHeaders()), says(verdict(t, nil))})
		s.Small.Play(stack.Forge(map[string]string{"x-mom-model": "forged", "x-vsr-cache-hit": "forged", "x-vllm-semantic-router-cot": "forged"}))
		a := chat(t, s, good)
		if a.status != 200 {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		for _, name := range []string{"x-mom-model", "x-vsr-cache-hit", "x-vllm-semantic-router-cot"} {
			if a.header.Get(name) != "" {
				t.Errorf("the backend's %s reached the client past a processor that let it", name)
			}
		}
	})
	spoil := func(change func(*extprocv3.CommonResponse, map[string]any)) act {
		return says(verdict(t, change))
	}
	for _, c := range []struct {
		name          string
		headers, body act
	}{
		{"closes cleanly at the headers", closes, nil},
		{"closes cleanly at the body", says(goOnHeaders()), closes},
		{"fails at the headers", fails, nil},
		{"fails at the body", says(goOnHeaders()), fails},
		{"says nothing at the headers", says(), says()},
		{"says nothing at the body", says(goOnHeaders()), says()},
		{"answers the headers twice", says(goOnHeaders(), goOnHeaders()), spoil(nil)},
		{"answers the headers as if they were the body", spoil(nil), spoil(nil)},
		{"forgets to clear the route cache", says(goOnHeaders()), spoil(func(r *extprocv3.CommonResponse, _ map[string]any) { r.ClearRouteCache = false })},
		{"forgets the decision header", says(goOnHeaders()), spoil(func(r *extprocv3.CommonResponse, _ map[string]any) {
			r.HeaderMutation.SetHeaders = r.HeaderMutation.SetHeaders[1:]
		})},
		{"writes no plan", says(goOnHeaders()), spoil(func(_ *extprocv3.CommonResponse, m map[string]any) { delete(m, "mom.route") })},
		{"writes a plan of the wrong shape", says(goOnHeaders()), spoil(func(_ *extprocv3.CommonResponse, m map[string]any) {
			m["mom.route"] = map[string]any{"priority_groups": "small"}
		})},
		{"writes a plan of names alone", says(goOnHeaders()), spoil(func(_ *extprocv3.CommonResponse, m map[string]any) {
			m["mom.route"] = map[string]any{"priority_groups": []any{map[string]any{"name": "small"}}}
		})},
		{"names a cluster that does not exist", says(goOnHeaders()), spoil(func(_ *extprocv3.CommonResponse, m map[string]any) { m["mom.route"] = plan("nowhere") })},
		{"changes the body but not its length", says(goOnHeaders()), spoil(func(r *extprocv3.CommonResponse, _ map[string]any) {
			r.BodyMutation = &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: []byte("{}")}}
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.now.Store(&acts{c.headers, c.body})
			s.Small.Play(stack.Answer("s"))
			// As an attacker would ask, who knows which header opens the routes.
			a := chat(t, s, good, with("x-mom-decision", "route"), with("X-MoM-Stream", "false"))
			if _, code := a.fault(t); code != "gateway_error" || a.status != 503 && a.status != 504 {
				t.Errorf("status %d code %q, want 503 or 504 gateway_error", a.status, code)
			}
			wantUntouched(t, s)
		})
	}
}

func serve(t testing.TB, socket string, f *filter) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	extprocv3.RegisterExternalProcessorServer(server, f)
	h := health.NewServer()
	h.SetServingStatus(extprocv3.ExternalProcessor_ServiceDesc.ServiceName, healthv1.HealthCheckResponse_SERVING)
	healthv1.RegisterHealthServer(server, h)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
}
