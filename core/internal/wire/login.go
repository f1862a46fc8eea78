package wire

// Stamps are the generations of revocations that a session's last login has seen: a greater one ends the session. Each
// is compared with its own successors only, so that no clocks are.
type Stamps struct {
	Subject   Millis
	Everybody Millis
}

// Label is a name that a login has given the session, and its stamp.
type Label struct {
	Name  string
	Stamp Millis
}

// Stamps returns what the last login has seen: zeros, if there was nothing to see.
func (e *Envelope) Stamps() (s Stamps) {
	kept := e.extension(LoginStamps)
	s.Subject, kept = takeMillis(kept)
	s.Everybody, _ = takeMillis(kept)
	return s
}

// SetStamps keeps them as two varints of milliseconds since 1970.
func (e *Envelope) SetStamps(s Stamps) {
	switch {
	case s == e.Stamps():
	case s == (Stamps{}):
		e.SetExtension(LoginStamps, "")
	default:
		e.SetExtension(LoginStamps, string(appendMillis(appendMillis(nil, s.Subject), s.Everybody)))
	}
}

// HasLabels reports whether there is any.
func (e *Envelope) HasLabels() bool { return len(e.extension(LoginLabels)) > 0 }

// Labels returns the session's labels.
func (e *Envelope) Labels() (labels []Label) {
	for rest := e.extension(LoginLabels); len(rest) > 0; {
		var l Label
		var name []byte
		name, rest = takeFrame(rest)
		if l.Stamp, rest = takeMillis(rest); rest == nil {
			break
		}
		l.Name = string(name)
		labels = append(labels, l)
	}
	return labels
}

// SetLabels keeps them as a frame and a varint each.
func (e *Envelope) SetLabels(labels []Label) {
	if len(labels) == 0 && !e.HasLabels() {
		return
	}
	var kept []byte
	for _, l := range labels {
		kept = appendMillis(AppendFrame(kept, l.Name), l.Stamp)
	}
	e.SetExtension(LoginLabels, string(kept))
}
