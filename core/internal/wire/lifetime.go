package wire

// Lifetime is what a session has of a lifetime of its own. A field that is zero is the manager's.
type Lifetime struct {
	Idle        Millis
	Absolute    Millis
	Persistence byte // at most 3, and so is Basis
	Basis       byte
}

// Lifetime returns the session's own lifetime: the zero value, if it has none.
func (e *Envelope) Lifetime() Lifetime {
	l := Lifetime{Idle: e.Idle}
	if kept := e.extension(OwnLifetime); len(kept) > 0 {
		l.Persistence, l.Basis = kept[0]&3, kept[0]>>2&3
		l.Absolute, _ = takeMillis(kept[1:])
	}
	return l
}

// SetLifetime replaces the session's own lifetime. The idle timeout has a field in the envelope; the others share an
// extension: a byte with the persistence in its two lowest bits and the basis in the next two, then the absolute
// timeout as a varint of milliseconds.
func (e *Envelope) SetLifetime(l Lifetime) {
	if l == e.Lifetime() {
		return
	}
	e.Idle, l.Idle = l.Idle, 0
	if l == (Lifetime{}) {
		e.SetExtension(OwnLifetime, "")
		return
	}
	e.SetExtension(OwnLifetime, string(appendMillis([]byte{l.Persistence | l.Basis<<2}, l.Absolute)))
}

// OwesCookie reports whether a response still has to send the token's cookie with other attributes than the browser
// knows.
func (e *Envelope) OwesCookie() bool { return e.extension(OwedCookie) != nil }

// OweCookie notes whether a response still has to.
func (e *Envelope) OweCookie(owed bool) {
	switch {
	case owed == e.OwesCookie():
	case owed:
		e.SetExtension(OwedCookie, "1")
	default:
		e.SetExtension(OwedCookie, "")
	}
}
