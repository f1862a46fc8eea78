package session

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// A value that has a time of its own is stored as the byte timed, its end in milliseconds as a uvarint, and its JSON.
// No JSON begins with that byte, and a value without a time of its own is its JSON and nothing else.
const timed = 0x01

// SetFor is Set with an end: from d on after now the value reads as absent, and the next save leaves it out. Update,
// Try and Append keep the end, and Set makes the value permanent. It does not outlive the session. A d below a
// millisecond is refused.
//
// The end is judged on the clock at each read, so a value can run out while a request is at work. That is no conflict
// with anything that the request does.
func (k Key[T]) SetFor(s *Session, v T, d time.Duration) {
	value, err := k.encodeValue(v)
	if err == nil && d < time.Millisecond {
		err = errNoTime
	}
	if err != nil {
		_ = s.refuse(ReasonUnencodable, string(k), err)
		return
	}
	s.write(operation{key: string(k), value: withEnd(value, s.m.now()+wire.FromDuration(d))})
}

var errNoTime = errors.New("SetFor needs a time of at least a millisecond: use Delete to remove a value, " +
	"and Set to keep it as long as the session")

// withEnd returns how JSON is stored that ends at end; 0: never.
func withEnd(text []byte, end wire.Millis) []byte {
	if text == nil || end == 0 {
		return text
	}
	value := make([]byte, 0, 1+binary.MaxVarintLen64+len(text))
	return append(binary.AppendUvarint(append(value, timed), uint64(end)), text...)
}

// isTimed reports whether a stored value has an end of its own.
func isTimed(value []byte) bool { return len(value) > 0 && value[0] == timed }

// splitEnd returns the end of a stored value, 0 if it has none, and its JSON. What is malformed stays as it is, which
// no type reads.
func splitEnd(value []byte) (end wire.Millis, text []byte) {
	if !isTimed(value) {
		return 0, value
	}
	n, size := binary.Uvarint(value[1:])
	if size <= 0 || n == 0 || n > uint64(wire.Never) {
		return 0, value
	}
	return wire.Millis(n), value[1+size:]
}

// present returns a stored value's JSON and its end. The JSON is nil if there is no value or its time is over.
func (m *Manager) present(value []byte) (end wire.Millis, text []byte) {
	if !isTimed(value) {
		return 0, value
	}
	return splitEnd(values{m: m}.at(m.now()).live(value))
}

// at returns v with the moment by which it is judged whose time is over.
func (v values) at(now wire.Millis) values {
	v.now = now
	return v
}

// live returns a stored value as it is, or nil if its time is over.
func (v values) live(value []byte) []byte {
	if !isTimed(value) || v.now == 0 {
		return value
	}
	if end, _ := splitEnd(value); end != 0 && v.m.reached(end, v.now) {
		return nil
	}
	return value
}

// rerunOne returns the new result of an operation that is run again on old. The result ends when old does. In place of
// a value that is not there any more, it ends when the one did that the function was run on before; if that is over
// by now, so is the result, and there is nothing to run.
func (v values) rerunOne(o *operation, old []byte) ([]byte, error) {
	end, text := splitEnd(v.live(old))
	if text == nil {
		if v.live(o.value) == nil && o.value != nil {
			return o.value, nil
		}
		end, _ = splitEnd(o.value)
	}
	result, err := o.update.run(o.key, text)
	return withEnd(result, end), err
}
