package main

import (
	"net/http"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/articletest"
)

func TestLogin(t *testing.T) {
	articletest.Login(t, options, func(m *session.Manager) func(*http.Request) *http.Response {
		app := site(m)
		return func(r *http.Request) *http.Response {
			response, err := app.Test(r, -1)
			if err != nil {
				t.Fatal(err)
			}
			return response
		}
	})
}
