package session

import (
	"fmt"
	"io"
	"log/slog"
)

// What holds tokens or values, or leads to them, prints as its name under every verb: fmt goes through a struct without
// a Format method field by field, and under verbs like %s also behind pointers.

// Format keeps values and metadata out of logs.
func (s *Session) Format(f fmt.State, _ rune) { printName(f, s.String()) }

// Format names the manager and keeps everything else out of logs.
func (m *Manager) Format(f fmt.State, _ rune) { printName(f, m.String()) }

// String keeps the session out of logs.
func (r *Request) String() string { return "session.Request" }

// Format keeps the session out of logs.
func (r *Request) Format(f fmt.State, _ rune) { printName(f, r.String()) }

// String is how a context derived from this one names it.
func (c *requestContext) String() string { return "session.Context" }

func (c *requestContext) Format(f fmt.State, _ rune) { printName(f, c.String()) }

func (b *bounded) String() string { return "session.Context" }

func (b *bounded) Format(f fmt.State, _ rune) { printName(f, b.String()) }

// Format prints the short form, whatever the verb.
func (id RecordID) Format(f fmt.State, _ rune) { printName(f, id.String()) }

// Format says which record it is. Data and Subject stay out of logs.
func (r Record) Format(f fmt.State, _ rune) { printName(f, r.String()) }

// LogValue says which record it is, also to a log that writes JSON.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.String()) }

func printName(f fmt.State, name string) { _, _ = io.WriteString(f, name) }
