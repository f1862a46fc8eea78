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

// shard is one directory of records, opened and locked. Only its holder changes what is in it, so a temporary file that
// the holder finds is nobody's.
type shard struct {
	root *os.Root
	dir  *os.File // the directory itself, which carries the lock between processes
	turn chan struct{}
	sync bool
}

// lock gives up when ctx ends.
func (s *Store) lock(ctx context.Context, n name) (*shard, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sh := &shard{turn: s.turns[n[0]], sync: s.sync}
	select {
	case sh.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := sh.open(ctx, s.sessions, n); err != nil {
		sh.unlock()
		return nil, err
	}
	return sh, nil
}

func (sh *shard) open(ctx context.Context, sessions *os.Root, n name) (err error) {
	sh.root, err = sessions.OpenRoot(n.shard())
	if errors.Is(err, fs.ErrNotExist) {
		sh.root, err = sh.create(sessions, n)
	}
	if err != nil {
		return err
	}
	if sh.dir, err = sh.root.Open("."); err != nil {
		return err
	}
	return awaitLock(ctx, sh.dir)
}

func (sh *shard) create(sessions *os.Root, n name) (*os.Root, error) {
	root, err := openDir(sessions, n.shard())
	if err != nil || !sh.sync {
		return root, err
	}
	return root, syncDir(sessions, ".")
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
