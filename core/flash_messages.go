package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// message is one of a Flash's: its random id, by which it is taken, and its JSON. The messages of a Flash are stored as
// one value, a list of such pairs.
type message struct {
	id   uint64
	text []byte
}

// parseMessages reads a Flash's value; nil holds none.
func parseMessages(stored []byte) ([]message, error) {
	if stored == nil {
		return nil, nil
	}
	var pairs [][]json.RawMessage
	if json.Unmarshal(stored, &pairs) != nil || pairs == nil {
		return nil, errNoMessages
	}
	found := make([]message, len(pairs))
	for i, pair := range pairs {
		if len(pair) != 2 {
			return nil, errNoMessages
		}
		id, err := strconv.ParseUint(string(pair[0]), 10, 64)
		if err != nil {
			return nil, errNoMessages
		}
		found[i] = message{id, pair[1]}
	}
	return found, nil
}

// encodeMessages is the value of a Flash with these messages; nil if there are none.
func encodeMessages(messages []message) (stored []byte) {
	for i, m := range messages {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		stored = append(strconv.AppendUint(append(stored, separator, '['), m.id, 10), ',')
		stored = append(append(stored, m.text...), ']')
	}
	if stored != nil {
		stored = append(stored, ']')
	}
	return stored
}

// addedMessage and takenMessages are what Add and Take do to the value, on whatever messages there are. Both can run
// again in any order with others: a message is added once, and those that were shown are taken by their ids.
type (
	addedMessage  message
	takenMessages []uint64
)

func (a *addedMessage) run(key string, old []byte) ([]byte, error) {
	messages, err := parseMessages(old)
	if err != nil {
		return nil, fmt.Errorf("session: flash %q: %w", key, err)
	}
	return encodeMessages(append(messages, message(*a))), nil
}

func (taken takenMessages) run(_ string, old []byte) ([]byte, error) {
	isTaken := func(m message) bool { return slices.Contains(taken, m.id) }
	if messages, err := parseMessages(old); err == nil { // otherwise it is nothing of what was taken, and stays
		old = encodeMessages(slices.DeleteFunc(messages, isTaken))
	}
	return old, nil
}
