package extproctest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// NoOp is the cheapest processor that keeps the stream's contract: CONTINUE to everything, nil after the response headers. It is the
// baseline of the benchmarks. It decides nothing, so behind a real Envoy every request would end at the undecided cluster.
type NoOp struct {
	extprocv3.UnimplementedExternalProcessorServer
}

// Process answers every message with an empty reply of its kind.
func (NoOp) Process(stream extprocv3.ExternalProcessor_ProcessServer) error {
	for {
		m, err := stream.Recv()
		if err != nil {
			return status.Error(codes.Canceled, "the stream ended before the verdict")
		}
		reply := &extprocv3.ProcessingResponse{}
		switch m.Request.(type) {
		case *extprocv3.ProcessingRequest_RequestHeaders:
			reply.Response = &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{}}
		case *extprocv3.ProcessingRequest_RequestBody:
			reply.Response = &extprocv3.ProcessingResponse_RequestBody{RequestBody: &extprocv3.BodyResponse{}}
		case *extprocv3.ProcessingRequest_RequestTrailers:
			reply.Response = &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: &extprocv3.TrailersResponse{}}
		case *extprocv3.ProcessingRequest_ResponseHeaders:
			reply.Response = &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extprocv3.HeadersResponse{}}
		default:
			continue
		}
		if err := stream.Send(reply); err != nil {
			return err
		}
		if _, last := m.Request.(*extprocv3.ProcessingRequest_ResponseHeaders); last {
			return nil
		}
	}
}

// Roundtrip is one request's exchange with a processor, made once and run often: headers, body and response headers, as an Envoy sends
// them for a JSON POST and its 200. It checks no rule, so that a benchmark times the server. Safe for concurrent use.
type Roundtrip struct{ headers, body, response *extprocv3.ProcessingRequest }

// NewRoundtrip makes the exchange for one request body.
func NewRoundtrip(body []byte) *Roundtrip {
	head := fields{{":method", "POST"}, {":path", "/v1/chat/completions"}, {":scheme", "https"}, {":authority", "mom.test"},
		{"content-type", "application/json"}, {"content-length", strconv.Itoa(len(body))}, {"accept", "application/json"},
		{"authorization", "Bearer sk-test"}, {"user-agent", "OpenAI/Python 2.0"}, {"x-request-id", "4f2c9d1e-3b7a-4c1d-9e55-0a1b2c3d4e5f"},
		{"x-forwarded-for", "127.0.0.1"}, {"x-forwarded-proto", "https"}}
	set := defaults()
	return &Roundtrip{
		headers: &extprocv3.ProcessingRequest{
			Request:        &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{Headers: head.proto()}},
			ProtocolConfig: &extprocv3.ProtocolConfiguration{RequestBodyMode: set.Mode.RequestBodyMode, ResponseBodyMode: set.Mode.ResponseBodyMode},
		},
		body: &extprocv3.ProcessingRequest{
			Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: body, EndOfStream: true}},
		},
		response: &extprocv3.ProcessingRequest{
			Request: &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: &extprocv3.HttpHeaders{Headers: fields{{":status", "200"},
				{"content-type", "application/json"}, {"content-length", "512"}, {"server", "uvicorn"}}.proto()}},
			Attributes: attributes("small", 1),
		},
	}
}

// Do runs the exchange once. An error means that the server did not answer each message, or did not end the stream with nil.
func (r *Roundtrip) Do(ctx context.Context, conn grpc.ClientConnInterface) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := extprocv3.NewExternalProcessorClient(conn).Process(ctx)
	if err != nil {
		return err
	}
	var reply extprocv3.ProcessingResponse
	for i, m := range [...]*extprocv3.ProcessingRequest{r.headers, r.body, r.response} {
		// Recv tells why the stream ended; Send only that it did.
		_ = stream.Send(m)
		if err := stream.RecvMsg(&reply); err != nil {
			return fmt.Errorf("reply %d: %w", i+1, err)
		}
		if reply.GetImmediateResponse() != nil {
			return fmt.Errorf("reply %d is an ImmediateResponse with status %d", i+1, reply.GetImmediateResponse().GetStatus().GetCode())
		}
	}
	if m, err := stream.Recv(); err == nil {
		return fmt.Errorf("a reply that nothing asked for: %s", kindOf(m))
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("end of the stream: %w", err)
	}
	return nil
}
