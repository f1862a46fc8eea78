//go:build unix

package filestore_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
)

// These variables turn the test binary into a process that uses a store: which kind, where, and how.
const (
	roleVariable = "FILESTORE_TEST_ROLE"
	dirVariable  = "FILESTORE_TEST_DIR"
	argVariable  = "FILESTORE_TEST_ARG"
)

func TestMain(m *testing.M) {
	roles := map[string]func(s *filestore.Store, arg string) error{
		"write": writeAndTell, "increment": incrementAndTell, "fill": writeWithLimit, "large": writeLarge,
	}
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	s, err := filestore.New(os.Getenv(dirVariable), quick)
	if err == nil {
		err = role(s, os.Getenv(argVariable))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is a child that uses the store. What it says on its standard output, a line each, has been answered.
type process struct {
	cmd *exec.Cmd
	out *bufio.Scanner
	err *strings.Builder
}

func start(t *testing.T, role, dir, arg string) *process {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	p := &process{cmd: exec.Command(self), err: &strings.Builder{}}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir, argVariable+"="+arg)
	p.cmd.Stderr = p.err
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	p.out = bufio.NewScanner(out)
	must(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// lines reads up to n lines, or all with -1.
func (p *process) lines(n int) (lines []string) {
	for (n < 0 || len(lines) < n) && p.out.Scan() {
		lines = append(lines, p.out.Text())
	}
	return lines
}

// kill ends the process in the middle of whatever it is doing and returns what it had still said.
func (p *process) kill(t *testing.T) []string {
	t.Helper()
	must(t, p.cmd.Process.Kill())
	rest := p.lines(-1)
	_ = p.cmd.Wait() // it was killed
	if p.err.Len() > 0 {
		t.Errorf("the process failed before it was killed: %s", p.err)
	}
	return rest
}

func (p *process) finish(t *testing.T) []string {
	t.Helper()
	lines := p.lines(-1)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("process: %v: %s", err, p.err)
	}
	return lines
}

// say tells the parent process. Each line is a write of its own, so that a kill takes back nothing that was said.
func say(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

// incrementAndTell counts a record up and tells each version that it wrote.
func incrementAndTell(s *filestore.Store, arg string) error {
	id, err := hex.DecodeString(arg)
	for done := 0; done < 200 && err == nil; {
		var r session.Record
		if r, err = s.Load(context.Background(), session.RecordID(id)); err != nil {
			return err
		}
		switch err = s.Update(context.Background(), r); {
		case err == nil:
			done++
			say("%d", r.Version+1)
		case errors.Is(err, session.ErrConflict):
			err = nil
		}
	}
	return err
}

// TestProcessesShareVersions guards that two processes never both believe that they wrote the same version.
func TestProcessesShareVersions(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "")
	children := make([]*process, 3)
	for i := range children {
		children[i] = start(t, "increment", dir, hex.EncodeToString(r.ID[:]))
	}
	seen := map[string]bool{}
	for _, p := range children {
		for _, version := range p.finish(t) {
			if seen[version] {
				t.Errorf("version %s was written twice", version)
			}
			seen[version] = true
		}
	}
	last, err := s.Load(t.Context(), r.ID)
	must(t, err)
	if want := 200 * len(children); len(seen) != want || last.Version != uint64(1+want) {
		t.Errorf("%d versions were written and the last is %d, want %d and one more", len(seen), last.Version, want)
	}
}

// writeWithLimit tries to write more than the operating system lets this process.
func writeWithLimit(s *filestore.Store, _ string) error {
	ctx := context.Background()
	r := newRecord("user:1")
	if err := s.Create(ctx, r); err != nil {
		return err
	}
	say("%x", r.ID[:])
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: 4096}); err != nil {
		return err
	}
	large := newRecord("user:1")
	large.Data, r.Data = make([]byte, 10_000), make([]byte, 10_000)
	say("%t", errors.Is(s.Create(ctx, large), syscall.EFBIG))
	err := s.Update(ctx, r)
	say("%t", errors.Is(err, syscall.EFBIG))
	say("%v", err)
	return nil
}

// TestWriteFails guards that a write which the disk refuses is an error, and leaves what there was and nothing else.
func TestWriteFails(t *testing.T) {
	dir := newDir(t)
	lines := start(t, "fill", dir, "").finish(t)
	if len(lines) != 4 || lines[1] != "true" || lines[2] != "true" {
		t.Fatalf("the process says %q, want two refused writes", lines)
	}
	if !strings.HasPrefix(lines[3], "filestore: update in "+dir+": ") {
		t.Errorf("error is %q, want one that begins with package, operation and directory", lines[3])
	}
	id, err := hex.DecodeString(lines[0])
	must(t, err)
	intact(t, open(t, dir), dir, session.RecordID(id))
}

// intact checks that a store holds one record as it was created, and no other file.
func intact(t *testing.T, s *filestore.Store, dir string, id session.RecordID) {
	t.Helper()
	r, err := s.Load(t.Context(), id)
	if err != nil || r.Version != 1 || string(r.Data) != "values" {
		t.Errorf("the old record is version %d, %.20q (%v)", r.Version, r.Data, err)
	}
	fileOf(t, dir)
}
