package adapters_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// shortWay is the adapter that docs/adapters.md shows for frameworks of the net/http family.
func shortWay(m *session.Manager) echo.MiddlewareFunc {
	wrap := httpsession.Middleware(m)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			response := c.Response()
			inside := func(w http.ResponseWriter, r *http.Request) {
				c.SetRequest(r)
				response.Writer = w
				if err := next(c); err != nil {
					c.Error(err)
				}
			}
			wrap(http.HandlerFunc(inside)).ServeHTTP(response.Writer, c.Request())
			return nil
		}
	}
}

func shortRequire(g session.Guard) echo.MiddlewareFunc {
	return echo.WrapMiddleware(httpsession.Require(g))
}

func TestTheShortWay(t *testing.T) {
	adaptertest.Run(t, serveEchoWith(shortWay, shortRequire, nil, nil))
}
