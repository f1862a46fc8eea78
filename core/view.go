package session

// handle returns the public id of the session, or "".
func (st *state) handle() string { return st.base.envelope().Handle.String() }

// storedSubject returns whom the stored session belongs to, or nobody.
func (st *state) storedSubject() []byte { return st.base.envelope().Subject }

func (st *state) values() values { return values{st.base.body(), st.hidden()} }

// value returns the value of key in this request's view. note remembers it as seen.
func (st *state) value(key string, note bool) []byte {
	value := st.values().after(st.operations(), key)
	if note {
		st.noteRead(key, value)
	}
	return value
}

// keyRead is what a request last knew of a key: what it read, or wrote after reading.
type keyRead struct {
	key   string
	value []byte
}

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

func lastRead(seen []keyRead, key string) int {
	for i := len(seen) - 1; i >= 0; i-- {
		if seen[i].key == key {
			return i
		}
	}
	return -1
}
