package session

import "github.com/coatcheck/coatcheck/core/internal/wire"

// handle returns the public id of the session, or "".
func (st *state) handle() string { return st.base.envelope().Handle.String() }

// storedSubject returns whom the stored session belongs to, or nobody.
func (st *state) storedSubject() []byte { return st.base.envelope().Subject }

// values is what was loaded or last written, before this request's operations.
func (st *state) values() values { return values{body: st.base.body(), hidden: st.hidden()} }

// valuesAt is values with the moment by which it is judged whose time is over.
func (st *state) valuesAt(m *Manager, now wire.Millis) values {
	v := st.values()
	v.m, v.now = m, now
	return v
}

// value returns the encoded value of key in this request's view, nil if there is none. remember notes it as read.
func (st *state) value(key string, remember bool) []byte {
	value := st.values().after(st.operations(), key)
	if remember {
		st.noteRead(key, value)
	}
	return value
}

// keyRead is what a request last knew of a key: what it read, or wrote after reading.
type keyRead struct {
	key   string
	value []byte
}

// noteRead remembers what the request knows of key.
func (st *state) noteRead(key string, value []byte) {
	if i := lastRead(st.reads, key); i >= 0 {
		st.reads[i].value = value
		return
	}
	if st.reads == nil {
		st.reads = st.firstRead[:0]
	}
	st.reads = append(st.reads, keyRead{key, value})
}

// lastRead returns the index of what is known of key, or -1.
func lastRead(seen []keyRead, key string) int {
	for i := len(seen) - 1; i >= 0; i-- {
		if seen[i].key == key {
			return i
		}
	}
	return -1
}
