package extproc

import (
	"context"

	"google.golang.org/grpc/metadata"
)

// metadataPolicy is the key of the gRPC metadata by which an Envoy route says which policy is in force (ExtProcPerRoute,
// overrides.grpc_initial_metadata). It is Envoy's word: what a client sends is never among a stream's metadata, but among the headers in its messages.
const metadataPolicy = "mom-policy"

// policy is the name of the policy that Envoy's route selects, "" for the file's own; ok is false where nobody has such a policy, or two are named.
func (g *Gateway) policy(ctx context.Context) (name string, ok bool) {
	named := metadata.ValueFromIncomingContext(ctx, metadataPolicy)
	switch len(named) {
	case 0:
		return "", true
	case 1:
		return named[0], g.Policies[named[0]]
	}
	return "", false
}
