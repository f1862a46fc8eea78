package echosession_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	session "github.com/coatcheck/coatcheck/core"
)

func TestLoggersSeeWhatTheClientGot(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	status := 0
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			status = c.Response().Status
			return err
		}
	}, echosession.Middleware(m))
	const broken session.Key[chan int] = "broken"
	e.GET("/", func(c echo.Context) error {
		broken.Set(echosession.From(c), nil)
		return errors.New("and an error too")
	})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusInternalServerError || status != w.Code {
		t.Errorf("client got %d, logger saw %d", w.Code, status)
	}
}
