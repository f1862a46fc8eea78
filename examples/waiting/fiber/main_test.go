package main

import (
	"net"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/waitingtest"
)

func TestWaiting(t *testing.T) {
	waitingtest.Run(t, func(t *testing.T, sessions *session.Manager) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		app := site(sessions)
		served := make(chan error, 1)
		go func() { served <- app.Listener(listener) }()
		t.Cleanup(func() {
			if err := app.Shutdown(); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
		return "http://" + listener.Addr().String()
	})
}
