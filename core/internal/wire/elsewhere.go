package wire

// AuthenticatedElsewhere returns when the visitor authenticated in the system that the session was taken over from, 0
// if that is not known, and whether that is where he did.
func (e *Envelope) AuthenticatedElsewhere() (at Millis, ok bool) {
	text := e.extension(LoginElsewhere)
	if len(text) == 0 {
		return 0, false
	}
	at, _ = takeMillis(text)
	return at, true
}

// SetAuthenticatedElsewhere keeps it as a varint of milliseconds since 1970.
func (e *Envelope) SetAuthenticatedElsewhere(at Millis) {
	e.SetExtension(LoginElsewhere, string(appendMillis(nil, max(0, at))))
}

// ForgetElsewhere is for a login here.
func (e *Envelope) ForgetElsewhere() {
	if len(e.extension(LoginElsewhere)) > 0 {
		e.SetExtension(LoginElsewhere, "")
	}
}

// Mirrors returns the names of the systems in which the session's login is one too.
func (e *Envelope) Mirrors() (names []string) {
	for rest := e.extension(SharedLogin); len(rest) > 0; {
		var name []byte
		name, rest = takeFrame(rest)
		names = append(names, string(name))
	}
	return names
}

// SetMirrors keeps them as a frame each.
func (e *Envelope) SetMirrors(names []string) {
	if len(names) == 0 && len(e.extension(SharedLogin)) == 0 {
		return
	}
	var kept []byte
	for _, name := range names {
		kept = AppendFrame(kept, name)
	}
	e.SetExtension(SharedLogin, string(kept))
}
