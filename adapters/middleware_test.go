package adapters_test

import (
	"io"
	"log"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/compress"
	"github.com/gofiber/fiber/v2/middleware/etag"
	fiberlogger "github.com/gofiber/fiber/v2/middleware/logger"
	fiberrecover "github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	echo5 "github.com/labstack/echo/v5"
	middleware5 "github.com/labstack/echo/v5/middleware"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
)

// Other middleware works around the session's as well as inside of it: the frameworks' own compression, recovery,
// loggers and timeouts, all at once.
func TestOtherMiddleware(t *testing.T) {
	timeout := func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "too slow") }
	ginOthers := []gin.HandlerFunc{gin.LoggerWithWriter(io.Discard), gin.Recovery()}
	fiberOthers := []fiber.Handler{compress.New(), etag.New(), fiberlogger.New(fiberlogger.Config{Output: io.Discard}), fiberrecover.New()}
	echoOthers := []echo.MiddlewareFunc{
		middleware.Gzip(), middleware.Recover(),
		middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			LogStatus: true, HandleError: true, LogValuesFunc: func(echo.Context, middleware.RequestLoggerValues) error { return nil },
		}),
		middleware.ContextTimeout(time.Minute),
	}
	echo5Others := []echo5.MiddlewareFunc{
		middleware5.Gzip(), middleware5.Recover(),
		middleware5.RequestLoggerWithConfig(middleware5.RequestLoggerConfig{
			LogStatus: true, HandleError: true, LogValuesFunc: func(*echo5.Context, middleware5.RequestLoggerValues) error { return nil },
		}),
		middleware5.ContextTimeout(time.Minute),
	}
	chiOthers := []func(http.Handler) http.Handler{
		chimiddleware.Compress(5), chimiddleware.Timeout(time.Minute), chimiddleware.Recoverer,
		chimiddleware.RequestLogger(&chimiddleware.DefaultLogFormatter{Logger: log.New(io.Discard, "", 0)}),
	}
	for name, serve := range map[string]adaptertest.Serve{
		"nethttp/outside": serveNethttp(timeout, plain), "nethttp/inside": serveNethttp(plain, timeout),
		"gin/outside": serveGin(ginOthers, nil), "gin/inside": serveGin(nil, ginOthers),
		"fiber/outside": serveFiber(fiberOthers, nil), "fiber/inside": serveFiber(nil, fiberOthers),
		"echo/outside": serveEcho(echoOthers, nil), "echo/inside": serveEcho(nil, echoOthers),
		"echov5/outside": serveEcho5(echo5Others, nil), "echov5/inside": serveEcho5(nil, echo5Others),
		"chi/outside": serveChi(chiOthers, nil), "chi/inside": serveChi(nil, chiOthers),
	} {
		t.Run(name, func(t *testing.T) { adaptertest.RunThrough(t, serve) })
	}
}
