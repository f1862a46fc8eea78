package fibersession_test

import (
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	fiberssession "github.com/gofiber/fiber/v3/middleware/session"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
)

func BenchmarkRequest(b *testing.B) { adaptertest.Benchmark(b, bench) }

// BenchmarkFibersOwn is the session middleware that comes with Fiber, with its store in memory: what BenchmarkRequest's
// op=... with carrier=memory compares to in the same run. It writes each session that a request has come with.
func BenchmarkFibersOwn(b *testing.B) {
	for op, handle := range map[string]func(*fiberssession.Middleware) int{
		"unused": func(*fiberssession.Middleware) int { return 0 },
		"read":   func(s *fiberssession.Middleware) int { n, _ := s.Get("n").(int); return n },
		"write":  func(s *fiberssession.Middleware) int { n, _ := s.Get("n").(int); s.Set("n", n+1); return n },
	} {
		b.Run("op="+op, func(b *testing.B) {
			app, begun := fiber.New(), false
			app.Use(fiberssession.New())
			app.Get("/", func(c fiber.Ctx) error {
				s := fiberssession.FromContext(c)
				if !begun {
					s.Set("n", 12345)
				} else if n := handle(s); op != "unused" && n < 12345 {
					b.Fatal("the session is lost")
				}
				return c.SendStatus(fiber.StatusNoContent)
			})
			own := benchApp(app)
			own.Do("none=x")
			cookie, _, _ := strings.Cut(own.SetCookie(), ";")
			begun = true
			b.ReportAllocs()
			for b.Loop() {
				own.Do(cookie)
			}
		})
	}
}
