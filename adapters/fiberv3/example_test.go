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

const visits session.Key[int] = "visits"

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
		r := httptest.NewRequest(fiber.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		response, err := app.Test(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		fmt.Println(string(body))
		cookie = response.Header.Get("Set-Cookie")
	}
	// Output:
	// visit 1
	// visit 2
}
