package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// noCursors are no store's: cursors are printable ASCII, and none of these is a number or a name in any notation.
func noCursors() []string {
	return []string{
		"'", "\"", "`", "' OR '1'='1", "'; DROP TABLE sessions; --", "\\", "*", "%", "?", " ", "\t", "\n", "\r\nFLUSHALL\r\n",
		"\x00", "1\x00", "\x001", "\x7f", "é", "\xff\xfe", "../../etc/passwd", "/", ".", "%00", "%27", "$(id)", "{{.}}",
		strings.Repeat("9", 1<<20), strings.Repeat("a", 1<<16), strings.Repeat("'", 1<<12),
	}
}

// foreignCursors may be some store's.
func foreignCursors() []string {
	return []string{
		"0", "1", "17", "00", "-1", "1e9", "0x10", "18446744073709551615", "18446744073709551616", "null", "{}", "[]", "AA==",
		"mem-01", "mem-", "file-7f01", "sql-80", "sql-ff", "redis-0-17", "redis-1-0", "redis--1", "next", "1:2", "1.2.3",
		strings.Repeat("f", 64), strings.Repeat("0", 64),
	}
}

func walkHostileCursors(t *trial) {
	s := t.walker()
	var records []session.Record
	for i := range 12 {
		records = append(records, newRecordOf(newSubject(), fmt.Sprintf("record %d", i)))
	}
	t.create(records...)
	refused := noCursors()
	_, own, err := s.Walk(t.ctx, "", 1)
	t.want("Walk", err, nil)
	if own != "" {
		refused = append(refused, own+"'", own+"\x00", own+"\n", own+" ", " "+own, own+" OR 1=1", own+own+own, "x"+own)
	}
	for _, cursor := range refused {
		if err := t.from(s, cursor); err == nil {
			t.Errorf("Walk from %.80q: no error, want one that says that the cursor is not the store's", cursor)
		}
	}
	for _, cursor := range append(foreignCursors(), strings.ToUpper(own), own[:max(len(own)-1, 0)]) {
		_ = t.from(s, cursor)
	}
	t.holds(records...)
	t.among(t.walk(s, 500), records...)
}

// from takes a page, which has to come promptly and without a panic.
func (t *trial) from(s session.Walker, cursor string) error {
	t.Helper()
	answer := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				answer <- fmt.Errorf("%w: %v", errPanic, p)
			}
		}()
		_, _, err := s.Walk(t.ctx, cursor, 10)
		answer <- err
	}()
	select {
	case err := <-answer:
		if errors.Is(err, errPanic) {
			t.Fatalf("Walk from %.80q: %v", cursor, err)
		}
		return err
	case <-time.After(promptly):
		t.Fatalf("Walk from %.80q: no answer within %s", cursor, promptly)
		return nil
	}
}

var errPanic = errors.New("a panic")
