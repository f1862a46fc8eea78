package session

import (
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// snapshot is a session as it was loaded or last written, in the small form that a request keeps: most requests look
// at one value and at nothing else.
type snapshot struct {
	id      RecordID
	version uint64
	seen    wire.Millis
	expires wire.Millis
	data    []byte
	bodyAt  uint32 // where in data the values begin
	cached  bool   // it may be older than what is durable
}

func (k *snapshot) body() []byte { return k.data[k.bodyAt:] }

// reparse parses a kept session again, into h. Without one, and only then, there is nothing to parse.
func (k *snapshot) reparse(h *record) {
	h.snapshot = *k
	if h.env.ParseHeader(k.data) != nil {
		h.env = wire.Envelope{}
	}
}

func (k *snapshot) envelope() wire.Envelope {
	var h record
	k.reparse(&h)
	return h.env
}

// record is a session to work on.
type record struct {
	snapshot
	env wire.Envelope // of data
}

func (h *record) fromStore(r *Record) error {
	h.id, h.version, h.cached = r.ID, r.Version, r.Cached
	h.seen, h.expires = wire.FromTime(r.Seen), wire.FromTime(r.Expires)
	return h.parse(r.Data)
}

func (h *record) parse(data []byte) error {
	err := h.env.Parse(data)
	if err != nil {
		h.env = wire.Envelope{}
	}
	if errors.Is(err, wire.ErrNewer) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	h.data, h.bodyAt = data, uint32(len(data)-len(h.env.Body))
	return err
}

// encode makes h's data: its envelope over v as ops change it. Whatever is not live keeps the body that it has.
func (h *record) encode(v values, ops []operation) {
	var space [512]byte // most sessions fit, and take no more than they need
	draft := h.env.AppendHeader(space[:0])
	bodyAt := len(draft)
	if h.env.Kind == wire.Live {
		draft = v.appendBody(draft, ops)
	} else {
		draft = append(draft, h.env.Body...)
	}
	h.data, h.bodyAt = h.env.Finish(draft, bodyAt), uint32(bodyAt)
}

func (h *record) toStore() Record {
	r := Record{ID: h.id, Version: h.version, Data: h.data, Seen: h.seen.Time(), Expires: h.expires.Time()}
	if len(h.env.Subject) > 0 {
		r.Subject, r.Handle = string(h.env.Subject), h.env.Handle.String()
	}
	return r
}

// event is an Event that concerns the session.
func (h *record) event(r Reason, err error) Event {
	return Event{Reason: r, Handle: h.env.Handle.String(), Subject: string(h.env.Subject), Err: err}
}
