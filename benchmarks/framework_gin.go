package main

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
)

func ginApps() []app {
	return appsOn("gin", ginSite, coatcheck(ginsession.From, ginsession.Middleware), ginContrib())
}

func ginSite(middleware gin.HandlerFunc, h handlers[*gin.Context]) site {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	if middleware != nil {
		engine.Use(middleware)
	}
	for _, path := range paths {
		f := h.of(path)
		engine.GET("/"+path, func(c *gin.Context) {
			n, err := f(c)
			if err != nil {
				_ = c.AbortWithError(http.StatusInternalServerError, err)
				return
			}
			c.String(http.StatusOK, strconv.Itoa(n))
		})
	}
	return httpSite{engine}
}
