package sqlstore

import (
	"context"
	"fmt"
)

// CheckLayout returns an error unless the tables have the layout that this package writes. It changes nothing, and
// may be asked where Migrate has no right to make tables.
func (s *Store) CheckLayout(ctx context.Context) error {
	return s.failure(ctx, "check the layout", persist(ctx, func() error {
		found, err := s.findLayout(ctx, s.db)
		if err == nil && found == 0 {
			err = fmt.Errorf("table %s_version names no layout: call Migrate, or apply what `coatcheck schema` prints", s.table)
		}
		return err
	}))
}
