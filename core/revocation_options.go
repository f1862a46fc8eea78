package session

import (
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// newRevocations checks what the options say of revocations. Nil means that they say nothing.
func newRevocations(o Options) (*revocations, error) {
	if o.Revocations == nil {
		switch {
		case o.RevocationAge != 0:
			return nil, errors.New("RevocationAge says how old an answer of Revocations may be: set that too")
		case o.AcceptUnchecked:
			return nil, errors.New("AcceptUnchecked is for when Revocations cannot be asked: set that too")
		}
		return nil, nil
	}
	if isNil(o.Revocations) {
		return nil, errors.New("the store of Revocations is nil, because opening it failed or was forgotten")
	}
	trace := tracer(o.TraceStore)
	store := trace.watching(o.Revocations)
	has := trace.of(store)
	if has.batch == nil {
		return nil, fmt.Errorf("Revocations needs a store that can load many records at once (BatchLoader), which %T "+
			"cannot", o.Revocations)
	}
	return &revocations{
		store: store, batch: has.batch, sweeper: has.sweeper, acceptUnchecked: o.AcceptUnchecked,
		memory: newRevocationMemory(wire.FromDuration(o.RevocationAge)),
	}, nil
}
