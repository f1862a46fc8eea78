package main

import (
	"net/http"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-contrib/sessions/memstore"
	"github.com/gin-gonic/gin"
)

// ginContrib is gin-contrib/sessions with its cookie store and with its memory store.
func ginContrib() []library[*gin.Context, gin.HandlerFunc] {
	with := func(newStore func() sessions.Store) func() (gin.HandlerFunc, handlers[*gin.Context], error) {
		return func() (gin.HandlerFunc, handlers[*gin.Context], error) {
			store := newStore()
			store.Options(sessions.Options{Path: "/", MaxAge: 30 * 24 * 60 * 60, Secure: true, HttpOnly: true,
				SameSite: http.SameSiteLaxMode})
			return sessions.Sessions(cookieName, store), ginContribHandlers, nil
		}
	}
	return []library[*gin.Context, gin.HandlerFunc]{
		{"gin-contrib/sessions", "securecookie", with(func() sessions.Store { return cookie.NewStore(key(64), key(32)) })},
		{"gin-contrib/sessions", "memory", with(func() sessions.Store { return memstore.NewStore(key(64), key(32)) })},
	}
}

var ginContribHandlers = handlers[*gin.Context]{
	"start": func(c *gin.Context) (int, error) {
		s := sessions.Default(c)
		s.Set("uid", guest)
		s.Set("n", first)
		return first, s.Save()
	},
	"read": func(c *gin.Context) (int, error) {
		n, ok := sessions.Default(c).Get("n").(int)
		if !ok {
			return 0, errNoValue
		}
		return n, nil
	},
	"write": func(c *gin.Context) (int, error) {
		s := sessions.Default(c)
		n, ok := s.Get("n").(int)
		if !ok {
			return 0, errNoValue
		}
		s.Set("n", n+1)
		return n + 1, s.Save()
	},
	"login": func(c *gin.Context) (int, error) {
		s := sessions.Default(c)
		s.Set("uid", alice) // there is no way to renew the id
		return first, s.Save()
	},
	"user": func(c *gin.Context) (int, error) { return oneIf(sessions.Default(c).Get("uid") == alice), nil },
}
