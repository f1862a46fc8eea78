package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"

	session "github.com/coatcheck/coatcheck/core"
)

// List returns the records of a subject. Their Handles are left empty. Damaged records, which nobody can use, are not
// among them; a record of a newer format fails the call, because it can be a live session.
func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	records, err := s.list(ctx, subject)
	return records, s.fail("list", err)
}

func (s *Store) list(ctx context.Context, subject string) ([]session.Record, error) {
	if err := ctx.Err(); subject == "" || err != nil {
		return nil, err
	}
	owner := nameOf(subject)
	names, err := s.entries(owner)
	if err != nil {
		return nil, err
	}
	var records []session.Record
	for _, n := range names {
		switch f, err := s.load(ctx, n); {
		case err == nil && f.subject() == subject:
			records = append(records, f.record())
		case err == nil, errors.Is(err, session.ErrNotFound):
			if err := s.tidy(ctx, owner, n); err != nil {
				return nil, err
			}
		case !errors.Is(err, errDamaged):
			return nil, err
		}
	}
	return records, nil
}

// entries returns the names of the records that may belong to a subject.
func (s *Store) entries(owner name) ([]name, error) {
	files, err := readDir(s.subjects, owner.path())
	if err != nil {
		return nil, unlessGone(err)
	}
	var names []name
	for _, file := range files {
		if n, ok := parseName(file); ok {
			names = append(names, n)
		}
	}
	return names, nil
}

// link makes the entry that leads from a subject to a record, and makes it survive a power cut. The caller holds
// the record's lock, as for unlink.
func (s *Store) link(subject string, n name) error {
	if subject == "" {
		return nil
	}
	owner := nameOf(subject)
	if err := s.makeEntry(owner, n); err != nil || !s.sync {
		return err
	}
	for _, dir := range []string{owner.path(), owner.shard(), "."} {
		if err := syncDir(s.subjects, dir); err != nil {
			return err
		}
	}
	return nil
}

// makeEntry tries again when somebody else removes the subject's directory because it is empty.
func (s *Store) makeEntry(owner, n name) (err error) {
	for range 100 {
		if err := errors.Join(makeDir(s.subjects, owner.shard()), makeDir(s.subjects, owner.path())); err != nil {
			return err
		}
		var f *os.File
		f, err = s.subjects.OpenFile(owner.path()+"/"+n.String(), os.O_WRONLY|os.O_CREATE, fileMode)
		if err == nil {
			return errors.Join(f.Chmod(fileMode), f.Close()) // whatever the umask
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// unlink removes an entry. If it fails, the entry is one too many, which is allowed.
func (s *Store) unlink(subject string, n name) {
	if subject != "" {
		s.removeEntry(nameOf(subject), n)
	}
}

func (s *Store) removeEntry(owner, n name) {
	_ = s.subjects.Remove(owner.path() + "/" + n.String())
	_ = s.subjects.Remove(owner.path()) // fails unless that was the last one
}

// tidy removes an entry unless its record is that subject's after all, or cannot be read.
func (s *Store) tidy(ctx context.Context, owner, n name) error {
	sh, err := s.lock(ctx, n)
	if err != nil {
		return err
	}
	defer sh.unlock()
	f, err := sh.read(n)
	if errors.Is(err, session.ErrNotFound) || err == nil && nameOf(f.subject()) != owner {
		s.removeEntry(owner, n)
	}
	return nil
}
