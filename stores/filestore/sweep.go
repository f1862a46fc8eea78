package filestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// keepDamaged is how long a damaged file is left for somebody to look at.
const keepDamaged = 24 * time.Hour

// Sweep removes up to limit records that expired at or before the given time. It looks at the modification time of
// every file, reads only those that are due, and holds one record's lock at a time. Each call begins where the last
// one stopped. Leftovers of processes that died are removed too and not counted. A file that cannot be swept does not
// stop the sweep; the first such error is returned with the count.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	sw := sweep{store: s, before: before, limit: limit}
	sw.sessions(ctx)
	return sw.removed, s.fail("sweep", sw.err)
}

// sweep is one call of Sweep.
type sweep struct {
	store   *Store
	before  time.Time
	limit   int
	removed int
	err     error
}

// goesOn reports whether there is anything left to do, after an error that may have been met.
func (sw *sweep) goesOn(ctx context.Context, err error) bool {
	if sw.err == nil {
		sw.err = err
	}
	if err := ctx.Err(); err != nil {
		sw.err = err
		return false
	}
	return sw.removed < sw.limit
}

func (sw *sweep) sessions(ctx context.Context) {
	first := sw.store.nextShard.Load()
	for i := range uint32(shardCount) {
		if !sw.goesOn(ctx, nil) {
			return
		}
		sw.store.nextShard.Store(first + i)
		sw.shard(ctx, byte(first+i))
	}
	if sw.goesOn(ctx, nil) {
		sw.index(ctx, byte(sw.store.nextIndex.Add(1)))
	}
}

func (sw *sweep) shard(ctx context.Context, i byte) {
	dir := name{i}.shard()
	root, err := sw.store.sessions.OpenRoot(dir)
	if err != nil {
		sw.goesOn(ctx, unlessGone(err))
		return
	}
	defer func() { _ = root.Close() }()
	files, err := readDir(root, ".")
	for _, file := range files {
		if !sw.goesOn(ctx, err) {
			return
		}
		if n, ok := parseName(dir + file); ok {
			err = sw.record(ctx, root, n)
		} else if file == temporary {
			err = sw.temporary(ctx, name{i})
		}
	}
	sw.goesOn(ctx, err)
}

// temporary removes a file that a process left when it died.
func (sw *sweep) temporary(ctx context.Context, n name) error {
	sh, err := sw.store.lock(ctx, n)
	if err != nil {
		return err
	}
	defer sh.unlock()
	return unlessGone(sh.root.Remove(temporary))
}

// record looks at the file's modification time first, which takes no lock.
func (sw *sweep) record(ctx context.Context, root *os.Root, n name) error {
	info, err := root.Lstat(n.file())
	if err != nil || info.ModTime().After(sw.before) {
		return unlessGone(err)
	}
	sh, err := sw.store.lock(ctx, n)
	if err != nil {
		return err
	}
	defer sh.unlock()
	return sw.due(ctx, sh, n)
}

// due removes a record if its content says so.
func (sw *sweep) due(ctx context.Context, sh *shard, n name) error {
	f, err := sh.read(n)
	switch {
	case errors.Is(err, session.ErrNotFound), errors.Is(err, errNewer):
		return nil
	case errors.Is(err, errDamaged):
		return sw.damaged(ctx, sh, n)
	case err != nil:
		return err
	case f.expires().After(sw.before):
		return sh.setExpiry(n.file(), f) // or it would be read in every sweep
	}
	err = sw.store.remove(ctx, sh, n, f)
	if err == nil {
		sw.removed++
	}
	return err
}

func (sw *sweep) damaged(ctx context.Context, sh *shard, n name) error {
	info, err := sh.root.Lstat(n.file())
	if err != nil || info.ModTime().Add(keepDamaged).After(sw.before) {
		return err
	}
	return sw.store.remove(ctx, sh, n, nil)
}

// index removes the entries of one part of the index that lead to no record. One part in each sweep is enough: only
// processes that died leave any.
func (sw *sweep) index(ctx context.Context, i byte) {
	dir := name{i}.shard()
	subjects, err := readDir(sw.store.subjects, dir)
	err = unlessGone(err)
	for _, file := range subjects {
		if !sw.goesOn(ctx, err) {
			return
		}
		if owner, ok := parseName(dir + file); ok {
			err = sw.subject(ctx, owner)
		}
	}
	sw.goesOn(ctx, err)
}

func (sw *sweep) subject(ctx context.Context, owner name) error {
	ids, err := entries(ctx, sw.store.subjects, owner.path())
	if err == nil && len(ids) == 0 {
		return sw.store.removeEntry(ctx, owner, session.RecordID{}) // there is none, and the directory goes with the last one
	}
	for _, id := range ids {
		n := nameOf(id[:])
		_, err := sw.store.sessions.Lstat(n.path())
		if errors.Is(err, fs.ErrNotExist) {
			err = sw.store.tidy(ctx, owner, id)
		}
		if err != nil {
			return err
		}
	}
	return err
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
