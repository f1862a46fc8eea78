//go:build unix

package filestore_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
)

const (
	writes   = 10_000
	subjects = 5
)

// writeAndTell writes again and again and, after each answer, tells the id and what the record must be now.
func writeAndTell(s *filestore.Store, _ string) error {
	ctx := context.Background()
	for i := range writes {
		r := newRecord(fmt.Sprintf("user:%d", i%subjects))
		r.Data = pattern(1, i)
		tell := func(state string, err error) error {
			if err == nil {
				say("%x %s %d", r.ID[:], state, i)
			}
			return err
		}
		err := tell("1", s.Create(ctx, r))
		if i%2 == 0 && err == nil {
			r.Data, r.Subject = pattern(2, i), fmt.Sprintf("user:%d", (i+1)%subjects)
			err = tell("2", s.Update(ctx, r))
		}
		if err == nil {
			err = s.Touch(ctx, r.ID, r.Seen.Add(time.Minute), r.Expires.Add(time.Minute))
		}
		if i%4 == 0 && err == nil {
			err = tell("gone", s.Delete(ctx, r.ID))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func pattern(version, i int) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("version %d of %d;", version, i), 1+i%500))
}

// answered is the last state of each record that a process told of.
func answered(t *testing.T, lines []string) map[session.RecordID][2]string {
	t.Helper()
	states := map[session.RecordID][2]string{}
	for _, line := range lines {
		words := strings.Fields(line)
		id, err := hex.DecodeString(words[0])
		must(t, err)
		states[session.RecordID(id)] = [2]string{words[1], words[2]}
	}
	return states
}

// TestKill guards the promise that sets a file apart from memory: what was answered is there, whatever happens to the
// process that wrote it, and what it was doing when it died hurts nobody.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run kills nobody: each of the processes writes one record after the other")
	}
	for _, writers := range []int{1, 2} {
		for _, after := range []int{1, 40, 300} {
			t.Run(fmt.Sprintf("writers=%d/after=%d", writers, after), func(t *testing.T) {
				kill(t, writers, after)
			})
		}
	}
}

func kill(t *testing.T, writers, after int) {
	dir := newDir(t)
	children := make([]*process, writers)
	for i := range children {
		children[i] = start(t, "write", dir, "")
	}
	var lines []string
	for _, p := range children {
		lines = append(lines, p.lines(after)...)
	}
	for _, p := range children {
		lines = append(lines, p.kill(t)...)
	}
	s := open(t, dir)
	states := answered(t, lines)
	for id, state := range states {
		check(t, s, id, state)
	}
	listsAgree(t, s, dir)
	unfinished := len(files(t, dir, "sessions/*/*")) - len(states)
	t.Logf("%d answers about %d records; %d files more than records that were told of", len(lines),
		len(states), unfinished)
	sweep(t, s, epoch, 10)
	if left := files(t, dir, "sessions/*/tmp"); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
	for range 256 { // one call checks a 256th of the index
		sweep(t, s, time.Now().Add(time.Hour), writes) // a touch that was cut off leaves the time of the write
	}
	if left := append(files(t, dir, "sessions/*/*"), files(t, dir, "subjects/*/*")...); len(left) > 0 {
		t.Errorf("%d files cannot be swept", len(left))
	}
}

// check accepts one step more than was told: the process may have died before it could tell.
func check(t *testing.T, s *filestore.Store, id session.RecordID, state [2]string) {
	t.Helper()
	i, err := strconv.Atoi(state[1])
	must(t, err)
	r, err := s.Load(t.Context(), id)
	if errors.Is(err, session.ErrNotFound) && (state[0] == "gone" || i%4 == 0 && state[0] == "2") {
		return
	}
	must(t, err)
	told, _ := strconv.Atoi(state[0])
	if r.Version != uint64(told) && (told != 1 || i%2 != 0 || r.Version != 2) ||
		string(r.Data) != string(pattern(int(r.Version), i)) {
		t.Errorf("record %d was answered as %q and is version %d, %.20q", i, state[0], r.Version, r.Data)
	}
}

// listsAgree checks that the subjects' lists have every record of theirs, once, and that every file can be read.
func listsAgree(t *testing.T, s *filestore.Store, dir string) {
	t.Helper()
	listed := 0
	for i := range subjects {
		records, err := list(t, s, fmt.Sprintf("user:%d", i))
		must(t, err)
		listed += len(records)
	}
	there := len(files(t, dir, "sessions/*/*")) - len(files(t, dir, "sessions/*/tmp"))
	if listed != there {
		t.Errorf("%d records are listed, and %d are there", listed, there)
	}
}

// writeLarge writes one record over and over, long enough for others to see it being written.
func writeLarge(s *filestore.Store, _ string) error {
	ctx := context.Background()
	r := newRecord("")
	err := s.Create(ctx, r)
	say("%x", r.ID[:])
	for r.Data = make([]byte, 16<<20); err == nil; r.Version++ {
		err = s.Update(ctx, r)
		say("%d", r.Version) // which ends this process if the parent is gone
	}
	return err
}

// TestKillDuringWrite kills while data is half written, which TestKill seldom meets.
func TestKillDuringWrite(t *testing.T) {
	for left := 0; left == 0; { // a write may still be faster than the kill
		dir := newDir(t)
		p := start(t, "large", dir, "")
		id, err := hex.DecodeString(p.lines(1)[0])
		must(t, err)
		for len(files(t, dir, "sessions/*/tmp")) == 0 {
			must(t, t.Context().Err())
		}
		p.kill(t)
		s := open(t, dir)
		if r, err := s.Load(t.Context(), session.RecordID(id)); err != nil {
			t.Errorf("version %d: %v", r.Version, err)
		}
		left = len(files(t, dir, "sessions/*/tmp"))
		sweep(t, s, epoch, 10)
		fileOf(t, dir)
	}
}
