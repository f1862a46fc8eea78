package session

import "time"

// millis is a point in time as milliseconds since 1970, or a duration in milliseconds: the precision of all
// that is stored, so that a record judged by one server is judged alike by all.
type millis int64

func toMillis(t time.Time) millis { return millis(t.UnixMilli()) }

func durationMillis(d time.Duration) millis { return millis(d / time.Millisecond) }

func (m millis) time() time.Time { return time.UnixMilli(int64(m)) }

func (m *Manager) now() millis { return toMillis(m.clock()) }

// expired is the one definition of it: an instant has passed when now has reached it.
func (m *Manager) expired(at, now millis) bool { return now >= at+m.leeway }
