package session

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// operation is one remembered write. Operations double as the overlay that the request's own reads see, and
// are run again on fresh data when another request got in between.
type operation struct {
	key      string
	value    []byte // the result in this request's view; nil: the key is absent
	update   updater
	guarded  bool   // the request had read the key before it wrote it,
	saw      []byte // and this is what it saw
	noChange bool   // it left the key as it was, and gives way to what others write
	popped   bool   // taking away what another request has taken already is fine
}

// updater is a user's function together with the type it works on.
type updater interface {
	run(key string, old []byte) ([]byte, error)
}

// keyRead is what a request last knew of a key: what it read, or wrote after reading.
type keyRead struct {
	key   string
	value []byte
}

// lastOn returns the index of the newest operation on key, or -1.
func lastOn[K string | []byte](ops []operation, key K) int {
	for i := len(ops) - 1; i >= 0; i-- {
		if ops[i].key == string(key) {
			return i
		}
	}
	return -1
}

// values is a set of stored values as a request looks at it: hidden by Clear or by a login as somebody else, or not.
type values struct {
	body   []byte // an envelope's
	hidden bool
}

func (v values) get(key string) []byte {
	if v.hidden {
		return nil
	}
	return wire.Value(v.body, key)
}

// after returns the value of key after ops.
func (v values) after(ops []operation, key string) []byte {
	if i := lastOn(ops, key); i >= 0 {
		return ops[i].value
	}
	return v.get(key)
}

// changedBy reports whether ops leave anything different from the base.
func (v values) changedBy(ops []operation) bool {
	if v.hidden && len(v.body) > 0 {
		return true
	}
	for i := range ops {
		if lastOn(ops, ops[i].key) == i && !same(ops[i].value, v.get(ops[i].key)) {
			return true
		}
	}
	return false
}

// checkReads returns ErrConflict when a key that the request had read before writing it holds something else by now.
func (v values) checkReads(ops []operation) error {
	for _, o := range ops {
		if !o.guarded {
			continue
		}
		now := v.get(o.key)
		if taken := o.popped && now == nil; !taken && !same(now, o.saw) {
			return fmt.Errorf("%w: key %q", ErrConflict, o.key)
		}
	}
	return nil
}

// withoutNoChanges leaves out the operations that changed nothing.
func withoutNoChanges(ops []operation) []operation {
	if !slices.ContainsFunc(ops, func(o operation) bool { return o.noChange }) {
		return ops
	}
	return slices.DeleteFunc(slices.Clone(ops), func(o operation) bool { return o.noChange })
}

// replay runs ops again on these values and returns them with their new results. A function that refuses the
// fresh value fails the request: what it approved was another value.
func (v values) replay(ops []operation) ([]operation, error) {
	fresh := make([]operation, 0, len(ops))
	for _, o := range ops {
		if o.update != nil {
			result, err := o.update.run(o.key, v.after(fresh, o.key))
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrConflict, err)
			}
			o.value = result
		}
		fresh = append(fresh, o)
	}
	return fresh, nil
}

// appendBody appends the base's entries as ops change them, in the base's order, then the new ones. What did
// not change is copied byte for byte.
func (v values) appendBody(dst []byte, ops []operation) []byte {
	replaced := false
	for rest := v.visible(); len(rest) > 0; {
		var key, value []byte
		key, value, rest = wire.Entry(rest)
		if i := lastOn(ops, key); i >= 0 {
			value = ops[i].value
			replaced = true
		}
		if value != nil {
			dst = wire.AppendFrame(wire.AppendFrame(dst, key), value)
		}
	}
	if replaced && len(ops) == 1 { // so that it is no new entry
		return dst
	}
	for i := range ops {
		o := &ops[i]
		if o.value != nil && lastOn(ops, o.key) == i && v.get(o.key) == nil {
			dst = wire.AppendFrame(wire.AppendFrame(dst, o.key), o.value)
		}
	}
	return dst
}

func (v values) visible() []byte {
	if v.hidden {
		return nil
	}
	return v.body
}

func lastRead(seen []keyRead, key string) int {
	for i := len(seen) - 1; i >= 0; i-- {
		if seen[i].key == key {
			return i
		}
	}
	return -1
}

// same compares encoded values; absent equals only absent.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
