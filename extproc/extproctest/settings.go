package extproctest

import (
	"regexp"
	"time"

	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	"google.golang.org/grpc"
)

// Settings are the filter's, as deploy/envoy/envoy.yaml has them, and the limits of the play. Start hands them to its edits.
type Settings struct {
	MessageTimeout    time.Duration // for each reply; 5 s
	MaxMessageTimeout time.Duration // bound of override_message_timeout; 30 s
	ReturnWithin      time.Duration // for the handler's return once it owes nothing or its stream is gone; 2 s

	Mode       *extprocfilterv3.ProcessingMode   // processing_mode
	Overrides  []*extprocfilterv3.ProcessingMode // allowed_override_modes
	Namespaces []string                          // receiving_namespaces.untyped
	Forwarded  []string                          // forwarding_namespaces.untyped; none
	Attributes []string                          // request_attributes; none
	Mutable    *regexp.Regexp                    // mutation_rules.allow_expression; a header that does not match as a whole is refused

	Clusters   []string // the clusters of this Envoy; nil: every name is one
	NumRetries int      // num_retries; 2
	BodyLimit  int      // request_body_buffer_limit in bytes, which bounds buffered responses too; 4 MiB

	// Bare plays an Envoy that strips none of our headers, neither from clients nor from backends: the server alone must.
	Bare bool
	// Collect leaves violations to Result.Violations instead of failing the test.
	Collect bool
	// ServerOptions are for the gRPC server, before the play's own message limits.
	ServerOptions []grpc.ServerOption
}

func defaults() Settings {
	return Settings{
		MessageTimeout:    5 * time.Second,
		MaxMessageTimeout: 30 * time.Second,
		ReturnWithin:      2 * time.Second,
		Mode: &extprocfilterv3.ProcessingMode{
			RequestHeaderMode:   extprocfilterv3.ProcessingMode_SEND,
			RequestBodyMode:     extprocfilterv3.ProcessingMode_BUFFERED,
			RequestTrailerMode:  extprocfilterv3.ProcessingMode_SKIP,
			ResponseHeaderMode:  extprocfilterv3.ProcessingMode_SEND,
			ResponseBodyMode:    extprocfilterv3.ProcessingMode_NONE,
			ResponseTrailerMode: extprocfilterv3.ProcessingMode_SKIP,
		},
		Overrides: []*extprocfilterv3.ProcessingMode{{
			RequestHeaderMode:   extprocfilterv3.ProcessingMode_SEND,
			RequestBodyMode:     extprocfilterv3.ProcessingMode_NONE,
			RequestTrailerMode:  extprocfilterv3.ProcessingMode_SKIP,
			ResponseHeaderMode:  extprocfilterv3.ProcessingMode_SEND,
			ResponseBodyMode:    extprocfilterv3.ProcessingMode_STREAMED,
			ResponseTrailerMode: extprocfilterv3.ProcessingMode_SKIP,
		}, {
			RequestHeaderMode:   extprocfilterv3.ProcessingMode_SEND,
			RequestBodyMode:     extprocfilterv3.ProcessingMode_NONE,
			RequestTrailerMode:  extprocfilterv3.ProcessingMode_SKIP,
			ResponseHeaderMode:  extprocfilterv3.ProcessingMode_SEND,
			ResponseBodyMode:    extprocfilterv3.ProcessingMode_BUFFERED,
			ResponseTrailerMode: extprocfilterv3.ProcessingMode_SKIP,
		}},
		Namespaces: []string{"mom.stats", "mom.route", "mom.tiers"},
		Mutable:    regexp.MustCompile(`^(?:x-(mom|vsr|router|v?llm|should)-.*|content-(length|type)|cache-control|accept-encoding|age|allow|retry-after)$`),
		NumRetries: 2,
		BodyLimit:  4 << 20,
	}
}
