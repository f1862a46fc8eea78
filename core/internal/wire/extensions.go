package wire

// The tags of the extensions that this version knows.
const (
	Agent          = 1  // the family of the browser
	Network        = 2  // of the address
	FormKey        = 8  // what form tokens are made of, where it does not follow from the token or the Keys
	PresentedAt    = 3  // when the token of a periodic renewal was first presented, as a varint of milliseconds since 1970
	OwnLifetime    = 4  // what a session has of a lifetime besides its idle timeout: see Lifetime
	LoginStamps    = 6  // what the last login has seen of revocations: see Stamps
	LoginLabels    = 7  // the labels that its logins have given the session: see Labels
	LoginElsewhere = 9  // when its visitor authenticated in another system: see AuthenticatedElsewhere
	SharedLogin    = 10 // in which other systems its login is one too: see Mirrors
	OwedCookie     = 5  // is there if the browser has the token under attributes that are out of date
)

// MarkPresented notes that the token of a periodic renewal has been presented.
func (e *Envelope) MarkPresented(now Millis) {
	if e.Flags&Unpresented == 0 {
		return
	}
	e.Flags &^= Unpresented
	e.SetExtension(PresentedAt, string(appendMillis(nil, now)))
}

// Presented is when the token of a periodic renewal was first presented; Never, if it was not yet. An alias left by a
// later renewal keeps it. Where it is not known, it was at the latest when that alias was made.
func (e *Envelope) Presented() Millis {
	if e.Flags&Unpresented != 0 {
		return Never
	}
	at, rest := takeMillis([]byte(e.Extension(PresentedAt)))
	if rest == nil {
		return e.Renewed
	}
	return at
}

// Extension returns what is kept under a tag, or "".
func (e *Envelope) Extension(tag byte) string { return string(e.extension(tag)) }

func (e *Envelope) extension(tag byte) []byte {
	for rest := e.Extensions; len(rest) > 0; {
		var text []byte
		known := rest[0]
		if text, rest = takeFrame(rest[1:]); known == tag {
			return text
		}
	}
	return nil
}

// SetExtension keeps text under a tag in place of what was there. Other tags, those of newer versions too, stay.
func (e *Envelope) SetExtension(tag byte, text string) {
	var kept []byte
	for rest := e.Extensions; len(rest) > 0; {
		start := rest
		if _, rest = takeFrame(rest[1:]); rest == nil {
			return // nothing of ours, and not ours to change
		}
		if start[0] != tag {
			kept = append(kept, start[:len(start)-len(rest)]...)
		}
	}
	if text != "" {
		kept = AppendFrame(append(kept, tag), text)
	}
	e.Extensions = kept
}
