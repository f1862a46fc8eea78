package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// The envelope is the binary form of a session, in a store's Record.Data and inside a sealed cookie alike:
//
//	'C' · version · kind · flags · handle (16 bytes)
//	created, as a varint of milliseconds since 1970
//	deadline, renewed, authenticated (0: never), as varints of milliseconds since created
//	the session's own idle timeout, as a varint of milliseconds; 0: the manager's
//	sealed: seen and expires as varints; stored: four write ids of 8 bytes, newest first
//	extensions: varint length, then tag, length, bytes for each; unknown ones are carried along
//	subject: varint length, bytes
//	length of the body (4 bytes, big-endian), so that a store which cuts values off is found out
//	body: live: key and value, each with a varint length, until the end; alias: the successor's record id, and after a
//	periodic renewal the 32 bytes of salt from which, with the old token, the new one is derived
const (
	envelopeMagic   = 'C'
	envelopeVersion = 1
	fixedSize       = 20
	lengthSize      = 4
)

type kind byte

const (
	live  kind = 1 + iota
	alias      // renewed: the body names the successor
	ended      // destroyed or revoked; kept for a while so that nothing in flight brings it back
)

const (
	flagSealed       = 1 << iota // carries its own clocks and no write ids
	flagOtherSubject             // an alias that a login as somebody else than the old subject left
	flagLogin                    // an alias that a login left
	flagPeriodic                 // an alias that a periodic renewal left: its body has a salt
	flagFresh                    // a live session whose token came with a periodic renewal and was not presented yet
	flagRevoked                  // an ended marker that no response to the visitor told of
	knownFlags       = 1<<iota - 1
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
	idle          millis // the session's own; 0: the manager's
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
	if err := e.parseHeader(data); err != nil {
		return err
	}
	if !e.bodyValid() {
		return errCorrupt
	}
	return nil
}

func (e *envelope) parseHeader(data []byte) error {
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
	e.handle = handle(data[4:fixedSize])
	in := e.readClocks(data[fixedSize:])
	e.extensions, in = takeFrame(in)
	e.subject, in = takeFrame(in)
	if len(in) < lengthSize || uint64(binary.BigEndian.Uint32(in)) != uint64(len(in)-lengthSize) {
		return errCorrupt
	}
	e.body = in[lengthSize:]
	return nil
}

func (e *envelope) readClocks(in []byte) (rest []byte) {
	var since [4]millis
	e.created, in = takeMillis(in)
	for i := range since {
		since[i], in = takeMillis(in)
	}
	e.deadline, e.renewed, e.authenticated, e.idle = e.created+since[0], e.created+since[1], 0, since[3]
	if since[2] > 0 {
		e.authenticated = e.created + since[2] - 1
	}
	if e.sealed() {
		since[0], in = takeMillis(in)
		since[1], in = takeMillis(in)
		e.seen, e.expires = e.created+since[0], e.created+since[1]
		return in
	}
	if len(in) < 8*len(e.writes) {
		return nil
	}
	for i := range e.writes {
		e.writes[i] = binary.BigEndian.Uint64(in[8*i:])
	}
	return in[8*len(e.writes):]
}

func (e *envelope) bodyValid() bool {
	switch e.kind {
	case live:
		rest := e.body
		for len(rest) > 0 {
			_, rest = takeFrame(rest)
			if _, rest = takeFrame(rest); rest == nil {
				return false
			}
		}
		return true
	case alias:
		if e.flags&flagPeriodic != 0 {
			return len(e.body) == len(RecordID{})+saltBytes
		}
		return len(e.body) == len(RecordID{})
	default:
		return len(e.body) == 0
	}
}

