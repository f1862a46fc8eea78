package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// broken is a store with one fault.
type broken struct {
	*memstore.Store
	fault   string
	cancel  func()
	deleted int
	records map[session.RecordID]bool // that are there
}

var errFire = errors.New("disk on fire")

func (b *broken) Create(ctx context.Context, r session.Record) error {
	switch b.fault {
	case "create":
		return errFire
	case "list":
		r.Subject = ""
	}
	b.records[r.ID] = true
	return b.Store.Create(ctx, r)
}

func (b *broken) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	r, err := b.Store.Load(ctx, id)
	switch b.fault {
	case "cut":
		r.Data = bytes.TrimSuffix(r.Data, []byte("n"))
	case "interrupted":
		b.cancel()
		return r, ctx.Err()
	case "load":
		return r, errFire
	}
	return r, err
}

func (b *broken) Update(ctx context.Context, r session.Record) error {
	err := b.Store.Update(ctx, r)
	if b.fault == "stale" && errors.Is(err, session.ErrConflict) {
		return nil
	}
	return err
}

func (b *broken) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	switch b.fault {
	case "touch":
		return nil
	case "no touch":
		return errors.ErrUnsupported
	}
	return b.Store.Touch(ctx, id, seen, expires)
}

func (b *broken) Delete(ctx context.Context, id session.RecordID) error {
	if b.deleted++; b.fault == "delete" && b.deleted == 1 {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	delete(b.records, id)
	return b.Store.Delete(ctx, id)
}

func (b *broken) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if before.Unix() > 0 || limit != 1 {
		return 0, errors.New("somebody's sessions would be swept")
	}
	if b.fault == "sweep" {
		return 0, errFire
	}
	return b.Store.Sweep(ctx, before, limit)
}

func TestCheckFindsFaults(t *testing.T) {
	for _, test := range []struct {
		fault  string
		wants  []string // lines, without the time they took
		failed bool
	}{
		{"none", []string{"create ok", "load ok", "update ok", "refuse a stale update ok", "touch ok",
			"use two connections ok", "list by subject ok", "delete ok", "sweep ok"}, false},
		{"no touch", []string{"touch not supported", "delete ok"}, false},
		{"create", []string{"create FAILED disk on fire", "load not tried", "refuse a stale update not tried",
			"delete not tried", "sweep ok"}, true},
		{"load", []string{"create ok", "load FAILED disk on fire", "refuse a stale update not tried", "sweep ok"}, true},
		{"cut", []string{"load FAILED", "something else than was written", "proxy"}, true},
		{"stale", []string{"refuse a stale update FAILED", "old version overwrite"}, true},
		{"touch", []string{"touch FAILED", "did not change", "list by subject ok"}, true},
		{"list", []string{"list by subject FAILED", "not among", "delete ok"}, true},
		{"delete", []string{"delete FAILED", "still there"}, true},
		{"sweep", []string{"delete ok", "sweep FAILED disk on fire"}, true},
	} {
		t.Run(test.fault, func(t *testing.T) {
			store := &broken{Store: memstore.New(), records: map[session.RecordID]bool{}, fault: test.fault}
			var out, diagnostics bytes.Buffer
			c := (&console{now: time.Now}).complete(&out, &diagnostics)
			err := check{timeFlag: timeFlag{Timeout: time.Minute}}.on(c, &storeurl.Opened{Store: store, Kind: "broken"}, store)
			if (err != nil) != test.failed {
				t.Errorf("error %v, want one: %v", err, test.failed)
			}
			text := withoutTimes(out.String())
			for _, want := range test.wants {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in\n%s", want, text)
				}
			}
			if len(store.records) != 0 {
				t.Error("the record of the check is still there")
			}
		})
	}
}

// withoutTimes makes a table's lines comparable.
func withoutTimes(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		for i := range words {
			if words[i] == "ms" {
				words = append(words[:i-1], words[i+1:]...)
				break
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "\n")
}

// Whoever interrupts a check leaves nothing behind.
func TestCheckInterruptedCleansUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := &broken{Store: memstore.New(), records: map[session.RecordID]bool{}, fault: "interrupted", cancel: cancel}
	var out, diagnostics bytes.Buffer
	c := (&console{ctx: ctx, now: time.Now}).complete(&out, &diagnostics)
	err := check{timeFlag: timeFlag{Timeout: time.Minute}}.on(c, &storeurl.Opened{Store: store, Kind: "broken"}, store)
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("error %v", err)
	}
	if len(store.records) != 0 || store.deleted == 0 {
		t.Error("the record of the check is still there")
	}
}
