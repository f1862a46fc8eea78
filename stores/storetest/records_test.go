package storetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var recordDefects = []defect{
	fault("an absent record is an empty one", func(f *faulty) {
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			r, _ := f.Store.Load(ctx, id)
			return r, nil
		}
	}, "LoadAbsent", "DeleteRemoves"),
	fault("absence is an error of its own", func(f *faulty) {
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			r, err := f.Store.Load(ctx, id)
			if err != nil {
				err = errors.New("no rows in result set")
			}
			return r, err
		}
	}, "LoadAbsent"),
	fault("seen is not kept", func(f *faulty) {
		f.replacing(func(r session.Record) (session.Record, error) { r.Seen = time.Time{}; return r, nil })
	}, "CreateThenLoad", "UpdateReplaces"),
	fault("times in whole seconds", func(f *faulty) {
		f.replacing(func(r session.Record) (session.Record, error) {
			r.Seen, r.Expires = r.Seen.Truncate(time.Second), r.Expires.Truncate(time.Second)
			return r, nil
		})
	}, "UpdateReplaces", "TimesFinerThanMilliseconds"),
	fault("create overwrites", func(f *faulty) { f.create = f.put }, "CreateTwice"),
	fault("create overwrites and complains", func(f *faulty) {
		f.create = func(ctx context.Context, r session.Record) error {
			_, absent := f.Store.Load(ctx, r.ID)
			if err := f.put(ctx, r); err != nil || absent != nil {
				return err
			}
			return session.ErrExists
		}
	}, "CreateTwice"),
	fault("update never shortens", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			if old, err := f.Store.Load(ctx, r.ID); err == nil && old.Expires.After(r.Expires) {
				r.Expires = old.Expires
			}
			return f.Store.Update(ctx, r)
		}
	}, "UpdateReplaces", "SweepShortened"),
	fault("update counts by two", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			if err := f.Store.Update(ctx, r); err != nil {
				return err
			}
			r.Version++
			return f.Store.Update(ctx, r)
		}
	}, "UpdateCountsVersions", "UpdateReplaces"),
	fault("update creates", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			err := f.Store.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				return f.Store.Create(ctx, r)
			}
			return err
		}
	}, "UpdateNeverCreates", "UpdateAfterDelete", "UpdateRacesDelete"),
	fault("update with version 0 creates", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			if r.Version == 0 {
				return f.put(ctx, r)
			}
			return f.Store.Update(ctx, r)
		}
	}, "UpdateNeverCreates", "UpdateWrongVersion"),
	fault("the last write wins", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			old, err := f.Store.Load(ctx, r.ID)
			r.Version = old.Version
			return errors.Join(err, f.Store.Update(ctx, r))
		}
	}, "UpdateWrongVersion"),
	fault("a version from the future is fine", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			if old, err := f.Store.Load(ctx, r.ID); err == nil && r.Version > old.Version {
				r.Version = old.Version
			}
			return f.Store.Update(ctx, r)
		}
	}, "UpdateWrongVersion"),
	fault("a refused update extends", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			return errors.Join(f.Store.Update(ctx, r), f.Store.Touch(ctx, r.ID, r.Seen, r.Expires))
		}
	}, "UpdateWrongVersion"),
	fault("delete does nothing", func(f *faulty) {
		f.delete = func(context.Context, session.RecordID) error { return nil }
	}, "DeleteRemoves", "UpdateAfterDelete", "IDsHostile"),
	fault("deleting an absent record fails", func(f *faulty) {
		f.delete = func(ctx context.Context, id session.RecordID) error {
			_, err := f.Store.Load(ctx, id)
			return errors.Join(err, f.Store.Delete(ctx, id))
		}
	}, "DeleteAbsent"),
}

var dataDefects = []defect{
	storing("data is text", func(b []byte) []byte { return []byte(strings.ToValidUTF8(string(b), "?")) }, "DataBinary"),
	storing("data ends at a zero", func(b []byte) []byte { head, _, _ := bytes.Cut(b, []byte{0}); return head },
		"DataBinary"),
	storing("data is cut at 64 KiB", func(b []byte) []byte { return b[:min(len(b), 1<<16-1)] }, "DataLarge"),
	storing("data is cut at 1 MiB", func(b []byte) []byte { return b[:min(len(b), 1<<20-1)] }, "DataLarge"),
	fault("empty data is no record", func(f *faulty) {
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			r, err := f.Store.Load(ctx, id)
			if len(r.Data) == 0 {
				err = session.ErrNotFound
			}
			return r, err
		}
	}, "DataEmpty"),
	fault("large data is refused too late", func(f *faulty) {
		f.create = func(ctx context.Context, r session.Record) error {
			err := f.Store.Create(ctx, r)
			if len(r.Data) > 1<<16 {
				err = session.ErrTooLarge
			}
			return err
		}
	}, "DataLarge"),
	fault("one buffer for every load", func(f *faulty) {
		var buffer [1 << 20]byte
		var mu sync.Mutex
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			r, err := f.Store.Load(ctx, id)
			r.Data = buffer[:copy(buffer[:], r.Data)]
			return r, err
		}
	}, "DataStays"),
	fault("update writes in place", writeInPlace, "DataStays", "DataNotShared"),
}

// storing is a store that puts something else in the place of data.
func storing(name string, what func(data []byte) []byte, fails ...string) defect {
	return fault(name, func(f *faulty) {
		f.replacing(func(r session.Record) (session.Record, error) { r.Data = what(r.Data); return r, nil })
	}, fails...)
}

func writeInPlace(f *faulty) {
	var kept ledger[[]byte]
	f.create = func(ctx context.Context, r session.Record) error {
		kept.set(r.ID, r.Data)
		return f.Store.Create(ctx, r)
	}
	f.update = func(ctx context.Context, r session.Record) error {
		copy(kept.get(r.ID), r.Data)
		return f.Store.Update(ctx, r)
	}
	f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
		r, err := f.Store.Load(ctx, id)
		r.Data = kept.get(id)[:len(r.Data)]
		return r, err
	}
}

var idDefects = []defect{
	naming("ids are cut to 16 bytes", func(id session.RecordID) session.RecordID {
		clear(id[16:])
		return id
	}, "IDsOneBitApart"),
	naming("ids lose their highest bits", func(id session.RecordID) session.RecordID {
		for i := range id {
			id[i] &= 0x7f
		}
		return id
	}, "IDsOneBitApart"),
	naming("ids ignore case", func(id session.RecordID) session.RecordID {
		text := base64.RawURLEncoding.EncodeToString(id[:])
		_, _ = base64.RawURLEncoding.Decode(id[:], []byte(strings.ToLower(text)))
		return id
	}, "IDsLetterCaseApart"),
	naming("ids are trimmed", func(id session.RecordID) session.RecordID {
		var trimmed session.RecordID
		copy(trimmed[:], bytes.TrimSpace(id[:]))
		return trimmed
	}, "IDsHostile"),
}

// naming is a store that keeps records under another name.
func naming(name string, key func(session.RecordID) session.RecordID, fails ...string) defect {
	return fault(name, func(f *faulty) {
		f.replacing(func(r session.Record) (session.Record, error) { r.ID = key(r.ID); return r, nil })
		f.delete = func(ctx context.Context, id session.RecordID) error { return f.Store.Delete(ctx, key(id)) }
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			r, err := f.Store.Load(ctx, key(id))
			r.ID = id
			return r, err
		}
	}, fails...)
}
