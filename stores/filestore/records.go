package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Load returns the record, or session.ErrNotFound. Its Handle is left empty. A file that is damaged or of a newer
// format is an error of its own.
func (s *Store) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	f, err := s.load(ctx, nameOf(id[:]))
	if err != nil {
		return session.Record{}, s.fail("load", err)
	}
	return f.record(), nil
}

func (s *Store) load(ctx context.Context, n name) (file, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := read(s.sessions, n.path(), n)
	if !errors.Is(err, errDamaged) {
		return f, err
	}
	// It may have met a touch halfway, and with the lock it cannot.
	sh, err := s.lock(ctx, n)
	if err != nil {
		return nil, err
	}
	defer sh.unlock()
	return sh.read(n)
}

func read(root *os.Root, path string, n name) (file, error) {
	b, err := root.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, session.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return parse(b, n)
}

// Create stores a new record, or returns session.ErrExists. It takes data of up to 4 GiB; more is session.ErrTooLarge.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	return s.change(ctx, "create", r.ID, func(sh *shard, n name) error {
		switch _, err := sh.root.Lstat(n.file()); {
		case err == nil:
			return session.ErrExists
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		return s.put(ctx, sh, n, r, "")
	})
}

// Update replaces a record of the same version, or returns session.ErrConflict or session.ErrNotFound.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	return s.change(ctx, "update", r.ID, func(sh *shard, n name) error {
		old, err := sh.read(n)
		if err != nil {
			return err
		}
		if old.version() != r.Version {
			return session.ErrConflict
		}
		r.Version++
		return s.put(ctx, sh, n, r, old.subject())
	})
}

// put writes a record whose subject was another one before. When it fails, the index may hold an entry too many.
func (s *Store) put(ctx context.Context, sh *shard, n name, r session.Record, before string) error {
	f, err := newFile(r)
	if err != nil {
		return err
	}
	if r.Subject != before {
		if err := s.link(ctx, r.Subject, r.ID); err != nil {
			return err
		}
	}
	if err := sh.write(n, f); err != nil {
		return err
	}
	if r.Subject != before {
		s.unlink(ctx, before, r.ID)
	}
	return nil
}

// Delete removes a record, also one that cannot be read. It is no error if there is none. It needs no room on the
// disk.
func (s *Store) Delete(ctx context.Context, id session.RecordID) error {
	n := nameOf(id[:])
	if _, err := s.sessions.Lstat(n.shard()); errors.Is(err, fs.ErrNotExist) {
		return s.fail("delete", ctx.Err()) // locking would make the directory
	}
	return s.change(ctx, "delete", id, func(sh *shard, n name) error {
		f, err := sh.read(n)
		if errors.Is(err, session.ErrNotFound) {
			return nil
		}
		return s.remove(ctx, sh, n, f)
	})
}

// remove takes away a record's file and then its entry in the index; f is nil when the file cannot be read.
func (s *Store) remove(ctx context.Context, sh *shard, n name, f file) error {
	if err := sh.root.Remove(n.file()); err != nil {
		return err
	}
	if err := sh.syncNames(); err != nil {
		return err
	}
	if f != nil {
		s.unlink(ctx, f.subject(), session.RecordID(f.id()))
	}
	return nil
}

// Touch extends a record in place, or returns session.ErrNotFound. It is not synced: a power cut may take it back,
// which costs the visitor nothing but a shorter session.
func (s *Store) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	return s.change(ctx, "touch", id, func(sh *shard, n name) error {
		f, err := sh.read(n)
		if err != nil || !f.touch(seen, expires) {
			return err
		}
		return sh.writeTimes(n, f)
	})
}
