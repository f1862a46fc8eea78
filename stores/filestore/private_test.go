//go:build unix

package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
)

// TestPrivate guards that no other user of the machine reads a session, whatever the umask of the process is.
func TestPrivate(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		t.Run(fmt.Sprintf("umask=%03o", umask), func(t *testing.T) {
			dir := newDir(t)
			old := syscall.Umask(umask)
			defer syscall.Umask(old)
			create(t, open(t, dir), "user:1")
			must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				must(t, err)
				info, err := d.Info()
				must(t, err)
				want := os.FileMode(0o600)
				if d.IsDir() {
					want = 0o700
				}
				if info.Mode().Perm() != want {
					t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
				}
				return nil
			}))
		})
	}
}

// TestNewRefusesSharedDirectory guards that sessions are not put where others can read or replace them.
func TestNewRefusesSharedDirectory(t *testing.T) {
	for _, mode := range []os.FileMode{0o755, 0o770, 0o701, 0o720} {
		dir := newDir(t)
		must(t, os.Mkdir(dir, 0o700))
		must(t, os.Chmod(dir, mode))
		_, err := filestore.New(dir, quick)
		if err == nil || !strings.Contains(err.Error(), "chmod 700") || !strings.Contains(err.Error(), dir) {
			t.Errorf("mode %v: error is %v: it must name the directory and the remedy", mode, err)
		}
		must(t, os.Chmod(dir, 0o700))
		must(t, open(t, dir).Delete(t.Context(), session.RecordID{}))
	}
}

// TestNewNeedsParent guards that a mistyped path is an error and not a new tree somewhere.
func TestNewNeedsParent(t *testing.T) {
	if _, err := filestore.New(filepath.Join(t.TempDir(), "absent", "sessions"), quick); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want %v", err, os.ErrNotExist)
	}
}

// TestListingShowsNothing guards that names on disk do not tell subjects, and that errors keep hashes of
// subjects, which can be guessed, to themselves.
func TestListingShowsNothing(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	create(t, s, "user:secret")
	must(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if inside := strings.TrimPrefix(path, dir); strings.Contains(inside, "secret") {
			t.Errorf("%s tells the subject", inside)
		}
		return err
	}))
	owner := files(t, dir, "subjects/*/*")[0]
	must(t, os.RemoveAll(owner))
	must(t, os.WriteFile(owner, nil, 0o600))
	_, err := s.Find(t.Context(), "user:secret")
	if err == nil || strings.Contains(err.Error(), filepath.Base(owner)) {
		t.Errorf("error is %v: want one without the subject's hash", err)
	}
}

// TestSymlinkLeadsNowhere guards that whoever swaps a directory for a link makes the store neither read nor write
// outside.
func TestSymlinkLeadsNowhere(t *testing.T) {
	dir, outside := newDir(t), t.TempDir()
	s := open(t, dir)
	r := create(t, s, "user:1")
	for _, inner := range []string{filepath.Dir(fileOf(t, dir)), filepath.Dir(files(t, dir, "subjects/*/*")[0])} {
		must(t, os.Rename(inner, filepath.Join(outside, filepath.Base(inner))))
		must(t, os.Symlink(filepath.Join(outside, filepath.Base(inner)), inner))
	}
	escapes := func(operation string, err error) {
		t.Helper()
		if err == nil || errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s through a link: error is %v", operation, err)
		}
	}
	_, err := s.Load(t.Context(), r.ID)
	escapes("Load", err)
	_, err = s.Find(t.Context(), r.Subject)
	escapes("Find", err)
	_, err = s.LoadAll(t.Context(), []session.RecordID{r.ID})
	escapes("LoadAll", err)
	_, _, err = s.Walk(t.Context(), "", 10)
	escapes("Walk", err)
	_, err = s.Sweep(t.Context(), r.Expires, 10)
	escapes("Sweep", err)
	escapes("Create", s.Create(t.Context(), r))
	escapes("Update", s.Update(t.Context(), r))
	escapes("Touch", s.Touch(t.Context(), r.ID, r.Seen, r.Expires.Add(time.Hour)))
	escapes("Delete", s.Delete(t.Context(), r.ID))
	if n := len(files(t, outside, "*/*")); n != 2 {
		t.Errorf("%d files outside, want the 2 that were moved there", n)
	}
}

// TestAnotherUsersDirectory: an operator who is root must not leave files that the application cannot read.
func TestAnotherUsersDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	dir := newDir(t)
	s, err := filestore.New(dir, filestore.Options{})
	must(t, err)
	must(t, s.Close())
	must(t, os.Chown(dir, 65534, 65534))
	if _, err := filestore.New(dir, filestore.Options{}); err == nil || !strings.Contains(err.Error(), "65534") {
		t.Errorf("error %v, want one that names the owner", err)
	}
}
