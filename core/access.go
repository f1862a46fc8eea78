package session

import "fmt"

// valueOf returns the encoded value of key in this request's view, nil if there is none. An error has been reported.
func (s *Session) valueOf(key string, remember bool) ([]byte, error) {
	st := s.enter()
	if st == nil {
		return nil, ErrRequestOver
	}
	defer s.leave()
	return st.value(key, remember), nil
}

// write remembers an operation, unless the session cannot be written to, which has been reported then.
func (s *Session) write(o operation) {
	if st, err := s.enterToWrite(); err == nil {
		st.write(o, st.value(o.key, false))
		s.leaveChanged(st)
	}
}

// writeIf writes unless the key no longer holds what the value was computed from.
func (s *Session) writeIf(o operation, old []byte) (done bool, err error) {
	st, err := s.enterToWrite()
	if err != nil {
		return true, err
	}
	defer s.leaveChanged(st)
	now := st.value(o.key, false)
	if !same(now, old) {
		return false, nil
	}
	st.write(o, now)
	return true, nil
}

// change lets u change the value of key, again if another goroutine of this request wrote in between. An error has been
// reported.
func (s *Session) change(key string, u updater) {
	for {
		before, err := s.valueOf(key, false)
		if err != nil {
			return
		}
		end, text := s.m.present(before)
		value, err := u.run(key, text)
		if err != nil {
			s.reject(ReasonUndecodable, key, err)
			return
		}
		if done, _ := s.writeIf(operation{key: key, value: withEnd(value, end), update: u}, before); done {
			return
		}
	}
}

// refuse reports a write that cannot be taken and lets the commit fail, so that no response claims it was saved.
func (s *Session) refuse(reason Reason, key string, err error) error {
	err = fmt.Errorf("session: key %q: %w", key, err)
	s.reject(reason, key, err)
	return err
}

// reject is refuse for an error that needs no key.
func (s *Session) reject(reason Reason, key string, err error) {
	st, unable := s.enterToWrite()
	if unable != nil { // which has been reported
		return
	}
	st.pending.refusal = err
	e := Event{Reason: reason, Key: key, Err: err, Source: applicationLine()}
	news := s.firstReport(&e) // in one step with the refusal, so that no commit tells of it before
	s.leave()
	if news {
		s.emit(s.m.appendEvent(nil, e))
	}
}
