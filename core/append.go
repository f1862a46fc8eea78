package session

import "errors"

// Append adds v to the end of a list and keeps the last limit items. It returns the list as this request sees it. Like
// Update it loses nothing when requests overlap: the items of all are there, in the order of their commits, and the
// first ones go. What the handler does to v afterwards does not change the session. A limit below 1 is refused.
func Append[T any](s *Session, key Key[[]T], v T, limit int) []T {
	item, err := encodeItem(key, v, limit)
	if err != nil {
		_ = s.refuse(ReasonUnencodable, string(key), err)
		return key.Get(s)
	}
	return key.Update(s, func(list []T) []T {
		again, _ := decode[T](item) // what does not decode is null, which is T's zero value here
		list = append(list, again)
		return list[max(0, len(list)-limit):]
	})
}

func encodeItem[T any](key Key[[]T], v T, limit int) ([]byte, error) {
	if limit < 1 {
		return nil, errors.New("Append needs a limit of at least 1: use Delete to drop the list")
	}
	if err := key.checkStorable(); err != nil {
		return nil, err
	}
	return encode(v)
}
