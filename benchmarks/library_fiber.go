package main

import (
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/session"
)

// fiberOwn is the session package that comes with Fiber, with its memory store. It has no middleware.
func fiberOwn() []library[*fiber.Ctx, fiber.Handler] {
	return []library[*fiber.Ctx, fiber.Handler]{{
		"fiber/session", "memory",
		func() (fiber.Handler, handlers[*fiber.Ctx], error) {
			store := session.New(session.Config{
				KeyLookup: "cookie:" + cookieName, CookieSecure: true, CookieHTTPOnly: true,
				CookieSameSite: fiber.CookieSameSiteLaxMode,
			})
			return nil, fiberOwnHandlers(store), nil
		},
	}}
}

func fiberOwnHandlers(store *session.Store) handlers[*fiber.Ctx] {
	return handlers[*fiber.Ctx]{
		"start": func(c *fiber.Ctx) (int, error) {
			s, err := store.Get(c)
			if err != nil {
				return 0, err
			}
			s.Set("uid", guest)
			s.Set("n", first)
			return first, s.Save()
		},
		"read": func(c *fiber.Ctx) (int, error) {
			_, n, err := fiberOwnNumber(store, c)
			return n, err // without Save, which would write the session and send the cookie anew
		},
		"write": func(c *fiber.Ctx) (int, error) {
			s, n, err := fiberOwnNumber(store, c)
			if err != nil {
				return 0, err
			}
			s.Set("n", n+1)
			return n + 1, s.Save()
		},
		"login": func(c *fiber.Ctx) (int, error) {
			s, err := store.Get(c)
			if err != nil {
				return 0, err
			}
			if err := s.Regenerate(); err != nil {
				return 0, err
			}
			s.Set("uid", alice)
			return first, s.Save()
		},
		"user": func(c *fiber.Ctx) (int, error) {
			s, err := store.Get(c)
			if err != nil {
				return 0, err
			}
			return oneIf(s.Get("uid") == alice), nil
		},
	}
}

func fiberOwnNumber(store *session.Store, c *fiber.Ctx) (*session.Session, int, error) {
	s, err := store.Get(c)
	if err != nil {
		return nil, 0, err
	}
	n, ok := s.Get("n").(int)
	if !ok {
		return nil, 0, errNoValue
	}
	return s, n, nil
}