// encode returns the encoded form of e over v as ops change it, and points e.body at it. Whatever is not live keeps the
// body that it has.
func (e *envelope) encode(v values, ops []operation) []byte {
	var space [512]byte // most sessions fit, and take no more than they need
	draft := e.appendHeader(space[:0])
	start := len(draft) + lengthSize
	if draft = append(draft, 0, 0, 0, 0); e.kind == live {
		draft = v.appendBody(draft, ops)
	} else {
		draft = append(draft, e.body...)
	}
	data := bytes.Clone(draft)
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
func (e *envelope) successor() RecordID { return RecordID(e.body[:len(RecordID{})]) }

// salt is what a periodic renewal's alias keeps to derive the new token from the old one.
func (e *envelope) salt() []byte { return e.body[len(RecordID{}):] }

// present notes that the token of a periodic renewal has been presented.
func (e *envelope) present(now millis) {
	if e.flags&flagFresh == 0 {
		return
	}
	e.flags &^= flagFresh
	e.extend(extensionPresented, string(appendMillis(nil, now)))
}

// presented is when the token of a periodic renewal was first presented; never, if it was not yet. An alias left by a later
// renewal keeps it. Where it is not known, it was at the latest when that alias was made.
func (e *envelope) presented() millis {
	if e.flags&flagFresh != 0 {
		return never
	}
	at, rest := takeMillis([]byte(e.extension(extensionPresented)))
	if rest == nil {
		return e.renewed
	}
	return at
}

// extension returns what is kept under a tag, or "".
func (e *envelope) extension(tag byte) string {
	for rest := e.extensions; len(rest) > 0; {
		var text []byte
		known := rest[0]
		if text, rest = takeFrame(rest[1:]); known == tag {
			return string(text)
		}
	}
	return ""
}

// extend keeps text under a tag in place of what was there. Other tags, those of newer versions too, stay.
func (e *envelope) extend(tag byte, text string) {
	var kept []byte
	for rest := e.extensions; len(rest) > 0; {
		start := rest
		if _, rest = takeFrame(rest[1:]); rest == nil {
			return // nothing of ours, and not ours to change
		}
		if start[0] != tag {
			kept = append(kept, start[:len(start)-len(rest)]...)
		}
	}
	if text != "" {
		kept = appendFrame(append(kept, tag), text)
	}
	e.extensions = kept
}

// valueIn returns the encoded value that a key has in a body, or nil.
func valueIn(body []byte, key string) []byte {
	for len(body) > 0 {
		var k, v []byte
		if k, v, body = entry(body); string(k) == key {
			return v
		}
	}
	return nil
}

// entry splits the first entry off a body whose frames have been checked.
func entry(body []byte) (key, value, rest []byte) {
	key, rest = frame(body)
	value, rest = frame(rest)
	return key, value, rest
}

func frame(data []byte) (content, rest []byte) {
	n, start := int(data[0]), 1
	if n >= 0x80 {
		n, start = longLength(data)
	}
	return data[start : start+n : start+n], data[start+n:]
}

//go:noinline
func longLength(data []byte) (n, size int) {
	v, size := binary.Uvarint(data)
	return int(v), size
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

// takeUvarint, takeMillis and takeFrame take the first part off what is left of an envelope. After a fault nothing is left:
// they return nil, and zero for whatever is asked of that.

func takeUvarint(in []byte) (v uint64, rest []byte) {
	if len(in) >= 8 { // eight bytes at once: numbers are most of what a read has to parse
		x := binary.LittleEndian.Uint64(in)
		if x&0x80 == 0 {
			return x & 0x7f, in[1:]
		}
		if last := ^x & 0x8080808080808080; last != 0 { // the first byte without the high bit ends the number
			x &= last ^ (last - 1)                             // forget what follows,
			x = x&0x007f007f007f007f | x&0x7f007f007f007f00>>1 // then close the gaps of one bit
			x = x&0x00003fff00003fff | x&0x3fff00003fff0000>>2 // between pairs,
			x = x&0x000000000fffffff | x&0x0fffffff00000000>>4 // and fours
			return x, in[bits.TrailingZeros64(last)/8+1:]
		}
	}
	v, n := binary.Uvarint(in)
	if n <= 0 {
		return 0, nil
	}
	return v, in[n:]
}

func takeMillis(in []byte) (millis, []byte) {
	v, rest := takeUvarint(in)
	if v >= 1<<48 { // 8900 years: keeps sums of clocks far from overflow
		return 0, nil
	}
	return millis(v), rest
}

func takeFrame(in []byte) (content, rest []byte) {
	n, rest := takeUvarint(in)
	if n > uint64(len(rest)) {
		return nil, nil
	}
	return rest[:n:n], rest[n:]
}

func appendMillis(dst []byte, m millis) []byte { return binary.AppendUvarint(dst, uint64(max(0, m))) }

func appendFrame[B string | []byte](dst []byte, b B) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}
