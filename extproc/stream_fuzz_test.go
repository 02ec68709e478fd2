package extproc

import (
	"context"
	"io"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// played is a stream whose messages are given, and whose replies are kept.
type played struct {
	grpc.ServerStream
	in  [][]byte
	out []*extprocv3.ProcessingResponse
	raw [][]byte // each message that was read
}

func (p *played) Context() context.Context { return context.Background() }

func (p *played) RecvMsg(m any) error {
	if len(p.in) == 0 {
		return io.EOF
	}
	raw := p.in[0]
	p.in, p.raw = p.in[1:], append(p.raw, raw)
	return proto.Unmarshal(raw, m.(proto.Message))
}

func (p *played) SendMsg(m any) error {
	raw, err := proto.Marshal(m.(proto.Message))
	if err != nil {
		return err
	}
	r := &extprocv3.ProcessingResponse{}
	if err := proto.Unmarshal(raw, r); err != nil {
		return err
	}
	p.out = append(p.out, r)
	return nil
}

func (p *played) Recv() (*extprocv3.ProcessingRequest, error) { panic("messages are read by hand") }
func (p *played) Send(*extprocv3.ProcessingResponse) error    { panic("replies are written by hand") }

// toDefault plans one backend for everything.
type toDefault struct{}

func (toDefault) Name() string { return "route" }

func (toDefault) Run(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) {
	return pipeline.Outcome{Finding: pipeline.Plan{Decision: "default", Tiers: []pipeline.Tier{{Model: "a", Cluster: "a", Edits: []pipeline.Edit{chat.SetModel("a")}}}}}, nil
}

// FuzzStream plays messages of any kind in any order: no panic, at most one reply a message, a reply of the message's own kind or an end, nothing
// after the end, and never nil before the verdict.
func FuzzStream(f *testing.F) {
	headers := func(pairs ...string) *extprocv3.HttpHeaders {
		h := &corev3.HeaderMap{}
		for i := 0; i+1 < len(pairs); i += 2 {
			h.Headers = append(h.Headers, &corev3.HeaderValue{Key: pairs[i], RawValue: []byte(pairs[i+1])})
		}
		return &extprocv3.HttpHeaders{Headers: h}
	}
	post := headers(":method", "POST", ":path", "/v1/chat/completions")
	good := []byte(`{"model":"MoM","messages":[{"role":"user","content":"hi"}]}`)
	var kinds [][]byte
	for _, m := range []*extprocv3.ProcessingRequest{
		{},
		{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: post}},
		{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: good, EndOfStream: true}}},
		{Request: &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: headers(":status", "200", "x-mom-model", "spoof")}},
		{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: []byte("{"), EndOfStream: true}}},
		{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: headers(":method", "GET", ":path", "/v1/models")}},
		{Request: &extprocv3.ProcessingRequest_RequestTrailers{RequestTrailers: &extprocv3.HttpTrailers{}}},
		{Request: &extprocv3.ProcessingRequest_ResponseBody{ResponseBody: &extprocv3.HttpBody{}}},
		{Request: &extprocv3.ProcessingRequest_ResponseTrailers{ResponseTrailers: &extprocv3.HttpTrailers{}}},
		{ObservabilityMode: true},
		{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: post}, ProtocolConfig: &extprocv3.ProtocolConfiguration{}},
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		kinds = append(kinds, raw)
	}
	run, err := pipeline.New(pipeline.Step{Stage: toDefault{}})
	if err != nil {
		f.Fatal(err)
	}
	s := NewServer(zap.NewNop())
	s.Use(&Gateway{Parser: &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}, Runner: run})
	f.Add([]byte{}, []byte{})
	f.Add([]byte{1}, []byte{})
	f.Add([]byte{1, 2, 3}, []byte{})
	f.Add([]byte{3, 1, 2, 2, 3}, []byte{0x12})
	f.Add([]byte{5}, []byte{0xff})
	f.Add([]byte{1, 9, 2}, []byte{})
	f.Fuzz(func(t *testing.T, order, junk []byte) {
		p := &played{}
		for _, k := range order[:min(len(order), 20)] {
			if i := int(k) % (len(kinds) + 1); i < len(kinds) {
				p.in = append(p.in, kinds[i])
			} else {
				p.in = append(p.in, junk)
			}
		}
		err := s.Process(p)
		if len(p.out) > len(p.raw) {
			t.Fatalf("%d replies to %d messages", len(p.out), len(p.raw))
		}
		decided := false
		for i, r := range p.out {
			switch {
			case decided && r.GetImmediateResponse() != nil:
				t.Error("a second verdict")
			case r.GetImmediateResponse() != nil:
				decided = true
				if i != len(p.out)-1 || err != nil {
					t.Errorf("reply %d of %d is the end, and the stream ended with %v", i+1, len(p.out), err)
				}
			case r.GetRequestBody().GetResponse().GetClearRouteCache():
				decided = true
			case r.GetResponse() == nil:
				t.Error("a reply without an answer")
			}
		}
		if err == nil && !decided {
			t.Error("nil before the verdict: the request passes unguarded")
		}
	})
}
