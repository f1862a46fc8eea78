package fibersession_test

import (
	"fmt"
	"io"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiberv3"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func Example() {
	sessions, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := fiber.New()
	app.Use(fibersession.Middleware(sessions))
	app.Get("/", func(c fiber.Ctx) error {
		n := visits.Update(fibersession.From(c), func(n int) int { return n + 1 })
		return c.SendString(fmt.Sprintf("visit %d", n))
	})

	cookie := ""
	for range 2 {
		page, set := visit(app, cookie)
		fmt.Println(page)
		cookie = set
	}
	// Output:
	// visit 1
	// visit 2
}

// visit returns the page and the cookie that a visitor with a cookie gets.
func visit(app *fiber.App, cookie string) (page, set string) {
	r := httptest.NewRequest(fiber.MethodGet, "/", nil)
	r.Header.Set("Cookie", cookie)
	response, err := app.Test(r)
	if err != nil {
		return err.Error(), ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error(), ""
	}
	return string(body), response.Header.Get("Set-Cookie")
}
