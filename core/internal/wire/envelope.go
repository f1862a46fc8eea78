// Package wire is the binary form of a session: its layout, its numbers and its points in time. It knows no policy.
package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// The envelope is the binary form of a session, in a store's Record.Data and inside a sealed cookie alike:
//
//	'C' · version · kind · flags · handle (16 bytes)
//	created, as a varint of milliseconds since 1970
//	deadline, renewed, authenticated, as varints of milliseconds since created; authenticated plus one, 0: never
//	the session's own idle timeout, as a varint of milliseconds; 0: the manager's
//	sealed: seen and expires as varints; stored: four write ids of 8 bytes, newest first
//	extensions: varint length, then tag, length, bytes for each; unknown ones are carried along
//	subject: varint length, bytes
//	length of the body (4 bytes, big-endian), so that a store which cuts values off is found out
//	body: live: key and value, each with a varint length, until the end; alias: the successor's record id, and after a
//	periodic renewal the 32 bytes of salt from which, with the old token, the new one is derived; revocation: its
//	generation and what it spares, as varints; label and ended: nothing
const (
	envelopeMagic   = 'C'
	envelopeVersion = 1
	fixedSize       = 20
	lengthSize      = 4
)

// SaltSize is how many bytes of salt an alias left by a periodic renewal has behind the id of its successor.
const SaltSize = 32

const idSize = 32

// Kind says what a record is.
type Kind byte

// The kinds of records.
const (
	Live  Kind = 1 + iota
	Alias      // renewed: the body names the successor
	Ended      // destroyed or revoked; kept for a while so that nothing in flight brings it back

	Revocation // no session: it ends those that began before its generation, but for the one with its handle
	Labelled   // no session: it says that the session of its subject and handle has a label
	lastKind   = Labelled
)

// The flags of an envelope.
const (
	Sealed             = 1 << iota // carries its own clocks and no write ids
	LeftByOtherSubject             // an alias that a login as somebody else than the old subject left
	LeftByLogin                    // an alias that a login left
	LeftByRenewal                  // an alias that a periodic renewal left: its body has a salt
	Unpresented                    // a live session whose token came with a periodic renewal and was not presented yet
	Untold                         // an ended marker that no response to the visitor told of
	knownFlags         = 1<<iota - 1
)

// Handle is the public id of a session.
type Handle [16]byte

