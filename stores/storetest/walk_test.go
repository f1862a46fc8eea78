package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var walkDefects = []defect{
	pages("pages come without data", func(page []session.Record) []session.Record {
		for i := range page {
			page[i].Data = nil
		}
		return page
	}, "WalkFindsAll", "WalkExpired"),
	pages("the first record of each page is lost", func(page []session.Record) []session.Record {
		return page[min(1, len(page)):]
	}, "WalkPages", "WalkHostileIDs", "WalkFromKeptCursor"),
	pages("the walk begins above the least id", func(page []session.Record) []session.Record {
		return slices.DeleteFunc(page, func(r session.Record) bool { return r.ID == session.RecordID{} })
	}, "WalkHostileIDs"),
	pages("the walk judges expiry", func(page []session.Record) []session.Record {
		return slices.DeleteFunc(page, func(r session.Record) bool { return !r.Expires.After(time.Now()) })
	}, "WalkExpired"),
	pages("a page has a record twice", func(page []session.Record) []session.Record {
		return append(page, page[:min(1, len(page))]...)
	}, "WalkFindsAll"),
	fault("a walk of nothing fails", func(f *faulty) {
		f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
			page, next, err := f.Store.Walk(ctx, cursor, limit)
			if err == nil && len(page) == 0 {
				err = session.ErrNotFound
			}
			return page, next, err
		}
	}, "WalkEnds"),
	fault("the walk has what was deleted", func(f *faulty) {
		var deleted ledger[session.Record]
		f.delete = func(ctx context.Context, id session.RecordID) error {
			if r, err := f.Store.Load(ctx, id); err == nil {
				deleted.set(id, r)
			}
			return f.Store.Delete(ctx, id)
		}
		f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
			page, next, err := f.Store.Walk(ctx, cursor, limit)
			for _, r := range deleted.all() {
				if next == "" {
					page = append(page, r)
				}
			}
			return page, next, err
		}
	}, "WalkFindsAll", "WalkEnds", "WalkHostileIDs"),
	fault("the limit is ignored", func(f *faulty) {
		f.walk = func(ctx context.Context, cursor string, _ int) ([]session.Record, string, error) {
			return f.Store.Walk(ctx, cursor, 500)
		}
	}, "WalkPages"),
	fault("the walk goes round", func(f *faulty) {
		f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
			page, next, err := f.Store.Walk(ctx, cursor, limit)
			if err == nil && next == "" {
				_, next, err = f.Store.Walk(ctx, "", 1)
			}
			return page, next, err
		}
	}, "WalkPages"),
	cursors("cursors are bytes", func(r session.Record) string { return string(r.ID[:]) }, "WalkPages"),
	cursors("cursors tell who", func(r session.Record) string { return r.Subject }, "WalkPages"),
	cursors("cursors tell what", func(r session.Record) string { return string(r.Data) }, "WalkPages"),
	ordered("pages overlap by one record", func(a, b session.Record) int { return bytes.Compare(a.ID[:], b.ID[:]) }, -1,
		"WalkPages"),
	ordered("the walk counts records", func(a, b session.Record) int { return bytes.Compare(a.ID[:], b.ID[:]) }, 0,
		"WalkDuringChanges", "WalkFromKeptCursor"),
	fault("the walk goes by end", func(f *faulty) { f.walk = f.byExpiry }, "WalkDuringChanges"),
	fault("the store remembers one walk", (*faulty).remembersOneWalk, "WalkFromKeptCursor"),
	fault("the walk gets between a deletion and a creation", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			f.writer.Lock()
			defer f.writer.Unlock()
			if old, err := f.Store.Load(ctx, r.ID); err != nil || old.Version != r.Version {
				return errors.Join(err, session.ErrConflict)
			}
			r.Version++
			return f.replaceSlowly(ctx, r)
		}
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			f.writer.Lock()
			defer f.writer.Unlock()
			return f.Store.Load(ctx, id)
		}
	}, "WalkDuringWrites"),
	misled("a hostile cursor begins anew", func(f *faulty, ctx context.Context, _ string, limit int) error { return nil }),
	misled("a hostile cursor panics", func(*faulty, context.Context, string, int) error { panic("index out of range") }),
	misled("a hostile cursor is a command", func(f *faulty, ctx context.Context, cursor string, limit int) error {
		if strings.Contains(cursor, "DROP TABLE") {
			page, _, err := f.Store.Walk(ctx, "", limit)
			for _, r := range page {
				err = errors.Join(err, f.Store.Delete(ctx, r.ID))
			}
			return errors.Join(err, errors.New("no such table"))
		}
		return errors.New("syntax error")
	}),
	misled("a hostile cursor blocks", func(*faulty, context.Context, string, int) error { select {} }),
	waiting("a walk waits for the writer's lock", func(f *faulty) {
		f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
			f.writer.Lock()
			defer f.writer.Unlock()
			return f.Store.Walk(ctx, cursor, limit)
		}
	}),
}

