//go:build unix

package filestore_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
)

// unreadable checks what the store does with a record whose file has been changed to content.
func unreadable(t *testing.T, content func(old []byte) []byte, says string) {
	t.Helper()
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "user:1")
	path := fileOf(t, dir)
	old, err := os.ReadFile(path)
	must(t, err)
	changed := content(old)
	must(t, os.WriteFile(path, changed, 0o600))
	refuses := func(operation string, err error) {
		t.Helper()
		if err == nil || errors.Is(err, session.ErrNotFound) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error is %v, want one that says %q", operation, err, says)
		}
	}
	_, err = s.Load(t.Context(), r.ID)
	refuses("Load", err)
	refuses("Update", s.Update(t.Context(), r))
	refuses("Touch", s.Touch(t.Context(), r.ID, r.Seen, r.Expires.Add(time.Hour)))
	if err := s.Create(t.Context(), r); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create: error is %v, want %v", err, session.ErrExists)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(changed) {
		t.Errorf("the file was changed (%v)", err)
	}
	must(t, s.Delete(t.Context(), r.ID))
	if n := len(files(t, dir, "sessions/*/*")); n != 0 {
		t.Errorf("Delete left %d files", n)
	}
}

// TestDamagedFile guards that no byte of a file can change unnoticed, and that damage is an outage and not a session
// that ended, which the core could begin anew.
func TestDamagedFile(t *testing.T) {
	const header, subject, data = 80, len("user:1"), len("values")
	for cut := range header + subject + data {
		if cut%9 == 0 {
			unreadable(t, func(old []byte) []byte { return old[:cut] }, "damaged")
		}
	}
	unreadable(t, func(old []byte) []byte { return append(old, 0) }, "damaged")
	for at := range header + subject + data {
		if at != 7 { // another format is not damage
			unreadable(t, func(old []byte) []byte { old[at] ^= 0x20; return old }, "damaged")
		}
	}
	unreadable(t, func(old []byte) []byte { // right sums over a subject that is longer than the file
		old[72] = 0x7f
		binary.BigEndian.PutUint32(old[28:], crc32.Checksum(old[32:], crc32.MakeTable(crc32.Castagnoli)))
		return old
	}, "damaged")
}

// TestMisplacedFile guards that a file copied to another record's name does not give one visitor another one's session.
func TestMisplacedFile(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "")
	mine := fileOf(t, dir)
	must(t, os.Rename(mine, mine+".mine"))
	create(t, s, "")
	for _, path := range files(t, dir, "sessions/*/*") {
		if filepath.Ext(path) != ".mine" {
			must(t, os.Rename(path, mine))
		}
	}
	if _, err := s.Load(t.Context(), r.ID); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Load: error is %v, want one that says that the file is damaged", err)
	}
}

// TestNewerFormat guards that an older process beside newer ones, as during a deployment, takes their records neither
// for garbage nor for absent.
func TestNewerFormat(t *testing.T) {
	newer := func(old []byte) []byte { return append([]byte("coatchk\x02"), "all else may differ"...) }
	unreadable(t, newer, "newer version")

	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "user:1")
	must(t, os.WriteFile(fileOf(t, dir), newer(nil), 0o600))
	must(t, os.Chtimes(fileOf(t, dir), epoch, epoch))
	if n, err := s.Sweep(t.Context(), epoch.AddDate(1, 0, 0), 10); n != 0 || err != nil {
		t.Errorf("Sweep removed %d (%v), want 0: it cannot know when the record expires", n, err)
	}
	fileOf(t, dir)
	if _, err := list(t, s, r.Subject); err == nil {
		t.Error("List left out a record that may be a live session")
	}
}

// TestDamagedRecordAndList guards that "log out everywhere" works although one record cannot be read.
func TestDamagedRecordAndList(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	create(t, s, "user:1")
	must(t, os.Truncate(fileOf(t, dir), 50))
	r := create(t, s, "user:1")
	listed, err := list(t, s, "user:1")
	if err != nil || len(listed) != 1 || listed[0].ID != r.ID {
		t.Errorf("List found %d records (%v), want the one that is whole", len(listed), err)
	}
}

// FuzzLoad guards that whatever a file holds, reading it neither panics nor finds a record that was not written.
func FuzzLoad(f *testing.F) {
	dir := newDir(f)
	s, err := filestore.New(dir, quick)
	must(f, err)
	r := newRecord("user:1")
	must(f, s.Create(f.Context(), r))
	path := fileOf(f, dir)
	whole, err := os.ReadFile(path)
	must(f, err)
	f.Add(whole)
	f.Add(whole[:80])
	f.Add([]byte("coatchk\x01"))
	f.Add([]byte("coatchk\x02"))
	f.Fuzz(func(t *testing.T, content []byte) {
		must(t, os.WriteFile(path, content, 0o600))
		got, err := s.Load(t.Context(), r.ID)
		if err == nil && (got.ID != r.ID || string(got.Data) != "values" && string(content) == string(whole)) {
			t.Errorf("Load found %v", got)
		}
	})
}
