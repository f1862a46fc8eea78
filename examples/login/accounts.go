package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"sync"

	session "github.com/coatcheck/coatcheck/core"
)

// accounts are in memory, and in plain text, because they are not what this program is about. A real one keeps hashes
// made by bcrypt or argon2.
type accounts struct {
	mu        sync.Mutex
	passwords map[string]string
}

func (a *accounts) check(user, password string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	want, known := a.passwords[user]
	return subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1 && known
}

func (a *accounts) set(user, password string) error {
	if len(password) < 8 {
		return errShort
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.passwords[user] = password
	return nil
}

func newApp(sessions *session.Manager) *app {
	known := map[string]string{"alice": "correct horse", "admin": "battery staple"}
	return &app{sessions: sessions, accounts: &accounts{passwords: known}, provider: noProvider{}}
}

func newState() string { return rand.Text() }

// noProvider stands in for an OAuth client.
type noProvider struct{}

func (noProvider) page(state string) string { return "/oauth/callback?code=none&state=" + state }

func (noProvider) user(context.Context, string) (string, error) {
	return "", errors.New("no provider is set up")
}
