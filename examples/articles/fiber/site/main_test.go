package main

import (
	"net/http"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/articletest"
)

func TestSite(t *testing.T) {
	articletest.Site(t, options, func(m *session.Manager) http.Handler { return articletest.Fiber(site(m)) })
}
