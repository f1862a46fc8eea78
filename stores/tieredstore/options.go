package tieredstore

import (
	"log/slog"
	"time"
)

// Options are the choices there are. The zero value is the safe one. A duration below zero means what zero means.
type Options struct {
	// MaxStale is how old what Load returns may be. Zero means 5 seconds: the requests of one page share one durable
	// read, and a session ended elsewhere is over within seconds. With one fast store for all servers copies are kept
	// up to date, so that a minute is reasonable too.
	MaxStale time.Duration
	// FastTimeout bounds each use of the fast store. Zero means 100 milliseconds.
	FastTimeout time.Duration
	// BackOff is how long the fast store is left alone after a failure. Zero means 1 second.
	BackOff time.Duration
	// OnError learns of failures of the fast store, at most one in each BackOff. It must be safe for concurrent use. Nil
	// logs them through slog.
	OnError func(error)
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

func (o *Options) complete() {
	setDefault(&o.MaxStale, 5*time.Second)
	setDefault(&o.FastTimeout, 100*time.Millisecond)
	setDefault(&o.BackOff, time.Second)
	if o.OnError == nil {
		o.OnError = func(err error) {
			slog.Warn("the fast session store fails; sessions come from the durable one", "err", err)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

func setDefault(d *time.Duration, to time.Duration) {
	if *d <= 0 {
		*d = to
	}
}
