package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Pipeliner is a client that takes commands without waiting for their answers, such as go-redis's *AutoPipeliner from
// AsyncAutoPipeline. F is its own type of what a caller waits for.
type Pipeliner[F Future] interface {
	redis.UniversalClient
	Submit(ctx context.Context, cmd redis.Cmder) F
}

// Future is a command that has been submitted. WaitContext returns its error, or that of a context that ended before.
type Future interface {
	WaitContext(ctx context.Context) error
}

// NewPipelined is New for a client whose calls share round trips. The client stays the caller's to close. It names no
// type that older versions of go-redis do not have.
func NewPipelined[F Future](client Pipeliner[F]) *Store {
	s := New(client)
	s.submit = func(ctx context.Context, cmd redis.Cmder) error { return client.Submit(ctx, cmd).WaitContext(ctx) }
	return s
}

// do sends a command and waits until it has been answered or ctx has ended.
func (s *Store) do(ctx context.Context, cmd redis.Cmder) error {
	if s.submit == nil {
		_, err := await(ctx, s, func() (struct{}, error) {
			if err := s.client.Process(ctx, cmd); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, cmd.Err() // which a client that only queues commands waits for
		})
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := answer[struct{}]{err: s.submit(ctx, cmd)}.result(ctx)
	return err
}
