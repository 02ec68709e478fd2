package extproctest_test

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// router is a small processor that keeps every rule: it sends "model":"MoM" to small, then large, and refuses what has no body. Its hooks
// break it.
type router struct {
	extprocv3.UnimplementedExternalProcessorServer

	// before, where it is set, sees a message first. handled ends the work on it; an end other than nil is what Process returns (stop: nil).
	before func(stream extprocv3.ExternalProcessor_ProcessServer, m *extprocv3.ProcessingRequest) (handled bool, end error)
	// tamper changes a reply, or sends more with stream.
	tamper func(stream extprocv3.ExternalProcessor_ProcessServer, reply *extprocv3.ProcessingResponse)
	// linger keeps the stream open after the response headers.
	linger bool
}

// errStop ends Process with nil.
var errStop = errors.New("stop")

func (s *router) Process(stream extprocv3.ExternalProcessor_ProcessServer) error {
	decided := false
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && decided:
			return nil
		case err != nil:
			return status.Error(codes.Canceled, "gone")
		}
		if s.before != nil {
			handled, end := s.before(stream, m)
			if errors.Is(end, errStop) {
				return nil
			}
			if end != nil {
				return end
			}
			if handled {
				continue
			}
		}
		reply, last := s.answer(m, &decided)
		if reply == nil {
			continue
		}
		if s.tamper != nil {
			s.tamper(stream, reply)
		}
		if err := stream.Send(reply); err != nil {
			return status.Error(codes.Canceled, "gone")
		}
		if last {
			return nil
		}
	}
}

func (s *router) answer(m *extprocv3.ProcessingRequest, decided *bool) (reply *extprocv3.ProcessingResponse, last bool) {
	switch r := m.Request.(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		if *decided = bodyless(r.RequestHeaders); *decided {
			return refusal(), true
		}
		return headersReply(), false
	case *extprocv3.ProcessingRequest_RequestBody:
		if *decided {
			return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: &extprocv3.BodyResponse{}}}, false
		}
		*decided = true
		return bodyReply(r.RequestBody.GetBody()), false
	case *extprocv3.ProcessingRequest_RequestTrailers:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: &extprocv3.TrailersResponse{}}}, false
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		*decided = true
		return responseReply(), !s.linger
	case *extprocv3.ProcessingRequest_ResponseBody:
		return chunkReply(), r.ResponseBody.GetEndOfStream()
	case *extprocv3.ProcessingRequest_ResponseTrailers:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseTrailers{ResponseTrailers: &extprocv3.TrailersResponse{}}}, true
	}
	return nil, false
}

func bodyless(h *extprocv3.HttpHeaders) bool {
	for _, hv := range h.GetHeaders().GetHeaders() {
		if hv.GetKey() == "upgrade" || hv.GetKey() == ":method" && string(hv.GetRawValue()) == "CONNECT" {
			return true
		}
	}
	return h.GetEndOfStream()
}

func header(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: name, RawValue: []byte(value)}}
}

func refusal() *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{ImmediateResponse: &extprocv3.ImmediateResponse{
		Status: &typev3.HttpStatus{Code: 400}, Details: "mom_invalid_json", Body: []byte(`{"error":{}}`),
		Headers: &extprocv3.HeaderMutation{SetHeaders: []*corev3.HeaderValueOption{header("content-type", "application/json")}},
	}}}
}

func headersReply() *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{
		Response:        &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{Response: &extprocv3.CommonResponse{}}},
		DynamicMetadata: metadata(map[string]any{"mom.stats": map[string]any{"decision": "none"}}),
	}
}

func metadata(m map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(m)
	if err != nil {
		panic(err)
	}
	return s
}

func group(name string) any {
	return map[string]any{"name": name, "clusters": []any{map[string]any{"cluster_name": name, "weight": 1}}}
}

func bodyReply(body []byte) *extprocv3.ProcessingResponse {
	first := bytes.Replace(body, []byte("MoM"), []byte("small-model"), 1)
	at := bytes.Index(first, []byte("small-model"))
	edit := []any{}
	if at >= 0 {
		edit = []any{[]any{at, len("small-model"), "large"}}
	}
	return &extprocv3.ProcessingResponse{
		Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: &extprocv3.BodyResponse{Response: &extprocv3.CommonResponse{
			ClearRouteCache: true,
			HeaderMutation: &extprocv3.HeaderMutation{SetHeaders: []*corev3.HeaderValueOption{
				header("x-mom-decision", "route"), header("x-mom-model", "small-model"), header("content-length", strconv.Itoa(len(first))),
			}},
			BodyMutation: &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: first}},
		}}},
		DynamicMetadata: metadata(map[string]any{
			"mom.stats": map[string]any{"decision": "route"},
			"mom.route": map[string]any{"priority_groups": []any{group("small"), group("large")}},
			"mom.tiers": map[string]any{"edits": []any{[]any{}, edit}},
		}),
	}
}

func responseReply() *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extprocv3.HeadersResponse{
		Response: &extprocv3.CommonResponse{HeaderMutation: &extprocv3.HeaderMutation{SetHeaders: []*corev3.HeaderValueOption{header("x-mom-model", "small-model")}}},
	}}}
}

func chunkReply() *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: &extprocv3.BodyResponse{}}}
}
