package session

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"
)

// RecordID is the name of a record in a store: SHA-256 over the manager's name and the token. A leaked id opens
// no session, because a client must present the token and a hash does not lead back to it.
type RecordID [32]byte

// String returns a short form for logs.
func (id RecordID) String() string { return base64.RawURLEncoding.EncodeToString(id[:6]) }

// Record is what a store keeps for one session. Times have millisecond precision.
type Record struct {
	ID      RecordID
	Version uint64 // starts at 1 and grows by exactly one with each Update
	Data    []byte // opaque to the store and immutable for both sides once handed over
	Seen    time.Time
	Expires time.Time
	// Subject and Handle are for the store's index. Load and LoadAll may leave them empty: the core reads its own copy
	// in Data. An empty subject is nobody's and is not indexed.
	Subject string
	Handle  string
	// Cached is set by Load when the record may be older than what is durable, because it came from a cache. The core
	// then takes no operation for "no change". Stores ignore it in what they are given.
	Cached bool
}

// String says which record it is. Data and Subject stay out of logs.
func (r Record) String() string {
	return fmt.Sprintf("session.Record(%v, version %d, %d bytes)", r.ID, r.Version, len(r.Data))
}

// Store keeps records. Its methods are safe for concurrent use and return promptly when ctx ends.
//
// A context that the core passes when a request loads or commits ends at its deadline and not before. It says so by a
// method EndsAtDeadline() bool that returns true, which contexts derived from it do not have. A store whose client
// heeds deadlines and no cancellations need not watch such a context.
//
// A store does not judge expiry: it may return a record that has expired, and it may drop one, five minutes after
// Expires at the earliest, because clocks differ and a request that began in time may end later. The core judges, on
// the application's clock.
type Store interface {
	// Load returns the record, or ErrNotFound when it is absent.
	Load(ctx context.Context, id RecordID) (Record, error)
	// Create stores a new record, or returns ErrExists. A store that has a limit below what Options.MaxSize allows
	// returns ErrTooLarge, as Update does, and changes nothing.
	Create(ctx context.Context, r Record) error
	// Update replaces a record whose stored version is r.Version; the stored version becomes r.Version+1.
	// It returns ErrConflict when the stored version is another one, and ErrNotFound when the record is
	// absent: it never creates, so that a session that has ended stays ended.
	Update(ctx context.Context, r Record) error
	// Delete removes a record. Removing an absent one is not an error.
	Delete(ctx context.Context, id RecordID) error
}

// Toucher is a Store that can extend a record without rewriting it. Without it the core uses Update.
type Toucher interface {
	// Touch sets the record's Seen and Expires and leaves Data and Version alone, so an Update that it meets does not
	// conflict. Each time is judged by itself and not moved backwards. It returns ErrNotFound when the record is
	// absent.
	Touch(ctx context.Context, id RecordID, seen, expires time.Time) error
}

// BatchLoader is a Store that loads many records in one call.
type BatchLoader interface {
	// LoadAll returns those of the records that are there, each with its ID and as Load would return it, whosesoever it
	// is by now, in any order. Absent ones are left out. Beside an error it returns the records that it could read. The
	// core asks for at most 500 at once.
	LoadAll(ctx context.Context, ids []RecordID) ([]Record, error)
}

// Indexer is a Store that finds records by subject. The two steps are apart so that the search is of one moment: the
// core follows what a record has become since.
type Indexer interface {
	BatchLoader
	// Find returns the ids that are indexed under a subject, as of one moment between the call's begin and its end, in no
	// particular order. A record whose write had returned before the call and that is still the subject's is among them.
	// So may be ids whose record has gone, or is no longer the subject's.
	Find(ctx context.Context, subject string) ([]RecordID, error)
}

// Walker is a Store that can go through all of its records.
type Walker interface {
	// Walk returns a page of records, each with its ID and as Load would return it, and the cursor of the next page: ""
	// after the last one. The walk begins with the cursor "". A record that is there from the walk's begin to its end is
	// on one of its pages, whatever others write meanwhile; one that comes or goes during the walk may be. None is on two
	// pages, but for stores that cannot avoid it while they reorganize themselves, which the core puts up with. limit is
	// at least 1 and at most 500; a page may have somewhat more or fewer records, even none. Beside an error it returns
	// the records that it could read; the walk goes on with the same cursor then, or is given up. A cursor that the
	// store has not made is an error. Cursors are printable ASCII, say nothing of what is stored, and stay good while
	// the store is in use.
	Walk(ctx context.Context, cursor string, limit int) (page []Record, next string, err error)
}

// Sweeper is a Store that removes expired records when told to.
type Sweeper interface {
	// Sweep removes up to limit records that expired at or before the given time and reports how many it
	// removed. Fewer than limit means that none is left, save what others are writing at that moment.
	Sweep(ctx context.Context, before time.Time, limit int) (removed int, err error)
}
