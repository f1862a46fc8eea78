package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

const (
	dirMode  = 0o700
	fileMode = 0o600

	// maxNames is how many names of a directory are read before its reader looks whether it is still wanted.
	maxNames = 1000
)

// openPrivate opens a directory that nobody else can enter, and creates it if need be.
func openPrivate(dir string) (*os.Root, error) {
	err := os.Mkdir(dir, dirMode)
	if err == nil {
		err = os.Chmod(dir, dirMode) // the umask may have taken the owner's bits too
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if err := checkPrivate(root); err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

func checkPrivate(root *os.Root) error {
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	if owner, known := ownerOf(info); known && owner != os.Geteuid() {
		return fmt.Errorf("the directory is user %d's, and this is user %d: what it wrote, its owner could not read; run "+
			"it as the owner", owner, os.Geteuid())
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("other users can get at the sessions (mode %04o): run chmod 700 on the directory", mode)
	}
	return nil
}

// openDir opens a directory, which it creates if need be.
func openDir(parent *os.Root, dir string) (*os.Root, error) {
	if err := makeDir(parent, dir); err != nil {
		return nil, err
	}
	return parent.OpenRoot(dir)
}

// makeDir creates a directory unless it is there.
func makeDir(root *os.Root, dir string) error {
	err := root.Mkdir(dir, dirMode)
	if err == nil {
		err = root.Chmod(dir, dirMode) // whatever the umask
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// syncDir makes the names in a directory survive a power cut.
func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readDir returns the names in a directory, in no particular order.
func readDir(root *os.Root, dir string) ([]string, error) {
	d, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return d.Readdirnames(-1)
}
