package memory

import (
	"context"

	"github.com/mom-router/mom/pkg/recall"
)

var _ recall.Lister = (*Store)(nil)

// Each calls visit with the entries that a filter names, while others may come and go.
func (s *Store) Each(_ context.Context, f recall.Filter, visit func(recall.Key, recall.Entry) error) error {
	for k, it := range s.entries.All() {
		if !f.Names(&it.entry) {
			continue
		}
		if err := visit(k, it.entry); err != nil {
			return err
		}
	}
	return nil
}
