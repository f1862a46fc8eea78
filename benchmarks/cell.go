package main

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cell is one box of the matrix: an operation on an app.
type cell struct {
	app
	op string
}

// String names a cell as benchstat likes it. A slash would begin another part of the name.
func (c cell) String() string {
	return fmt.Sprintf("framework=%s/op=%s/library=%s/carrier=%s", c.framework, c.op,
		strings.ReplaceAll(c.library, "/", "-"), c.carrier)
}

// cells are the whole matrix, with what is to be compared side by side.
func cells() []cell {
	var list []cell
	for apps := range byFramework(apps()) {
		for _, op := range operations {
			for _, a := range apps {
				list = append(list, cell{a, op})
			}
		}
	}
	return list
}

func byFramework(apps []app) iter.Seq[[]app] {
	return func(yield func([]app) bool) {
		for len(apps) > 0 {
			n := slices.IndexFunc(apps, func(a app) bool { return a.framework != apps[0].framework })
			if n < 0 {
				n = len(apps)
			}
			if !yield(apps[:n]) {
				return
			}
			apps = apps[n:]
		}
	}
}

// visitor is somebody with a session of a site, who does one operation over and over.
type visitor struct {
	cell
	client client
	cookie string
	n      int // what the session holds
	since  time.Time
}

// anyCookie is presented where nobody looks at it, as long as a token.
const anyCookie = cookieName + "=0123456789012345678901234567890123456789012"

// strangers is the cookie of somebody without a session. A peer would report one of its name that it has not made.
const strangers = "other=x"

// open builds the cell's site and begins a session there.
func (c cell) open() (*visitor, error) {
	s, err := c.build()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return c.visit(s)
}

// visit begins a session on the cell's site.
func (c cell) visit(s site) (*visitor, error) {
	v := &visitor{cell: c, client: s.client(), cookie: anyCookie, n: first, since: time.Now()}
	v.client.get("/start", strangers)
	v.follow()
	if v.bare() == (v.cookie != anyCookie) {
		return nil, fmt.Errorf("%s: the cookie after the start is not as expected", c)
	}
	return v, v.check(first)
}

func (c cell) bare() bool { return c.library == "none" }

// inCookie says whether the cookie is the session. Elsewhere it only names one, and each write finds what the last
// has left.
func (c cell) inCookie() bool { return c.carrier == "aead" || c.carrier == "securecookie" }

// answers are the number that the first of a session's requests is answered with, and what each further one adds to it.
func (c cell) answers() (next, step int) {
	switch {
	case c.op != "write" || c.bare():
		return first, 0
	case c.inCookie():
		return first + 1, 0
	default:
		return first + 1, 1
	}
}

// follow takes the cookie that the last response has set.
func (v *visitor) follow() {
	if line := v.client.setCookie(); line != "" {
		v.cookie, _, _ = strings.Cut(line, ";")
	}
}

// serve does the operation so many times and then makes sure that it has worked. A login is the next one's beginning;
// everything else goes on from the same cookie, sealed or not.
func (v *visitor) serve(times int) error {
	path, moves := "/"+v.op, v.op == "login" && !v.bare()
	for range times {
		v.client.get(path, v.cookie)
		if moves {
			v.follow()
		}
	}
	if err := v.checkCookie(v.client.setCookie() != ""); err != nil {
		return err
	}
	n, step := v.answers()
	if step != 0 {
		v.n += times * step
		n = v.n
	}
	return v.check(n)
}

// check makes sure that the last response is the one that carries n.
func (v *visitor) check(n int) error {
	if got := v.client.body(); v.client.status() != http.StatusOK || got != strconv.Itoa(n) {
		return fmt.Errorf("%s: the answer is %d %q, want 200 %q", v.cell, v.client.status(), got, strconv.Itoa(n))
	}
	return nil
}

// checkCookie makes sure that a response sets a cookie if the operation needs it, and none if it does not. A write to a
// session that is in a store may do as its library likes.
func (c cell) checkCookie(set bool) error {
	needed := !c.bare() && (c.op == "login" || c.op == "write" && c.inCookie())
	unneeded := c.bare() || c.op == "unused" || c.op == "read"
	if set && unneeded || !set && needed {
		return fmt.Errorf("%s: the response sets a cookie: %t", c, set)
	}
	return nil
}
