package session

// Reason tells why the visitor has no session: a login page says with it that the session has expired.
//
//   - "" for a visitor who came with a session, or without a cookie
//   - one of the reasons why a cookie was not accepted; of several cookies' the most telling one, which is the first
//     that is Lapsed, if any is
//   - ReasonEnded after this request's own Destroy
//   - ReasonLoadFailed when the session could not be loaded: see Err
//
// A session that this request starts does not change it, so it makes no difference whether the handler asks before or
// after FormToken, Login or Save. Reason loads the session, as every use does.
func (s *Session) Reason() Reason {
	st := s.enter()
	if st == nil {
		return ""
	}
	defer s.leave()
	return st.reason()
}

// Lapsed reports whether there was a session that is over without this request's doing: it has expired, was ended
// elsewhere, or its token has been replaced. A token that the store does not know counts too, because stores forget
// what has expired.
func (r Reason) Lapsed() bool {
	switch r {
	case ReasonExpiredIdle, ReasonExpiredAbsolute, ReasonAlreadyEnded, ReasonSuperseded, ReasonReplayed, ReasonUnknown:
		return true
	}
	return false
}

// orBetter returns r, unless other tells more.
func (r Reason) orBetter(other Reason) Reason {
	if r == "" || other.Lapsed() && !r.Lapsed() {
		return other
	}
	return r
}

// reason returns why the visitor has no session, or "".
func (st *state) reason() Reason {
	if st.rare == nil {
		return ""
	}
	return st.rare.reason
}
