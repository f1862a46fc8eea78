package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/articletest"
)

func TestLogin(t *testing.T) {
	gin.SetMode(gin.TestMode)
	gin.DefaultWriter = io.Discard
	articletest.Login(t, options, func(m *session.Manager) http.Handler { return site(m) })
}
