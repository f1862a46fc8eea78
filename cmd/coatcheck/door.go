package main

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// door lets one browser in: the one that first brings the ticket, which is in the address that the command prints. From
// then on the ticket is void, and the browser's cookie opens the door. Cookies go to all ports of a host, so this one
// has a path that nobody else on this machine knows, and is sent nowhere else.
type door struct {
	addr   netip.AddrPort // where it is
	path   string
	key    string // the cookie's value
	inside http.Handler

	mu     sync.Mutex
	ticket string // "" when it has been used
}

const (
	ticketParameter = "ticket"
	doorCookie      = "coatcheck-ui"
)

func newDoor(addr string, inside http.Handler) *door {
	at, _ := netip.ParseAddrPort(addr) // it is a listener's
	return &door{addr: at, path: "/" + rand.Text() + "/", key: rand.Text() + rand.Text(),
		ticket: rand.Text() + rand.Text(), inside: inside}
}

// announce prints the address, and on standard error what to do with it.
func (d *door) announce(c *console) error {
	_, err := fmt.Fprintf(c.stdout, "http://%s%s?%s=%s\n", d.addr, d.path, ticketParameter, d.ticket)
	_, _ = fmt.Fprintln(c.stderr, "coatcheck: open this address in a browser of this machine; it works once. Ctrl-C ends "+
		"the page.") // as in report
	return err
}

// ServeHTTP serves what is inside to the one browser.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !d.isMine(r.Host):
		// A name that somebody else makes point here would open the page to that name's scripts (DNS rebinding).
		refuse(w, http.StatusMisdirectedRequest, "This page answers to its own address only.")
	case r.URL.Path != d.path:
		refuse(w, http.StatusNotFound, "There is nothing here.")
	case d.knows(r) && r.URL.Query().Has(ticketParameter), d.admits(r):
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure: browsers differ in whether plain loopback may set it
			Name: doorCookie, Value: d.key, Path: d.path, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		guard(w)
		w.Header().Set("Location", d.path) // without the ticket, which no longer belongs in the address line
		w.WriteHeader(http.StatusSeeOther)
	case d.knows(r):
		d.inside.ServeHTTP(w, r)
	default:
		refuse(w, http.StatusForbidden, `This address has been used, or is not the one that "coatcheck ui" has printed. `+
			"Run the command again for a new one.")
	}
}

// isMine reports whether the host that a browser believes to speak to is this one.
func (d *door) isMine(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, "80" // which browsers leave out
	}
	return port == fmt.Sprint(d.addr.Port()) && (name == "localhost" || name == d.addr.Addr().String())
}

// knows reports whether the request has the cookie.
func (d *door) knows(r *http.Request) bool {
	for _, c := range r.CookiesNamed(doorCookie) {
		if subtle.ConstantTimeCompare([]byte(c.Value), []byte(d.key)) == 1 {
			return true
		}
	}
	return false
}

// admits takes the ticket, if the request has it.
func (d *door) admits(r *http.Request) bool {
	ticket := r.URL.Query().Get(ticketParameter)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ticket == "" || r.Method != http.MethodGet ||
		subtle.ConstantTimeCompare([]byte(ticket), []byte(d.ticket)) == 0 {
		return false
	}
	d.ticket = ""
	return true
}

func refuse(w http.ResponseWriter, status int, text string) {
	guard(w)
	http.Error(w, text, status)
}

// guard is for answers of the door itself.
func guard(w http.ResponseWriter) {
	for name, value := range map[string]string{
		"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
	} {
		w.Header().Set(name, value)
	}
}
