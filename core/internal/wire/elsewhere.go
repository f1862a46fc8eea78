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

// Shared says that a session's login is one in another system too.
type Shared struct {
	Name string // of the system
	Key  string // under which it is noted that the session there is over
}

// Mirrors returns in which other systems the session's login is one too.
func (e *Envelope) Mirrors() (all []Shared) {
	for rest := e.extension(SharedLogin); len(rest) > 0; {
		var name, key []byte
		name, rest = takeFrame(rest)
		key, rest = takeFrame(rest)
		all = append(all, Shared{string(name), string(key)})
	}
	return all
}

// SetMirrors keeps them as two frames each.
func (e *Envelope) SetMirrors(all []Shared) {
	if len(all) == 0 && len(e.extension(SharedLogin)) == 0 {
		return
	}
	var kept []byte
	for _, shared := range all {
		kept = AppendFrame(AppendFrame(kept, shared.Name), shared.Key)
	}
	e.SetExtension(SharedLogin, string(kept))
}
