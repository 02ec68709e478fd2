package app

import (
	"context"
	"fmt"
	"time"

	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/memory"
	"go.uber.org/zap"
)

// recallTimeout bounds one look into the memory: a slow one is none.
const recallTimeout = 100 * time.Millisecond

// newRecall builds the stage that answers from memory, nil when it is off. Each generation of the configuration has a memory of its own: with another
// configuration the answers might be others.
func newRecall(ctx context.Context, cfg *config.Config, models *Shelf, guards []string, log *zap.Logger) (*recall.Recall, error) {
	c := cfg.Recall
	if c.Store == "" {
		return nil, nil //nolint:nilnil // off is no error
	}
	secret, err := readSecret(cfg, "recall.secret", c.Secret)
	if err != nil {
		return nil, err
	}
	store, err := memory.New(memory.Limits{Bytes: int(c.Bytes), TenantBytes: int(c.TenantBytes)})
	if err != nil {
		return nil, fmt.Errorf("recall: %w", err)
	}
	meaning, err := newMeaning(ctx, cfg, models, log)
	if err != nil {
		return nil, err
	}
	r, err := recall.New(recall.Config{
		Store: store, Shared: c.Shared, Revision: cfg.Revision[:], TTL: c.TTL, Guards: guards, Meaning: meaning, Secret: secret,
	})
	if err != nil {
		return nil, fmt.Errorf("recall: %w", err)
	}
	return r, nil
}

// tenant is where Envoy tells who calls. A name in a certificate it tells by an attribute, whose name `mom check --envoy` looks for too.
func tenant(t config.Tenant) extproc.Tenant {
	return extproc.Tenant{Header: t.Header, Namespace: t.Namespace, Path: t.Path, Attribute: t.Attribute()}
}
