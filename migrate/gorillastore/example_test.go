package gorillastore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/gorillastore"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func ExampleNew() {
	store := gorillastore.New() // was sessions.NewCookieStore(key)
	handler := func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		visits, _ := shop.Values["visits"].(int)
		shop.Values["visits"] = visits + 1
		if err := shop.Save(r, w); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintln(w, "visit", visits+1)
	}
	sessions, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		panic(err)
	}
	site := httpsession.Middleware(sessions)(http.HandlerFunc(handler))

	first := httptest.NewRecorder()
	site.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "https://shop.example/", nil))
	again, second := httptest.NewRequest(http.MethodGet, "https://shop.example/", nil), httptest.NewRecorder()
	again.AddCookie(first.Result().Cookies()[0])
	site.ServeHTTP(second, again)
	fmt.Print(first.Body.String() + second.Body.String())
	// Output:
	// visit 1
	// visit 2
}