// pages makes a defect of a Walk that damages its pages.
func pages(name string, damage func(page []session.Record) []session.Record, fails ...string) defect {
	return fault(name, func(f *faulty) {
		f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
			page, next, err := f.Store.Walk(ctx, cursor, limit)
			return damage(page), next, err
		}
	}, fails...)
}

// cursors makes a defect of what cursors are made of.
func cursors(name string, of func(r session.Record) string, fails ...string) defect {
	return fault(name, func(f *faulty) {
		var own sync.Map
		f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
			if inner, ok := own.Load(cursor); ok {
				cursor = inner.(string)
			}
			page, next, err := f.Store.Walk(ctx, cursor, limit)
			if next == "" || len(page) == 0 {
				return page, next, err
			}
			shown := "after " + of(page[0])
			own.Store(shown, next)
			return page, shown, err
		}
	}, fails...)
}

// ordered makes a defect of a walk through a list of all records, from one number to the next.
func ordered(name string, order func(a, b session.Record) int, skip int, fails ...string) defect {
	return fault(name, func(f *faulty) {
		f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
			from, err := strconv.Atoi("0" + cursor)
			if err != nil {
				return nil, "", err
			}
			records, err := f.everything(ctx)
			slices.SortFunc(records, order)
			from = min(from, len(records))
			to := min(from+limit, len(records))
			if to == len(records) {
				return records[from:], "", err
			}
			return records[from:to], strconv.Itoa(max(to+skip, from+1)), err
		}
	}, fails...)
}

func (f *faulty) everything(ctx context.Context) (records []session.Record, _ error) {
	for cursor, first := "", true; first || cursor != ""; first = false {
		page, next, err := f.Store.Walk(ctx, cursor, 500)
		if err != nil {
			return nil, err
		}
		records, cursor = append(records, page...), next
	}
	return records, ctx.Err()
}

// byExpiry walks in the order of the records' ends.
func (f *faulty) byExpiry(ctx context.Context, cursor string, limit int) (page []session.Record, next string, _ error) {
	key := func(r session.Record) string { return fmt.Sprintf("%d.%x", r.Expires.UnixMilli(), r.ID) }
	records, err := f.everything(ctx)
	slices.SortFunc(records, func(a, b session.Record) int { return strings.Compare(key(a), key(b)) })
	for _, r := range records {
		if len(page) == limit {
			return page, key(page[limit-1]), err
		}
		if key(r) > cursor {
			page = append(page, r)
		}
	}
	return page, "", err
}

// remembersOneWalk makes a store keep where the last walk was.
func (f *faulty) remembersOneWalk() {
	var mu sync.Mutex
	var inner string
	var pages int
	f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
		mu.Lock()
		defer mu.Unlock()
		if cursor == "" {
			inner = ""
		}
		page, next, err := f.Store.Walk(ctx, inner, limit)
		if inner = next; next == "" {
			return page, "", err
		}
		pages++
		return page, "page" + strconv.Itoa(pages), err
	}
}

func (f *faulty) replaceSlowly(ctx context.Context, r session.Record) error {
	if err := f.Store.Delete(ctx, r.ID); err != nil {
		return err
	}
	latency()
	return f.Store.Create(ctx, r)
}

// misled makes a defect of what a store does with a cursor that it has not made.
func misled(name string, does func(f *faulty, ctx context.Context, cursor string, limit int) error) defect {
	return fault(name, func(f *faulty) {
		f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
			page, next, err := f.Store.Walk(ctx, cursor, limit)
			if err != nil && ctx.Err() == nil {
				err = does(f, ctx, cursor, limit)
			}
			return page, next, err
		}
	}, "WalkHostileCursors")
}
