package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// stage stands in for the test that internal/servers starts its servers for.
type stage struct {
	testing.TB // nil: the servers need nothing but what follows
	cleanups   []func()
}

// errMissing is what run returns when a server's program is not on this machine.
var errMissing = errors.New("left out")

// fallen is how Fatal and Skip, which do not return, get back to run.
type fallen struct{ error }

// run does what needs a test, and returns what it says when it fails or is skipped.
func (s *stage) run(f func()) (err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case fallen:
			err = reason.error
		default:
			panic(reason)
		}
	}()
	f()
	return nil
}

// close undoes what was begun, the last first.
func (s *stage) close() {
	for len(s.cleanups) > 0 {
		last := len(s.cleanups) - 1
		f := s.cleanups[last]
		s.cleanups = s.cleanups[:last]
		f()
	}
}

func (s *stage) Helper()                  {}
func (s *stage) Context() context.Context { return context.Background() }
func (s *stage) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }
func (s *stage) Skip(args ...any) {
	panic(fallen{fmt.Errorf("%w: %s", errMissing, fmt.Sprint(args...))})
}
func (s *stage) Fatal(args ...any) { panic(fallen{errors.New(fmt.Sprint(args...))}) }
func (s *stage) Fatalf(format string, args ...any) {
	panic(fallen{fmt.Errorf(format, args...)})
}
