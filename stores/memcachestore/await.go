package memcachestore

import (
	"context"
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

// refusedSize recognizes the refusal of a server whose limit is lower than assumed. The client has no error for it.
// Where the words differ, the error is one like any other.
func refusedSize(err error) bool {
	return err != nil && strings.Contains(err.Error(), "SERVER_ERROR object too large")
}
