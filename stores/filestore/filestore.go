// Package filestore keeps sessions as files on the disk of one machine, shared by any number of that machine's
// processes. Every answered write survives the death of the process and, unless Options.UnsafeNoSync says otherwise, of
// the machine's power. There is no cap on the number of sessions. Expired ones take room until they are swept, which
// session.Manager.StartSweeper sees to.
//
// It needs flock and works on Linux, macOS and the BSDs. The disk must be the machine's own: on a network file system
// neither locks nor renames can be relied on.
//
// # Layout
//
//	sessions/ab/cdef…              one record
//	sessions/ab/tmp                a record that is being written
//	subjects/12/3456…/abcdef…      says that the record may belong to the subject; always empty
//
// A record's name is SHA-256 of its id, in lower-case hex, the first byte naming one of 256 directories, its shard,
// which is made when it is needed. A subject's name is SHA-256 of the subject, with shards of its own; an entry is
// named by the id itself, which opens no session. All files have mode 0600 and all directories 0700. Nothing that is
// reached through a symbolic link out of the directory is read or written.
//
// A record's file, with numbers big-endian and times in milliseconds since 1970:
//
//	 0   7  "coatchk"
//	 7   1  format, 1
//	 8   8  last seen
//	16   8  expiry
//	24   4  CRC-32C of the two times
//	28   4  CRC-32C of all that follows
//	32   8  version
//	40  32  id
//	72   4  length of the subject
//	76   4  length of the data
//	80      subject, data
//
// A file of a newer format is an error, never an absent record, and is left alone except by Delete. So is a damaged
// one, until a sweep finds it a day past its modification time.
//
// # Writing
//
// Whoever changes a shard holds the lock of its directory, which excludes other goroutines and other processes. A
// record is written to tmp, synced, and renamed. A touch writes the two times in place. Reading takes no lock, unless
// it met a touch halfway. The modification time of a record's file is its expiry, so that a sweep reads only what is
// due.
//
// The entry for a subject is made before the record is written and removed after, so that one may be too many but
// none is missing. Entries too many are left by processes that died, until a sweep finds that their record is gone.
// Each is made and removed under the lock of its shard of the index, which a search takes too.
//
// # Walking
//
// A walk goes through the shards in their order and through the names in each one's, under the shard's lock only while
// it lists them. Nothing is remembered between two pages.
package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync/atomic"

	session "github.com/coatcheck/coatcheck/core"
)

// Options are the choices that a store leaves to the application. The zero value is the safe choice.
type Options struct {
	// UnsafeNoSync lets the operating system decide when a write reaches the disk. Sessions then still survive the death
	// of the process, but a power cut takes back up to a minute of answered writes: logins, and logouts too, so that
	// sessions which have ended can come to life again. It can also leave damaged records, whose visitors get errors
	// until the records are swept.
	UnsafeNoSync bool
}

// Store is a session.Store in a directory, with all the optional interfaces. It is safe for concurrent use, also by
// several Stores on one directory. Its methods wait for locks no longer than their context lasts; a call to the
// operating system that has begun is not interrupted. Use New.
type Store struct {
	dir        string // for error messages
	sync       bool
	sessions   *os.Root
	subjects   *os.Root
	turns      turns         // of sessions
	indexTurns turns         // of subjects
	nextShard  atomic.Uint32 // where the next sweep begins
	nextIndex  atomic.Uint32 // which part of the index it checks
}

var (
	_ session.Store   = (*Store)(nil)
	_ session.Toucher = (*Store)(nil)
	_ session.Indexer = (*Store)(nil)
	_ session.Walker  = (*Store)(nil)
	_ session.Sweeper = (*Store)(nil)
)

// New opens the store in a directory, which it creates when only that last part of the path is absent. It refuses a
// directory that other users of the machine can enter, read or change, and one of another user. Options apply to this
// Store; processes that share a directory should agree.
func New(dir string, o Options) (*Store, error) {
	s := &Store{dir: dir, sync: !o.UnsafeNoSync, turns: newTurns(), indexTurns: newTurns()}
	s.nextShard.Store(rand.Uint32()) // a process that sweeps once and ends must not always begin at the same part
	s.nextIndex.Store(rand.Uint32())
	if err := s.open(); err != nil {
		_ = s.Close()
		return nil, s.fail("open", err)
	}
	return s, nil
}

func (s *Store) open() error {
	root, err := openPrivate(s.dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := checkLocks(root); err != nil {
		return err
	}
	if s.sessions, err = openDir(root, "sessions"); err != nil {
		return err
	}
	if s.subjects, err = openDir(root, "subjects"); err != nil {
		return err
	}
	if s.sync {
		return syncDir(root, ".")
	}
	return nil
}

// Close frees what the store holds open. Calls that come later fail.
func (s *Store) Close() error {
	var errs []error
	for _, root := range []*os.Root{s.sessions, s.subjects} {
		if root != nil {
			errs = append(errs, root.Close())
		}
	}
	return s.fail("close", errors.Join(errs...))
}

// fail passes on what callers branch on and says of everything else where it happened. It keeps the path inside the
// directory to itself, because hashes of subjects can be guessed.
func (s *Store) fail(operation string, err error) error {
	for _, expected := range []error{nil, session.ErrNotFound, session.ErrExists, session.ErrConflict} {
		if errors.Is(err, expected) {
			return expected
		}
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return fmt.Errorf("filestore: %s in %s: %w", operation, s.dir, err)
}

// change runs an operation on one record while nobody else can change it.
func (s *Store) change(ctx context.Context, operation string, id session.RecordID,
	f func(sh *shard, n name) error) error {
	n := nameOf(id[:])
	sh, err := s.lock(ctx, n)
	if err != nil {
		return s.fail(operation, err)
	}
	defer sh.unlock()
	return s.fail(operation, f(sh, n))
}
