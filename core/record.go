package session

import (
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// snapshot is a session as it was loaded or last written, in the small form that a request keeps: encoded, with the
// place where its values begin. What the header says is parsed again when it is needed: see reparse.
type snapshot struct {
	id      RecordID
	version uint64
	seen    wire.Millis
	expires wire.Millis
	data    []byte
	bodyAt  uint32 // where in data the values begin
	cached  bool   // it may be older than what is durable
}

// body is the encoded keys and values.
func (snap *snapshot) body() []byte { return snap.data[snap.bodyAt:] }

// reparse parses the header into rec. The zero snapshot, which is no session, gives the zero envelope.
func (snap *snapshot) reparse(rec *record) {
	rec.snapshot = *snap
	if rec.env.ParseHeader(snap.data) != nil {
		rec.env = wire.Envelope{}
	}
}

// envelope parses the header.
func (snap *snapshot) envelope() wire.Envelope {
	var rec record
	snap.reparse(&rec)
	return rec.env
}

// record is a session, or a marker in place of one, with its header parsed.
type record struct {
	snapshot
	env wire.Envelope // of data
}

// fromStore reads what a store has returned.
func (rec *record) fromStore(r *Record) error {
	rec.id, rec.version, rec.cached = r.ID, r.Version, r.Cached
	rec.seen, rec.expires = wire.FromTime(r.Seen), wire.FromTime(r.Expires)
	return rec.parse(r.Data)
}

// parse checks data and makes it rec's. If it returns an error, rec holds no envelope.
func (rec *record) parse(data []byte) error {
	err := rec.env.Parse(data)
	if err != nil {
		rec.env = wire.Envelope{}
	}
	if errors.Is(err, wire.ErrNewer) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	rec.data, rec.bodyAt = data, uint32(len(data)-len(rec.env.Body))
	return err
}

// encode makes rec's data from its envelope and the values v as ops change them. An alias or ended marker keeps the
// body that its envelope has.
func (rec *record) encode(v values, ops []operation) {
	var space [512]byte // most sessions fit, and take no more than they need
	draft := rec.env.AppendHeader(space[:0])
	bodyAt := len(draft)
	if rec.env.Kind == wire.Live {
		draft = v.appendBody(draft, ops)
	} else {
		draft = append(draft, rec.env.Body...)
	}
	rec.data, rec.bodyAt = rec.env.Finish(draft, bodyAt), uint32(bodyAt)
}

// toStore is the record as a store gets it.
func (rec *record) toStore() Record {
	r := Record{ID: rec.id, Version: rec.version, Data: rec.data, Seen: rec.seen.Time(), Expires: rec.expires.Time()}
	if len(rec.env.Subject) > 0 {
		r.Subject, r.Handle = string(rec.env.Subject), rec.env.Handle.String()
	}
	if rec.env.Kind == wire.Labelled { // it is found by its label
		for _, l := range rec.env.Labels() {
			r.Subject = labelSubject(l.Name)
		}
	}
	return r
}

// event is an Event that concerns the session.
func (rec *record) event(r Reason, err error) Event {
	return Event{Reason: r, Handle: rec.env.Handle.String(), Subject: string(rec.env.Subject), Err: err}
}