// String returns the handle in base64url, or "" for none.
func (h Handle) String() string {
	if h == (Handle{}) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// Envelope is a parsed view of an encoded session. Its slices point into the immutable encoded form.
type Envelope struct {
	Kind          Kind
	Flags         byte
	Handle        Handle
	Created       Millis
	Deadline      Millis // the end, used or not
	Renewed       Millis // when the session got its token
	Authenticated Millis // 0: never
	Idle          Millis // the session's own; 0: the manager's
	Seen          Millis // sealed only; a stored session's are in its record, where a touch reaches them
	Expires       Millis
	Writes        [4]uint64 // stored only: the ids of the last writes, newest first
	Extensions    []byte
	Subject       []byte
	Body          []byte
}

// What Parse returns besides nil.
var (
	ErrCorrupt = errors.New("session: record is corrupt")
	ErrNewer   = errors.New("the record was written by a newer version of this library")
)

// Parse checks every frame once, without allocating, so that later look-ups need no checks. If it returns an error, the
// contents of e are unspecified.
func (e *Envelope) Parse(data []byte) error {
	if err := e.ParseHeader(data); err != nil {
		return err
	}
	if !e.bodyValid() {
		return ErrCorrupt
	}
	return nil
}

// ParseHeader is Parse for data whose body has been checked before.
func (e *Envelope) ParseHeader(data []byte) error {
	if len(data) < fixedSize || data[0] != envelopeMagic {
		return ErrCorrupt
	}
	e.Kind, e.Flags = Kind(data[2]), data[3]
	if data[1] > envelopeVersion || e.Kind > lastKind || e.Flags&^knownFlags != 0 {
		return ErrNewer
	}
	if data[1] == 0 || e.Kind < Live {
		return ErrCorrupt
	}
	e.Handle = Handle(data[4:fixedSize])
	in := e.readClocks(data[fixedSize:])
	e.Extensions, in = takeFrame(in)
	e.Subject, in = takeFrame(in)
	if len(in) < lengthSize || uint64(binary.BigEndian.Uint32(in)) != uint64(len(in)-lengthSize) {
		return ErrCorrupt
	}
	e.Body = in[lengthSize:]
	return nil
}

func (e *Envelope) readClocks(in []byte) (rest []byte) {
	var since [4]Millis
	e.Created, in = takeMillis(in)
	for i := range since {
		since[i], in = takeMillis(in)
	}
	e.Deadline, e.Renewed, e.Authenticated, e.Idle = e.Created+since[0], e.Created+since[1], 0, since[3]
	if since[2] > 0 {
		e.Authenticated = e.Created + since[2] - 1
	}
	if e.IsSealed() {
		since[0], in = takeMillis(in)
		since[1], in = takeMillis(in)
		e.Seen, e.Expires = e.Created+since[0], e.Created+since[1]
		return in
	}
	if len(in) < 8*len(e.Writes) {
		return nil
	}
	for i := range e.Writes {
		e.Writes[i] = binary.BigEndian.Uint64(in[8*i:])
	}
	return in[8*len(e.Writes):]
}

func (e *Envelope) bodyValid() bool {
	switch e.Kind {
	case Live:
		rest := e.Body
		for len(rest) > 0 {
			_, rest = takeFrame(rest)
			if _, rest = takeFrame(rest); rest == nil {
				return false
			}
		}
		return true
	case Alias:
		if e.Flags&LeftByRenewal != 0 {
			return len(e.Body) == idSize+SaltSize
		}
		return len(e.Body) == idSize
	case Revocation:
		_, rest := takeMillis(e.Body)
		_, rest = takeMillis(rest)
		return rest != nil && len(rest) == 0
	default:
		return len(e.Body) == 0
	}
}

// AppendHeader appends everything up to the body, whose length is zero until Finish is called.
func (e *Envelope) AppendHeader(dst []byte) []byte {
	dst = append(dst, envelopeMagic, envelopeVersion, byte(e.Kind), e.Flags)
	dst = append(dst, e.Handle[:]...)
	dst = appendMillis(dst, e.Created)
	dst = appendMillis(dst, e.Deadline-e.Created)
	dst = appendMillis(dst, e.Renewed-e.Created)
	if e.Authenticated > 0 {
		dst = appendMillis(dst, max(0, e.Authenticated-e.Created)+1)
	} else {
		dst = append(dst, 0)
	}
	dst = appendMillis(dst, e.Idle)
	if e.IsSealed() {
		dst = appendMillis(dst, e.Seen-e.Created)
		dst = appendMillis(dst, e.Expires-e.Created)
	} else {
		for _, w := range e.Writes {
			dst = binary.BigEndian.AppendUint64(dst, w)
		}
	}
	dst = AppendFrame(dst, e.Extensions)
	return append(AppendFrame(dst, e.Subject), make([]byte, lengthSize)...)
}

// Finish returns a copy of draft, which is what AppendHeader has appended and a body from bodyAt on, with the body's
// length filled in. It points e.Body into the copy, which is no larger than it has to be.
func (e *Envelope) Finish(draft []byte, bodyAt int) []byte {
	data := bytes.Clone(draft)
	e.Body = data[bodyAt:]
	binary.BigEndian.PutUint32(data[bodyAt-lengthSize:], uint32(len(e.Body)))
	return data
}

// IsSealed reports whether the session travels in a cookie.
func (e *Envelope) IsSealed() bool { return e.Flags&Sealed != 0 }

// Successor is the id of the record that an alias points to.
func (e *Envelope) Successor() [idSize]byte { return [idSize]byte(e.Body[:idSize]) }

// Generation is that of a revocation: it ends the sessions whose stamp is smaller, but for the one that has the
// revocation's handle, if any, and at least the stamp spares.
func (e *Envelope) Generation() (generation, spares Millis) {
	generation, rest := takeMillis(e.Body)
	spares, _ = takeMillis(rest)
	return generation, spares
}

// SetGeneration makes them a revocation's.
func (e *Envelope) SetGeneration(generation, spares Millis) {
	e.Body = appendMillis(appendMillis(nil, generation), spares)
}

// Salt is what the alias of a periodic renewal keeps to derive the new token from the old one.
func (e *Envelope) Salt() []byte { return e.Body[idSize:] }

// PushWriteID gives the next write its id and keeps the three before it: a store client that sends a write again
// after a lost answer is told "conflict", and the id is how the core recognises its own work.
func (e *Envelope) PushWriteID(id uint64) {
	e.Writes = [4]uint64{id, e.Writes[0], e.Writes[1], e.Writes[2]}
}

// HasWriteID reports whether one of the last four writes has this id.
func (e *Envelope) HasWriteID(id uint64) bool {
	for _, w := range e.Writes {
		if w == id {
			return true
		}
	}
	return false
}
