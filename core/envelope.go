package session

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The envelope is the binary form of a session, in a store's Record.Data and inside a sealed cookie alike:
//
//	'C' · version · kind · flags · handle (16 bytes)
//	created, as a varint of milliseconds since 1970
//	deadline, renewed, authenticated (0: never), as varints of milliseconds since created
//	idle timeout, as a varint of milliseconds
//	sealed: seen and expires as varints; stored: four write ids of 8 bytes, newest first
//	extensions: varint length, then tag, length, bytes for each; unknown ones are carried along
//	subject: varint length, bytes
//	length of the body (4 bytes, big-endian), so that a store which cuts values off is found out
//	body: live: key and value, each with a varint length, until the end; alias: the successor's record id
const (
	envelopeMagic   = 'C'
	envelopeVersion = 1
	fixedSize       = 20
	lengthSize      = 4
	maxHeader       = fixedSize + 9*binary.MaxVarintLen64 + 32 + lengthSize
)

type kind byte

const (
	live  kind = 1 + iota
	alias      // renewed: the body names the successor
	ended      // destroyed or revoked; kept for a while so that nothing in flight brings it back
)

const (
	flagSealed       = 1 << iota // carries its own clocks and no write ids
	flagOtherSubject             // an alias whose successor belongs to somebody else: nothing is replayed into it
	knownFlags       = flagSealed | flagOtherSubject
)

type handle [16]byte

// envelope is a parsed view of an encoded session. Its slices point into the immutable encoded form.
type envelope struct {
	kind          kind
	flags         byte
	handle        handle
	created       millis
	deadline      millis
	renewed       millis
	authenticated millis // 0: never
	idle          millis
	seen          millis // sealed only; a stored session's are in its record, where a touch reaches them
	expires       millis
	writes        [4]uint64
	extensions    []byte
	subject       []byte
	body          []byte
}

var (
	errCorrupt = errors.New("session: record is corrupt")
	errNewer   = fmt.Errorf("%w: the record was written by a newer version of this library", ErrUnavailable)
)

// parse checks every frame once, without allocating, so that later look-ups need no checks. After an error e tells
// nothing.
func (e *envelope) parse(data []byte) error {
	if len(data) < fixedSize || data[0] != envelopeMagic {
		return errCorrupt
	}
	e.kind, e.flags = kind(data[2]), data[3]
	if data[1] > envelopeVersion || e.kind > ended || e.flags&^knownFlags != 0 {
		return errNewer
	}
	if data[1] == 0 || e.kind < live {
		return errCorrupt
	}
	copy(e.handle[:], data[4:fixedSize])
	in := frames{rest: data[fixedSize:]}
	e.readClocks(&in)
	e.extensions = in.bytes()
	e.subject = in.bytes()
	e.body = in.body()
	if in.bad || !e.bodyValid() {
		return errCorrupt
	}
	return nil
}

func (e *envelope) readClocks(in *frames) {
	e.created = in.millis()
	e.deadline = e.created + in.millis()
	e.renewed = e.created + in.millis()
	if since := in.millis(); since > 0 {
		e.authenticated = e.created + since - 1
	}
	e.idle = in.millis()
	if e.sealed() {
		e.seen = e.created + in.millis()
		e.expires = e.created + in.millis()
		return
	}
	for i := range e.writes {
		e.writes[i] = in.uint64()
	}
}

func (e *envelope) bodyValid() bool {
	switch e.kind {
	case live:
		in := frames{rest: e.body}
		for len(in.rest) > 0 && !in.bad {
			in.bytes()
			in.bytes()
		}
		return !in.bad
	case alias:
		return len(e.body) == len(RecordID{})
	default:
		return len(e.body) == 0
	}
}

// encode returns the encoded form of e over the body that appendBody appends, and points e.body at it. size is what
// the body may need.
func (e *envelope) encode(size int, appendBody func([]byte) []byte) []byte {
	data := make([]byte, 0, maxHeader+len(e.extensions)+len(e.subject)+size)
	data = e.appendHeader(data)
	start := len(data) + lengthSize
	data = appendBody(data[:start])
	e.body = data[start:]
	binary.BigEndian.PutUint32(data[start-lengthSize:], uint32(len(e.body)))
	return data
}

