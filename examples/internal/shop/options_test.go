package shop

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// Whoever reads the log looks for the request, the line of the program and the visitor.
func TestTheLogTellsWhatAnEventKnows(t *testing.T) {
	var log strings.Builder
	tell := logEvents(slog.New(slog.NewTextHandler(&log, nil)))
	tell(context.Background(), session.Event{
		Reason: session.ReasonUnencodable, Handle: "h1", Subject: "user1", Key: "cart", Err: errors.New("no such type"),
		Route: "POST /cart", Source: "cart.go:7",
	})
	for _, want := range []string{
		"level=ERROR", "reason=unencodable", "route=\"POST /cart\"", "at=cart.go:7", "handle=h1", "subject=user1", "key=cart",
		"error=\"no such type\"",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log %q, want %s in it", log.String(), want)
		}
	}
	log.Reset()
	tell(context.Background(), session.Event{Reason: session.ReasonMalformed})
	if line := log.String(); !strings.HasSuffix(line, "level=INFO msg=session reason=malformed\n") {
		t.Errorf("log %q, want no attribute without a value", line)
	}
}
