package memcachestore

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
)

// await runs a call of the client's, which takes no context, and returns when it is done or ctx has ended. It begins
// nothing when ctx has ended already.
func await(ctx context.Context, call func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() == nil {
		return call()
	}
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await is the function of that name for calls to the store's client. When a connection turns out to be dead, those
// that the client keeps are no better: they are closed, so that the next call takes a new one.
func (s *Store) await(ctx context.Context, call func() error) error {
	err := await(ctx, call)
	if lost(err) {
		_ = s.client.Close() // it closes what is idle and goes on working
	}
	return err
}

// repeatable runs a call that may happen twice.
func (s *Store) repeatable(ctx context.Context, call func() error) error {
	err := s.await(ctx, call)
	if lost(err) {
		err = s.await(ctx, call)
	}
	return err
}

// lost recognizes that the connection ended before the answer came, so that what became of the command is unknown. A
// server that cannot be reached or does not answer in time is another matter: trying again would only take longer.
func lost(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op != "dial" && !op.Timeout()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// refusedSize recognizes the refusal of a server whose limit is lower than assumed. The client has no error for it.
// Where the words differ, the error is one like any other.
func refusedSize(err error) bool { return says(err, "SERVER_ERROR object too large") }

// refusedFull recognizes the refusal of a server that has no memory left and may not evict.
func refusedFull(err error) bool { return says(err, "SERVER_ERROR out of memory") }

func says(err error, words string) bool { return err != nil && strings.Contains(err.Error(), words) }
