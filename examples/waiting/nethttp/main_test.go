package main

import (
	"net/http/httptest"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/waitingtest"
)

func TestWaiting(t *testing.T) {
	waitingtest.Run(t, func(t *testing.T, sessions *session.Manager) string {
		server := httptest.NewServer(site(sessions))
		t.Cleanup(server.Close)
		return server.URL
	})
}
