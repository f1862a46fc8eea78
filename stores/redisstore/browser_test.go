package redisstore_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// browser keeps the cookie that it was given last.
type browser struct {
	t       *testing.T
	page    http.Handler
	cookie  *http.Cookie
	cookies int // how many it was given
}

func (b *browser) get(path string) {
	b.t.Helper()
	if code, body := b.see(path); code != http.StatusOK {
		b.t.Fatalf("%s: status %d: %s", path, code, body)
	}
}

func (b *browser) see(path string) (code int, body string) {
	request := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "https://example.com"+path, nil)
	if b.cookie != nil {
		request.AddCookie(b.cookie)
	}
	answer := httptest.NewRecorder()
	b.page.ServeHTTP(answer, request)
	for _, c := range answer.Result().Cookies() {
		b.cookie = c
		b.cookies++
	}
	return answer.Code, answer.Body.String()
}
