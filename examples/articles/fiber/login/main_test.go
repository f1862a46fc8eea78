package main

import (
	"net/http"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/articletest"
)

func TestLogin(t *testing.T) {
	articletest.Login(t, options, func(m *session.Manager) http.Handler { return articletest.Fiber(site(m)) })
}
