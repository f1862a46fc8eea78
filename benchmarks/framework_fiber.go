package main

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
)

func fiberApps() []app {
	return appsOn("fiber", fiberSiteOf, coatcheck(fibersession.From, fibersession.Middleware), fiberOwn())
}

func fiberSiteOf(middleware fiber.Handler, h handlers[*fiber.Ctx]) site {
	a := fiber.New(fiber.Config{DisableStartupMessage: true})
	if middleware != nil {
		a.Use(middleware)
	}
	for _, path := range paths {
		f := h.of(path)
		a.Get("/"+path, func(c *fiber.Ctx) error {
			n, err := f(c)
			if err != nil {
				return err
			}
			return c.SendString(strconv.Itoa(n))
		})
	}
	return fiberSite{a}
}
