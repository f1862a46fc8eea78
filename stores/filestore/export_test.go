package filestore

import (
	"context"

	session "github.com/coatcheck/coatcheck/core"
)

// Tidy is what a sweep does with an entry that looked stale a moment ago.
func (s *Store) Tidy(ctx context.Context, subject string, id session.RecordID) error {
	return s.tidy(ctx, nameOf(subject), id)
}

// BetweenReads installs what happens whenever a part of a directory of the index has been read.
func BetweenReads(f func()) (remove func()) {
	betweenReads = f
	return func() { betweenReads = func() {} }
}
