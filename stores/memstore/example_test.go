package memstore_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const visits session.Key[int] = "visits"

func ExampleNew() {
	sessions, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	page := httpsession.Middleware(sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n := visits.Update(httpsession.From(r), func(n int) int { return n + 1 })
		fmt.Println("visit", n)
	}))

	request := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	for range 3 {
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, request)
		for _, c := range answer.Result().Cookies() { // as a browser does
			request.AddCookie(c)
		}
	}
	// Output:
	// visit 1
	// visit 2
	// visit 3
}
