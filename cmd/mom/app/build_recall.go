package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/memory"
	"go.uber.org/zap"
)

const (
	// lookTimeout bounds one look into the memory: a slow one is none.
	lookTimeout = 100 * time.Millisecond
	// recallTimeout is more than two of them with the wait for another request between them: then the stage says itself what it came to.
	recallTimeout = 2*lookTimeout + recall.Wait + 50*time.Millisecond
)

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
	if err := restore(cfg, store, secret, log); err != nil {
		return nil, err
	}
	meaning, err := newMeaning(ctx, cfg, models, log)
	if err != nil {
		return nil, err
	}
	r, err := recall.New(recall.Config{
		Store: store, Shared: c.Shared, Revision: cfg.Revision[:], TTL: c.TTL, Decisions: kept(cfg), Limit: lookTimeout, Prices: prices(cfg), Guards: guards,
		Meaning: meaning, Secret: secret, Save: store.Save,
	})
	if err != nil {
		return nil, fmt.Errorf("recall: %w", err)
	}
	return r, nil
}

// restore puts into an empty store what the last process wrote down. Only a folder that is not there is an error: without its snapshot the memory begins
// empty, and says so.
func restore(cfg *config.Config, store *memory.Store, secret []byte, log *zap.Logger) error {
	path := cfg.Recall.Snapshot
	if path == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return config.Faults{cfg.Fault("recall.snapshot", "there is no folder %s", filepath.Dir(path))}
	}
	// What two versions of this program call the same question may differ.
	revision := append(cfg.Revision[:], buildVersion()...)
	n, err := store.Restore(memory.Snapshot{Path: path, Secret: secret, Revision: revision}, time.Now())
	switch {
	case err != nil:
		log.Warn("the memory begins empty", zap.Error(err))
	default:
		log.Info("memory restored", zap.String("snapshot", path), zap.Int("entries", n))
	}
	return nil
}

// saveEvery is how often the memory is written down, at most: what came since is lost to a process that is killed.
const saveEvery = 5 * time.Minute

// save writes down what the configuration in force remembers, if anything.
func save(memory *recall.Recall, log *zap.Logger) {
	if memory == nil {
		return
	}
	if err := memory.Save(); err != nil {
		log.Warn("the memory was not written down", zap.Error(err))
	}
}

// tenant is where Envoy tells who calls. A name in a certificate it tells by an attribute, whose name `mom check --envoy` looks for too.
func tenant(t config.Tenant) extproc.Tenant {
	return extproc.Tenant{Header: t.Header, Namespace: t.Namespace, Path: t.Path, Attribute: t.Attribute()}
}

// kept is for how long the answers of the decisions serve that say so.
func kept(cfg *config.Config) map[recall.Decision]time.Duration {
	out := map[recall.Decision]time.Duration{}
	add := func(policy string, rules config.Rules) {
		for i := range rules.Decisions {
			if d := &rules.Decisions[i]; d.Keep.Off || d.Keep.TTL > 0 {
				out[recall.Decision{Policy: policy, Name: d.Name}] = d.Keep.TTL // 0 where it is off
			}
		}
	}
	add("", cfg.Rules)
	for _, p := range cfg.Policies {
		add(p.Name, p.Rules)
	}
	return out
}

func prices(cfg *config.Config) map[string]recall.Price {
	out := map[string]recall.Price{}
	for _, m := range cfg.Models {
		if m.Price != nil {
			out[m.Name] = recall.Price(*m.Price)
		}
	}
	return out
}
