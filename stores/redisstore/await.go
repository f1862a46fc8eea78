package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// await runs a call to the client and gives up on it when ctx ends. The client cannot be left to do so: without
// ContextTimeoutEnabled it ignores contexts while it waits for an answer, and with it it heeds their deadlines only.
// That is enough for a request's own calls, which then do without a goroutine.
func await[T any](ctx context.Context, s *Store, call func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if s.heedsDeadlines && endsAtDeadline(ctx) {
		return attempt(call).result(ctx)
	}
	answers := make(chan answer[T], 1) // so that a call that was given up on can end
	go func() { answers <- attempt(call) }()
	select {
	case a := <-answers:
		return a.result(ctx)
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// endsAtDeadline reports whether ctx ends at its deadline and not before, as session.Store describes it.
func endsAtDeadline(ctx context.Context) bool {
	c, ok := ctx.(interface{ EndsAtDeadline() bool })
	return ok && c.EndsAtDeadline()
}

type answer[T any] struct {
	value T
	err   error
}

// attempt turns a panic, a hook's most likely, into an error: in a goroutine of the store's it would end the program.
func attempt[T any](call func() (T, error)) (a answer[T]) {
	defer func() {
		if p := recover(); p != nil {
			a.err = fmt.Errorf("the Redis client panicked: %v", p)
		}
	}()
	a.value, a.err = call()
	return a
}

func (a answer[T]) result(ctx context.Context) (T, error) {
	if a.err != nil && ctx.Err() != nil {
		var none T
		return none, fmt.Errorf("%w (%v)", ctx.Err(), a.err) //nolint:errorlint // what ended the call is the context
	}
	return a.value, a.err
}

// heedsDeadlines reports whether a client gives up at a context's deadline.
func heedsDeadlines(client redis.UniversalClient) bool {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return c.Options().ContextTimeoutEnabled
	case *redis.Ring:
		return c.Options().ContextTimeoutEnabled
	}
	return false
}
