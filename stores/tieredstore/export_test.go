package tieredstore

import (
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Known is what a process remembers of its writes.
type Known struct{ known }

// NewKnown returns one that remembers for keep.
func NewKnown(keep time.Duration) *Known { return &Known{known{keep: keep}} }

// Note raises the least version of a record.
func (k *Known) Note(id session.RecordID, version uint64, now time.Time) { k.note(id, version, now) }

// Least returns it.
func (k *Known) Least(id session.RecordID, now time.Time) uint64 { return k.about(id, now).least }
