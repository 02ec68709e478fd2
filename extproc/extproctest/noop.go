package extproctest

import (
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
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
