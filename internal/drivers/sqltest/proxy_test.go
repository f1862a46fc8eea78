package sqltest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// TestPgBouncer: behind a proxy that pools transactions the default settings of pgx fail most requests as soon as
// there are two at a time. The error leads to the settings that work, and so does Check beforehand.
func TestPgBouncer(t *testing.T) {
	server := servers.PostgreSQL(t)
	onPostgreSQL(server, "").migrated(t)
	proxy := servers.PgBouncer(t, server)
	through := func(settings string) *sqlstore.Store {
		d := onPostgreSQL(proxy, settings)
		db := d.open(t)
		db.SetMaxOpenConns(16) // PgBouncer refuses more than a hundred
		return d.store(t, db, sqlstore.Options{})
	}
	for _, mode := range []string{"exec", "simple_protocol", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			s := through("&default_query_exec_mode=" + mode)
			must(t, s.Check(t.Context()))
			must(t, together(t, s))
		})
	}
	t.Run("defaults", func(t *testing.T) {
		for name, err := range map[string]error{
			"Check": through("").Check(t.Context()),
			"Load":  together(t, through("")),
		} {
			if err == nil || !strings.Contains(err.Error(), "default_query_exec_mode=exec") {
				t.Errorf("%s: error is %v, which does not say what to do", name, err)
			}
		}
	})
}

// together runs the store's calls for several sessions at a time, and returns one of the errors.
func together(t *testing.T, s *sqlstore.Store) (failed error) {
	t.Helper()
	var calls sync.WaitGroup
	errs := make(chan error, 200)
	for range cap(errs) {
		calls.Go(func() { errs <- live(t.Context(), s) })
	}
	calls.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			failed = err
		}
	}
	return failed
}

// live is a session's life.
func live(ctx context.Context, s *sqlstore.Store) error {
	r := newRecord(epoch, 10)
	if err := s.Create(ctx, r); err != nil {
		return err
	}
	if _, err := s.Load(ctx, r.ID); err != nil {
		return err
	}
	if err := s.Update(ctx, r); err != nil {
		return err
	}
	return s.Delete(ctx, r.ID)
}
