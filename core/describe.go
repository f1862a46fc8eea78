package session

import "github.com/coatcheck/coatcheck/core/internal/wire"

// Describe fills in Subject and Handle as the core wrote them, which Load, LoadAll and Walk may leave empty: for
// programs that take records from one store to another. live is false for what stands in the place of a session that
// has ended or has another token by now. What a newer version of this library has written is ErrUnavailable. After an
// error r is as it was.
func (r *Record) Describe() (live bool, err error) {
	var rec record
	if err := rec.parse(r.Data); err != nil {
		return false, err
	}
	own := rec.toStore()
	r.Subject, r.Handle = own.Subject, own.Handle
	return rec.env.Kind == wire.Live, nil
}
