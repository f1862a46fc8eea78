package fasthttpexchange

import (
	"github.com/valyala/fasthttp"

	session "github.com/coatcheck/coatcheck/core"
)

// Admits reports whether the request may pass. If not, it has been answered.
func Admits(g session.Guard, c *fasthttp.RequestCtx) bool {
	instead, ok := g.Admit(c)
	if ok {
		return true
	}
	for name, value := range instead.Header {
		c.Response.Header.Set(name, value)
	}
	c.SetContentType(instead.ContentType)
	c.SetStatusCode(instead.Status)
	c.SetBody(instead.Body)
	return false
}
