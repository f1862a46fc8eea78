package redisstore

import (
	"context"
	"fmt"
)

// await runs a call to the client and gives up on it when ctx ends. The client cannot be left to do so: without
// ContextTimeoutEnabled it ignores contexts while it waits for an answer, and with it it heeds their deadlines only.
func await[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	answers := make(chan answer, 1) // so that a call that was given up on can end
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil { // a hook's, most likely; here it would end the program
				a.err = fmt.Errorf("the Redis client panicked: %v", p)
			}
			answers <- a
		}()
		a.value, a.err = call()
	}()
	select {
	case a := <-answers:
		if a.err != nil && ctx.Err() != nil {
			return none, fmt.Errorf("%w (%v)", ctx.Err(), a.err) //nolint:errorlint // what ended the call is the context
		}
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
