package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// pipelineOf returns what sends the commands of a client that pipelines, without waiting for their answers: such a
// client heeds no contexts, and here the store can. It is nil for other clients.
func pipelineOf(client redis.UniversalClient) *redis.AutoPipeliner {
	p, ok := client.(*redis.AutoPipeliner)
	if !ok || !p.IsBlocking() {
		return p
	}
	config := p.Config()
	deferred, err := p.AsyncAutoPipelineWithOptions(&config)
	if err != nil { // settings that only one that waits may have; await does the rest
		return nil
	}
	return deferred
}

// do sends a command and waits until it has been answered or ctx has ended.
func (s *Store) do(ctx context.Context, cmd redis.Cmder) error {
	if s.pipeline == nil {
		_, err := await(ctx, s, func() (struct{}, error) { return struct{}{}, s.client.Process(ctx, cmd) })
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := answer[struct{}]{err: s.pipeline.Submit(ctx, cmd).WaitContext(ctx)}.result(ctx)
	return err
}
