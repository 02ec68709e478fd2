package extproctest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Roundtrip is one request's exchange with a processor, made once and run often: headers, body and response headers, as an Envoy sends
// them for a JSON POST and its 200. It checks no rule and reads no more of a reply than whether it is an ImmediateResponse, so that a
// benchmark times the server and not the client. Safe for concurrent use.
type Roundtrip struct{ messages [3]frame }

// frame is a message in its wire form.
type frame []byte

// NewRoundtrip makes the exchange for one request body.
func NewRoundtrip(body []byte) *Roundtrip {
	head := fields{
		{":method", "POST"},
		{":path", "/v1/chat/completions"},
		{":scheme", "https"},
		{":authority", "mom.test"},
		{"content-type", "application/json"},
		{"content-length", strconv.Itoa(len(body))},
		{"accept", "application/json"},
		{"authorization", "Bearer sk-test"},
		{"user-agent", "OpenAI/Python 2.0"},
		{"x-request-id", "4f2c9d1e-3b7a-4c1d-9e55-0a1b2c3d4e5f"},
		{"x-forwarded-for", "127.0.0.1"},
		{"x-forwarded-proto", "https"},
	}
	answer := fields{{":status", "200"}, {"content-type", "application/json"}, {"content-length", "512"}, {"server", "uvicorn"}}
	mode := defaults().Mode
	r := &Roundtrip{}
	for i, m := range []*extprocv3.ProcessingRequest{
		{
			Request:        &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{Headers: head.proto()}},
			ProtocolConfig: &extprocv3.ProtocolConfiguration{RequestBodyMode: mode.RequestBodyMode, ResponseBodyMode: mode.ResponseBodyMode},
		},
		{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: body, EndOfStream: true}}},
		{
			Request:    &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: &extprocv3.HttpHeaders{Headers: answer.proto()}},
			Attributes: attributes("small", 1),
		},
	} {
		wire, err := proto.Marshal(m)
		if err != nil {
			panic(err) // constant strings and one field of bytes always marshal
		}
		r.messages[i] = wire
	}
	return r
}

// Do runs the exchange once. An error means that the server did not answer each message, answered with an ImmediateResponse, or did not end
// the stream with nil.
func (r *Roundtrip) Do(ctx context.Context, conn grpc.ClientConnInterface) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &extprocv3.ExternalProcessor_ServiceDesc.Streams[0], extprocv3.ExternalProcessor_Process_FullMethodName, grpc.ForceCodec(asIs{}))
	if err != nil {
		return err
	}
	var reply frame
	for i, m := range r.messages {
		// RecvMsg tells why the stream ended; SendMsg only that it did.
		_ = stream.SendMsg(m)
		if err := stream.RecvMsg(&reply); err != nil {
			return fmt.Errorf("reply %d: %w", i+1, err)
		}
		if reply.immediate() {
			return fmt.Errorf("reply %d is an ImmediateResponse", i+1)
		}
	}
	switch err := stream.RecvMsg(&reply); {
	case err == nil:
		return errors.New("a fourth reply, which nothing asked for")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("end of the stream: %w", err)
	}
	return nil
}

// immediate looks for the field immediate_response of a reply.
func (f frame) immediate() bool {
	for rest := []byte(f); len(rest) > 0; {
		number, _, n := protowire.ConsumeField(rest)
		if n < 0 || number == 7 {
			return true
		}
		rest = rest[n:]
	}
	return false
}

// asIs is a codec that leaves messages in their wire form. It goes by the name of the server's, which it speaks to.
type asIs struct{}

func (asIs) Name() string { return "proto" }

func (asIs) Marshal(v any) ([]byte, error) {
	f, ok := v.(frame)
	if !ok {
		return nil, fmt.Errorf("%T is no frame", v)
	}
	return f, nil
}

func (asIs) Unmarshal(data []byte, v any) error {
	f, ok := v.(*frame)
	if !ok {
		return fmt.Errorf("%T is no frame", v)
	}
	*f = append((*f)[:0], data...)
	return nil
}
