package filestore

import (
	"errors"
	"os"
	"time"
)

// temporary is no record's name: those are hex.
const temporary = "tmp"

func (sh *shard) read(n name) (file, error) { return read(sh.root, n.file(), n) }

// write makes f the content of a record's file. At every moment the file holds all of the old content or all of the
// new.
func (sh *shard) write(n name, f file) error {
	err := sh.writeTemporary(f)
	if err == nil {
		err = sh.root.Rename(temporary, n.file())
	}
	if err != nil {
		_ = sh.root.Remove(temporary) // if this fails too, the next write or sweep sees to it
		return err
	}
	return sh.syncNames()
}

func (sh *shard) writeTemporary(f file) (err error) {
	t, err := sh.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if err := t.Chmod(fileMode); err != nil { // whatever the umask
		return err
	}
	if _, err := t.Write(f); err != nil {
		return err
	}
	if err := sh.setExpiry(temporary, f); err != nil {
		return err
	}
	if sh.sync {
		return t.Sync()
	}
	return nil
}

// writeTimes writes only the times. A process that dies before the expiry is set leaves the time of the write there,
// which a sweep puts right.
func (sh *shard) writeTimes(n name, f file) (err error) {
	t, err := sh.root.OpenFile(n.file(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if _, err := t.WriteAt(f.times(), timesAt); err != nil {
		return err
	}
	return sh.setExpiry(n.file(), f)
}

func (sh *shard) setExpiry(file string, f file) error {
	return sh.root.Chtimes(file, time.Time{}, f.mtime())
}

// syncNames makes renames and removals survive a power cut.
func (sh *shard) syncNames() error {
	if !sh.sync {
		return nil
	}
	return sh.dir.Sync()
}
