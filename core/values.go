package session

import (
	"bytes"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// values are the stored values as a request sees them: none if Clear or a login as somebody else has hidden them.
type values struct {
	body   []byte // of an envelope
	hidden bool

	m   *Manager    // whose clock now is on
	now wire.Millis // the moment at which values that have an end of their own are judged; 0: none is over
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

func (v values) visible() []byte {
	if v.hidden {
		return nil
	}
	return v.body
}

// changedBy reports whether ops leave anything different. That a value's time is over is no difference.
func (v values) changedBy(ops []operation) bool {
	if v.hidden && len(v.body) > 0 {
		return true
	}
	for i := range ops {
		if lastOn(ops, ops[i].key) == i && !same(v.live(ops[i].value), v.live(v.get(ops[i].key))) {
			return true
		}
	}
	return false
}

// checkReads returns ErrConflict when a key that the request had read before writing it holds something else by now.
// What was there and is over is not there.
func (v values) checkReads(ops []operation) error {
	for _, o := range ops {
		if !o.guarded {
			continue
		}
		now := v.live(v.get(o.key))
		if taken := o.popped && now == nil; !taken && !same(now, v.live(o.saw)) {
			return fmt.Errorf("%w: key %q", ErrConflict, o.key)
		}
	}
	return nil
}

// rerun runs ops again on these values and returns them with their new results. A function that refuses the new
// value fails the request: what it approved was another value.
func (v values) rerun(ops []operation) ([]operation, error) {
	fresh := make([]operation, 0, len(ops))
	for _, o := range ops {
		if o.update != nil {
			result, err := v.rerunOne(&o, v.after(fresh, o.key))
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrConflict, err)
			}
			o.value = result
		}
		fresh = append(fresh, o)
	}
	return fresh, nil
}

// appendBody appends the entries as ops change them, in the order that they have, then the new ones. What did not
// change is copied byte for byte, and what is over is left out.
func (v values) appendBody(dst []byte, ops []operation) []byte {
	replaced := false
	for rest := v.visible(); len(rest) > 0; {
		var key, value []byte
		key, value, rest = wire.Entry(rest)
		if i := lastOn(ops, key); i >= 0 {
			value = ops[i].value
			replaced = true
		}
		if value = v.live(value); value != nil {
			dst = wire.AppendFrame(wire.AppendFrame(dst, key), value)
		}
	}
	if replaced && len(ops) == 1 { // the only operation replaced an existing entry: there is nothing to append
		return dst
	}
	for i := range ops {
		o := &ops[i]
		if v.live(o.value) != nil && lastOn(ops, o.key) == i && v.get(o.key) == nil {
			dst = wire.AppendFrame(wire.AppendFrame(dst, o.key), o.value)
		}
	}
	return dst
}

// same compares encoded values; absent equals only absent.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
