package memstore

import (
	"context"
	"runtime"
)

// maxTries is how often a lock is tried before somebody waits for it.
const maxTries = 4

// lock takes the shard's lock for writing, or gives up when ctx ends.
func (sh *shard) lock(ctx context.Context) error {
	for range maxTries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if sh.mu.TryLock() {
			return nil
		}
		runtime.Gosched() // whoever holds it is done within microseconds
	}
	return await(ctx, sh.mu.Lock, sh.mu.Unlock)
}

// rLock takes it for reading.
func (sh *shard) rLock(ctx context.Context) error {
	for range maxTries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if sh.mu.TryRLock() {
			return nil
		}
		runtime.Gosched()
	}
	return await(ctx, sh.mu.RLock, sh.mu.RUnlock)
}

// await waits in a goroutine, which gives the lock back if it comes too late.
func await(ctx context.Context, lock, unlock func()) error {
	locked := make(chan struct{})
	go func() {
		lock()
		select {
		case locked <- struct{}{}:
		case <-ctx.Done():
			unlock()
		}
	}()
	select {
	case <-locked:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
