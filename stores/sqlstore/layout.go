package sqlstore

import (
	"context"
)

// CheckLayout returns an error unless the tables have the layout that this package writes. It changes nothing, and may be
// asked where Migrate has no right to make tables.
func (s *Store) CheckLayout(ctx context.Context) error {
	err := persist(ctx, func() error { return s.checkLayout(ctx, s.db) })
	if err != nil {
		return s.failure(ctx, "check the layout", err)
	}
	return nil
}
