package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// optional are the interfaces of a store that it need not have: nil where it has not. They are asked for once, when the
// manager is made.
type optional struct {
	toucher Toucher
	batch   BatchLoader
	index   Indexer
	walker  Walker
	sweeper Sweeper
}

func optionalOf(s Store) (o optional) {
	o.toucher, _ = s.(Toucher)
	o.batch, _ = s.(BatchLoader)
	o.index, _ = s.(Indexer)
	o.walker, _ = s.(Walker)
	o.sweeper, _ = s.(Sweeper)
	return o
}

// tracer is Options.TraceStore.
type tracer func(ctx context.Context, operation string) (context.Context, func(err error))

// watching returns store as it is if nobody wants to watch it, or else with every call told of.
func (t tracer) watching(store Store) Store {
	if t == nil {
		return store
	}
	return &traced{store, t, optionalOf(store)}
}

// of returns the optional interfaces of a store that watching has returned: those that the store itself has.
func (t tracer) of(store Store) optional {
	watched, ok := store.(*traced)
	if !ok {
		return optionalOf(store)
	}
	o := watched.has
	if o.toucher != nil {
		o.toucher = watched
	}
	if o.batch != nil {
		o.batch = watched
	}
	if o.index != nil {
		o.index = watched
	}
	if o.walker != nil {
		o.walker = watched
	}
	if o.sweeper != nil {
		o.sweeper = watched
	}
	return o
}

// traced is a store whose calls are told of. What its store lacks it answers with errors.ErrUnsupported, and tells
// nobody.
type traced struct {
	store Store
	trace tracer
	has   optional
}

// call calls the store. Also when that panics the end is told.
func (t *traced) call(ctx context.Context, operation string, f func(context.Context) error) (err error) {
	ctx, end := t.trace(ctx, operation)
	if end != nil {
		err = errPanicked // until f returns
		defer func() { end(err) }()
	}
	err = f(ctx)
	return err
}

func (t *traced) Load(ctx context.Context, id RecordID) (r Record, err error) {
	err = t.call(ctx, "load", func(ctx context.Context) (err error) {
		r, err = t.store.Load(ctx, id)
		return err
	})
	return r, err
}

func (t *traced) Create(ctx context.Context, r Record) error {
	return t.call(ctx, "create", func(ctx context.Context) error { return t.store.Create(ctx, r) })
}

func (t *traced) Update(ctx context.Context, r Record) error {
	return t.call(ctx, "update", func(ctx context.Context) error { return t.store.Update(ctx, r) })
}

func (t *traced) Delete(ctx context.Context, id RecordID) error {
	return t.call(ctx, "delete", func(ctx context.Context) error { return t.store.Delete(ctx, id) })
}

func (t *traced) Touch(ctx context.Context, id RecordID, seen, expires time.Time) error {
	if t.has.toucher == nil {
		return errors.ErrUnsupported
	}
	return t.call(ctx, "touch", func(ctx context.Context) error { return t.has.toucher.Touch(ctx, id, seen, expires) })
}

func (t *traced) LoadAll(ctx context.Context, ids []RecordID) (records []Record, err error) {
	if t.has.batch == nil {
		return nil, errors.ErrUnsupported
	}
	err = t.call(ctx, "load-all", func(ctx context.Context) (err error) {
		records, err = t.has.batch.LoadAll(ctx, ids)
		return err
	})
	return records, err
}

func (t *traced) Find(ctx context.Context, subject string) (ids []RecordID, err error) {
	if t.has.index == nil {
		return nil, errors.ErrUnsupported
	}
	err = t.call(ctx, "find", func(ctx context.Context) (err error) {
		ids, err = t.has.index.Find(ctx, subject)
		return err
	})
	return ids, err
}

func (t *traced) Walk(ctx context.Context, cursor string, limit int) (page []Record, next string, err error) {
	if t.has.walker == nil {
		return nil, "", errors.ErrUnsupported
	}
	err = t.call(ctx, "walk", func(ctx context.Context) (err error) {
		page, next, err = t.has.walker.Walk(ctx, cursor, limit)
		return err
	})
	return page, next, err
}

func (t *traced) Sweep(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	if t.has.sweeper == nil {
		return 0, errors.ErrUnsupported
	}
	err = t.call(ctx, "sweep", func(ctx context.Context) (err error) {
		removed, err = t.has.sweeper.Sweep(ctx, before, limit)
		return err
	})
	return removed, err
}

// nameOf is the type of a store, for errors.
func nameOf(s Store) string {
	if watched, ok := s.(*traced); ok {
		s = watched.store
	}
	return fmt.Sprintf("%T", s)
}
