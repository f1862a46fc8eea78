package sqlstore

// What the database is asked, and what is done with its errors.
var (
	Persist = persist
	PutOff  = putOff
)

func (s *Store) ListText() string  { return s.list.text }
func (s *Store) SweepText() string { return s.sweep.text }
