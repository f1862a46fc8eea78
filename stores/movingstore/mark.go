package movingstore

import (
	"crypto/rand"
	"encoding/binary"
	"errors"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	magic     = "move"
	format    = 1
	kindAt    = 5
	ticketAt  = 6
	versionAt = 22
	markSize  = 30
)

// The kinds of marks.
const (
	arriving = 'a' // in the new store: the record behind it counts once the old store has left its ticket
	left     = 'l' // in the old store
)

// ticket ties what has arrived in the new store to what has left the old one.
type ticket [16]byte

func newTicket() (t ticket) {
	_, _ = rand.Read(t[:]) // never fails: crypto/rand ends the program instead
	return t
}

// mark is what stands in a store in the place of a record; the package comment describes it.
type mark struct {
	kind    byte
	ticket  ticket
	version uint64 // of the record
	rest    []byte // arriving: subject, handle and data
}

// markOf reports whether data is a mark, and which.
func markOf(data []byte) (m mark, ok bool) {
	if len(data) < markSize || string(data[:len(magic)]) != magic || data[len(magic)] != format {
		return m, false
	}
	return mark{
		kind: data[kindAt], ticket: ticket(data[ticketAt:]), version: binary.BigEndian.Uint64(data[versionAt:]),
		rest: data[markSize:],
	}, true
}

func appendMark(kind byte, t ticket, version uint64) []byte {
	data := append([]byte(magic), format, kind)
	return binary.BigEndian.AppendUint64(append(data, t[:]...), version)
}

// arrivingCopy is the mark that holds all of r.
func arrivingCopy(r session.Record, t ticket) session.Record {
	data := appendMark(arriving, t, r.Version)
	for _, text := range []string{r.Subject, r.Handle} {
		data = append(binary.AppendUvarint(data, uint64(len(text))), text...)
	}
	r.Data = append(data, r.Data...)
	r.Version--
	return r
}

// leftBehind is the mark that takes r's place in the old store.
func leftBehind(r session.Record, t ticket) session.Record {
	r.Data, r.Subject, r.Handle = appendMark(left, t, r.Version), "", ""
	return r
}

var errDamaged = errors.New("a record that was being moved is damaged")

// unpack puts what the mark holds into r.
func (m mark) unpack(r *session.Record) error {
	rest := m.rest
	for _, text := range []*string{&r.Subject, &r.Handle} {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size) {
			return errDamaged
		}
		*text, rest = string(rest[size:size+int(n)]), rest[size+int(n):]
	}
	r.Data = rest[:len(rest):len(rest)]
	return nil
}
