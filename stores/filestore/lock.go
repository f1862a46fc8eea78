package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const (
	firstPoll = 200 * time.Microsecond
	lastPoll  = 5 * time.Millisecond
)

// shard is one of the 256 directories of records, or of the index, opened and locked. Only its holder changes what is
// in it, so a temporary file that the holder finds is nobody's. Who holds one of records may take one of the index,
// and never the other way round.
type shard struct {
	root *os.Root
	dir  *os.File // the directory itself, which carries the lock between processes
	turn chan struct{}
	sync bool
}

// turns are the locks between goroutines.
type turns [shardCount]chan struct{}

func newTurns() (t turns) {
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return t
}

// lock locks a record's shard. It gives up when ctx ends.
func (s *Store) lock(ctx context.Context, n name) (*shard, error) {
	return s.lockIn(ctx, s.sessions, s.turns[n[0]], n)
}

// lockIndex locks the shard of the index that has a subject's entries.
func (s *Store) lockIndex(ctx context.Context, owner name) (*shard, error) {
	return s.lockIn(ctx, s.subjects, s.indexTurns[owner[0]], owner)
}

func (s *Store) lockIn(ctx context.Context, parent *os.Root, turn chan struct{}, n name) (*shard, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sh := &shard{turn: turn, sync: s.sync}
	select {
	case sh.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := sh.open(ctx, parent, n); err != nil {
		sh.unlock()
		return nil, err
	}
	return sh, nil
}

func (sh *shard) open(ctx context.Context, parent *os.Root, n name) (err error) {
	sh.root, err = parent.OpenRoot(n.shard())
	if errors.Is(err, fs.ErrNotExist) {
		sh.root, err = sh.create(parent, n)
	}
	if err != nil {
		return err
	}
	if sh.dir, err = sh.root.Open("."); err != nil {
		return err
	}
	return awaitLock(ctx, sh.dir)
}

func (sh *shard) create(parent *os.Root, n name) (*os.Root, error) {
	root, err := openDir(parent, n.shard())
	if err != nil || !sh.sync {
		return root, err
	}
	return root, syncDir(parent, ".")
}

// checkLocks finds out early that a system or a file system has no locks.
func checkLocks(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if _, err := tryLock(dir); err != nil {
		return fmt.Errorf("sessions in files need flock, which fails here; use another file system or another store: %w", err)
	}
	return nil
}

// awaitLock asks again and again, because a process that waits inside flock cannot be called back when ctx ends.
func awaitLock(ctx context.Context, dir *os.File) error {
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		if locked, err := tryLock(dir); locked || err != nil {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unlock is for a shard that is only half locked too. Closing the directory frees it for other processes.
func (sh *shard) unlock() {
	if sh.dir != nil {
		_ = sh.dir.Close()
	}
	if sh.root != nil {
		_ = sh.root.Close()
	}
	<-sh.turn
}