// appendHeader appends everything up to the length of the body.
func (e *envelope) appendHeader(dst []byte) []byte {
	dst = append(dst, envelopeMagic, envelopeVersion, byte(e.kind), e.flags)
	dst = append(dst, e.handle[:]...)
	dst = appendMillis(dst, e.created)
	dst = appendMillis(dst, e.deadline-e.created)
	dst = appendMillis(dst, e.renewed-e.created)
	if e.authenticated > 0 {
		dst = appendMillis(dst, max(0, e.authenticated-e.created)+1)
	} else {
		dst = append(dst, 0)
	}
	dst = appendMillis(dst, e.idle)
	if e.sealed() {
		dst = appendMillis(dst, e.seen-e.created)
		dst = appendMillis(dst, e.expires-e.created)
	} else {
		for _, w := range e.writes {
			dst = binary.BigEndian.AppendUint64(dst, w)
		}
	}
	dst = appendFrame(dst, e.extensions)
	return appendFrame(dst, e.subject)
}

func (e *envelope) sealed() bool { return e.flags&flagSealed != 0 }

// successor is the record an alias points to.
func (e *envelope) successor() RecordID { return RecordID(e.body) }

// extension returns what is kept under a tag, or "".
func (e *envelope) extension(tag byte) string {
	for in := (frames{rest: e.extensions}); len(in.rest) > 0 && !in.bad; {
		known := in.rest[0]
		in.rest = in.rest[1:]
		if text := in.bytes(); known == tag {
			return string(text)
		}
	}
	return ""
}

// extend keeps text under a tag in place of what was there. Other tags, those of newer versions too, stay.
func (e *envelope) extend(tag byte, text string) {
	var kept []byte
	for in := (frames{rest: e.extensions}); len(in.rest) > 0; {
		start := in.rest
		in.rest = in.rest[1:]
		in.bytes()
		if in.bad {
			return // nothing of ours, and not ours to change
		}
		if start[0] != tag {
			kept = append(kept, start[:len(start)-len(in.rest)]...)
		}
	}
	if text != "" {
		kept = appendFrame(append(kept, tag), text)
	}
	e.extensions = kept
}

// value returns the encoded value of a key, or nil.
func (e *envelope) value(key string) []byte {
	for in := (frames{rest: e.body}); len(in.rest) > 0; {
		k, v := in.bytes(), in.bytes()
		if string(k) == key {
			return v
		}
	}
	return nil
}

// stamp gives the next write its id and keeps the three before it: a store client that sends a write again
// after a lost answer is told "conflict", and the id is how the core recognises its own work.
func (e *envelope) stamp(id uint64) {
	e.writes = [4]uint64{id, e.writes[0], e.writes[1], e.writes[2]}
}

func (e *envelope) written(id uint64) bool {
	for _, w := range e.writes {
		if w == id {
			return true
		}
	}
	return false
}

// frames reads an envelope's parts; after the first fault it yields zero values and bad stays set.
type frames struct {
	rest []byte
	bad  bool
}

func (f *frames) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *frames) millis() millis {
	v := f.uvarint()
	if v >= 1<<48 { // 8900 years: keeps sums of clocks far from overflow
		f.bad = true
		return 0
	}
	return millis(v)
}

func (f *frames) uint64() uint64 {
	if len(f.rest) < 8 {
		f.bad, f.rest = true, nil
		return 0
	}
	v := binary.BigEndian.Uint64(f.rest)
	f.rest = f.rest[8:]
	return v
}

// body takes the rest, whose length must be as it was written.
func (f *frames) body() []byte {
	if len(f.rest) < lengthSize || uint64(binary.BigEndian.Uint32(f.rest)) != uint64(len(f.rest)-lengthSize) {
		f.bad = true
		return nil
	}
	return f.rest[lengthSize:]
}

func (f *frames) bytes() []byte {
	n := f.uvarint()
	if n > uint64(len(f.rest)) {
		f.bad, f.rest = true, nil
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func appendMillis(dst []byte, m millis) []byte { return binary.AppendUvarint(dst, uint64(max(0, m))) }

func appendFrame[B string | []byte](dst []byte, b B) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
