package memcachestore

import session "github.com/coatcheck/coatcheck/core"

// Decode reads an item's value.
func Decode(b []byte) (session.Record, error) {
	if err := value(b).check(); err != nil {
		return session.Record{}, err
	}
	return value(b).record(session.RecordID{}), nil
}

// Encode makes an item's value.
func Encode(r session.Record) []byte { return newValue(r) }

// Expiration is what is sent with an item.
func Expiration(b []byte) int32 { return value(b).expiration() }
