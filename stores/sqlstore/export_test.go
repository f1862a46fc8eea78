package sqlstore

// What the database is asked, and what is done with its errors.
var (
	Persist = persist
	PutOff  = putOff
)

func (s *Store) FindText() string    { return s.find.text }
func (s *Store) LoadAllText() string { return s.many.text }
func (s *Store) SweepText() string   { return s.sweep.text }
