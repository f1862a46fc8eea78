package echosession_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v5"

	echosession "github.com/coatcheck/coatcheck/adapters/echov5"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const visits session.Key[int] = "visits"

func Example() {
	sessions, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := echo.New()
	e.Use(echosession.Middleware(sessions))
	e.GET("/", func(c *echo.Context) error {
		n := visits.Update(echosession.From(c), func(n int) int { return n + 1 })
		return c.String(http.StatusOK, fmt.Sprintf("visit %d", n))
	})

	cookie := ""
	for range 2 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		fmt.Println(w.Body)
		cookie = w.Header().Get("Set-Cookie")
	}
	// Output:
	// visit 1
	// visit 2
}
