package session

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Keys returns the names of the values that the session has in this request's view, sorted. Those whose time is over
// are none. It does not count as reading them: no later Set conflicts because of it.
func (s *Session) Keys() []string {
	return slices.Sorted(maps.Keys(jsonIn[json.RawMessage](s.body())))
}

// All returns the values that the session has in this request's view as they are stored, for debug pages and exports:
// JSON, copied, and without the ends of those that have one. Like Keys it does not count as reading them. What a
// program without this package has stored may not be JSON, and is left out. A Flash's value is a list of its
// messages, each with a number.
//
// Values can be secrets: show them to the visitor, and keep them out of logs.
func (s *Session) All() map[string]json.RawMessage {
	all := jsonIn[json.RawMessage](s.body())
	maps.DeleteFunc(all, func(_ string, text json.RawMessage) bool { return !json.Valid(text) })
	return all
}

// body returns a copy of what a commit would store by now.
func (s *Session) body() []byte {
	now := s.m.now() // without the lock, since it is the application's
	st := s.enter()
	if st == nil {
		return nil
	}
	defer s.leave()
	return st.valuesAt(s.m, now).appendBody(nil, st.operations())
}

// jsonIn returns the JSON of a body's values, which are not copied.
func jsonIn[J ~[]byte](body []byte) map[string]J {
	found := map[string]J{}
	for len(body) > 0 {
		var key, value []byte
		key, value, body = wire.Entry(body)
		_, text := splitEnd(value)
		found[string(key)] = text
	}
	return found
}
