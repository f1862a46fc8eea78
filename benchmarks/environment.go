package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
)

// environment is what the figures depend on.
func environment(args []string, now time.Time) [][2]string {
	list := [][2]string{
		{"command", "go run ./benchmarks " + strings.Join(args, " ")},
		{"date", now.UTC().Format("2006-01-02 15:04 UTC")},
		{"Go", runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
		{"processor", fmt.Sprintf("%s, %d in use", strings.TrimSpace(cpuid.CPU.BrandName), runtime.GOMAXPROCS(0))},
	}
	return append(list, versions()...)
}

// compared are the modules whose versions matter to the figures.
var compared = []string{
	"github.com/alexedwards/scs/v2", "github.com/gin-contrib/sessions", "github.com/gin-gonic/gin",
	"github.com/go-chi/chi/v5", "github.com/gofiber/fiber/v2", "github.com/gorilla/securecookie",
	"github.com/gorilla/sessions", "github.com/jackc/pgx/v5", "github.com/labstack/echo-contrib",
	"github.com/labstack/echo/v4", "github.com/quasoft/memstore", "github.com/redis/go-redis/v9",
	"github.com/valyala/fasthttp", "modernc.org/sqlite",
}

func versions() (list [][2]string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, name := range compared {
		for _, m := range info.Deps {
			if m.Path == name {
				list = append(list, [2]string{name, m.Version})
			}
		}
	}
	return list
}
