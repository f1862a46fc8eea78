package fasthttpexchange

import (
	"strings"
	"unsafe"
)

func (x *exchange) ResponseHeader(name string) string {
	var lines [][]byte
	x.response.Header.VisitAll(func(key, value []byte) {
		if len(key) == len(name) && strings.EqualFold(string(key), name) {
			lines = append(lines, value)
		}
	})
	return joined(lines)
}

func (x *exchange) SetResponseHeader(name, value string) {
	x.RemoveResponseHeaders(func(n string) bool { return strings.EqualFold(n, name) }) // Set replaces only the first line
	x.response.Header.Set(name, value)
}

func (x *exchange) RemoveResponseHeaders(unwanted func(name string) bool) {
	header := &x.response.Header
	var found []string // the header must not change while it is visited
	header.VisitAll(func(key, _ []byte) {
		if unwanted(unsafe.String(unsafe.SliceData(key), len(key))) { //nolint:gosec // it looks, and keeps nothing
			found = append(found, string(key))
		}
	})
	for _, name := range found {
		header.Del(name)
	}
}

func (x *exchange) SetCookie(name, line string) {
	x.response.Header.DelCookie(name)
	x.AddCookie(line)
}

func (x *exchange) AddCookie(line string) { x.response.Header.Add("Set-Cookie", line) }

func (x *exchange) ResetResponse() {
	x.response.Reset()
	x.ctx.Hijack(nil) // nobody takes over the connection of a response that does not go out
	x.ctx.HijackSetNoResponse(false)
	if x.entry != nil {
		x.entry.CopyTo(&x.response.Header)
	}
}
