package filestore

import (
	"context"
	"errors"
	"io"
	"os"

	session "github.com/coatcheck/coatcheck/core"
)

// Find returns the ids of the records that may belong to a subject. Reading a directory is not of one moment, so it
// keeps writers out of that part of the index meanwhile.
func (s *Store) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	if err := ctx.Err(); subject == "" || err != nil {
		return nil, s.fail("find", err)
	}
	ids, err := s.find(ctx, nameOf(subject))
	return ids, s.fail("find", err)
}

func (s *Store) find(ctx context.Context, owner name) ([]session.RecordID, error) {
	if _, err := s.subjects.Lstat(owner.path()); err != nil {
		return nil, unlessGone(err) // at this moment nothing was there
	}
	part, err := s.lockIndex(ctx, owner)
	if err != nil {
		return nil, err
	}
	defer part.unlock()
	return entries(ctx, part.root, owner.file())
}

// betweenReads is where a test steps in.
var betweenReads = func() {}

// entries returns the ids of the records that may belong to a subject.
func entries(ctx context.Context, root *os.Root, dir string) (ids []session.RecordID, err error) {
	d, err := root.Open(dir)
	if err != nil {
		return nil, unlessGone(err)
	}
	defer func() { _ = d.Close() }()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		files, err := d.Readdirnames(maxNames)
		betweenReads()
		for _, file := range files {
			if id, ok := parseName(file); ok {
				ids = append(ids, session.RecordID(id))
			}
		}
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// LoadAll returns those of the records that are there. Their Handles are left empty. Damaged records, which nobody can
// use, are left out; a record of a newer format is an error, because it can be a live session.
func (s *Store) LoadAll(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
	names := make([]name, len(ids))
	for i, id := range ids {
		names[i] = nameOf(id[:])
	}
	return s.loadAll(ctx, "load all", names)
}

func (s *Store) loadAll(ctx context.Context, operation string, names []name) (records []session.Record, failed error) {
	for _, n := range names {
		if err := ctx.Err(); err != nil {
			return records, s.fail(operation, err)
		}
		f, err := s.load(ctx, n)
		switch {
		case err == nil:
			records = append(records, f.record())
		case errors.Is(err, session.ErrNotFound), errors.Is(err, errDamaged):
		case failed == nil:
			failed = s.fail(operation, err)
		}
	}
	return records, failed
}

// link makes the entry that leads from a subject to a record, and makes it survive a power cut. The caller holds
// the record's lock, as for unlink.
func (s *Store) link(ctx context.Context, subject string, id session.RecordID) error {
	if subject == "" {
		return nil
	}
	owner := nameOf(subject)
	if err := s.makeEntry(ctx, owner, id); err != nil || !s.sync {
		return err
	}
	for _, dir := range []string{owner.path(), owner.shard(), "."} {
		if err := syncDir(s.subjects, dir); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) makeEntry(ctx context.Context, owner name, id session.RecordID) error {
	part, err := s.lockIndex(ctx, owner)
	if err != nil {
		return err
	}
	defer part.unlock()
	if err := makeDir(part.root, owner.file()); err != nil {
		return err
	}
	f, err := part.root.OpenFile(entryOf(owner, id), os.O_WRONLY|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(fileMode), f.Close()) // whatever the umask
}

// entryOf is where an entry is within its part of the index.
func entryOf(owner name, id session.RecordID) string { return owner.file() + "/" + name(id).String() }

// unlink removes an entry. If it fails, the entry is one too many, which is allowed.
func (s *Store) unlink(ctx context.Context, subject string, id session.RecordID) {
	if subject != "" {
		_ = s.removeEntry(ctx, nameOf(subject), id)
	}
}

func (s *Store) removeEntry(ctx context.Context, owner name, id session.RecordID) error {
	part, err := s.lockIndex(ctx, owner)
	if err != nil {
		return err
	}
	defer part.unlock()
	err = part.root.Remove(entryOf(owner, id))
	_ = part.root.Remove(owner.file()) // fails unless that was the last one
	return unlessGone(err)
}

// tidy removes an entry unless its record is that subject's after all, or cannot be read.
func (s *Store) tidy(ctx context.Context, owner name, id session.RecordID) error {
	n := nameOf(id[:])
	sh, err := s.lock(ctx, n)
	if err != nil {
		return err
	}
	defer sh.unlock()
	f, err := sh.read(n)
	if errors.Is(err, session.ErrNotFound) || err == nil && nameOf(f.subject()) != owner {
		return s.removeEntry(ctx, owner, id)
	}
	return nil
}
