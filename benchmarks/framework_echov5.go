package main

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v5"

	echosession "github.com/coatcheck/coatcheck/adapters/echov5"
)

func echov5Apps() []app {
	return appsOn("echov5", echov5Site, coatcheck(echosession.From, echosession.Middleware), echoContribV5())
}

func echov5Site(middleware echo.MiddlewareFunc, h handlers[*echo.Context]) site {
	e := echo.New()
	if middleware != nil {
		e.Use(middleware)
	}
	for _, path := range paths {
		f := h.of(path)
		e.GET("/"+path, func(c *echo.Context) error {
			n, err := f(c)
			if err != nil {
				return err
			}
			return c.String(http.StatusOK, strconv.Itoa(n))
		})
	}
	return httpSite{e}
}
