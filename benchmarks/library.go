package main

import (
	"errors"
	"slices"
)

// What the sessions of all libraries hold, and what is done with it: {uid: "guest", n: 12345}, and at a login uid
// becomes "alice". The number has several digits so that writing it down costs every handler the same.
const (
	first = 12345
	guest = "guest"
	alice = "alice"
)

// The measured operations are also the paths of every site.
var operations = []string{"unused", "read", "write", "login"}

// Two more are for getting started and for looking after it: start begins a session, user answers 1 to alice.
var paths = append([]string{"start", "user"}, operations...)

// library is a session library on one framework. C is what the framework's handlers see of a request, M is its
// middleware.
type library[C, M any] struct {
	name, carrier string
	install       func() (M, handlers[C], error)
}

// handlers do the operations by their names and return the number to answer with. One that is missing answers without
// a look at the session.
type handlers[C any] map[string]func(C) (int, error)

func (h handlers[C]) of(operation string) func(C) (int, error) {
	if f, ok := h[operation]; ok {
		return f
	}
	return func(C) (int, error) { return first, nil }
}

// errNoValue is what a handler returns that does not find the number it has stored.
var errNoValue = errors.New("the session has lost its number")

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// app is a framework with a library on it.
type app struct {
	framework, library, carrier string
	build                       func() (site, error)
}

// apps are all that is measured in this process, for each framework the bare one first.
func apps() []app {
	return slices.Concat(nethttpApps(), ginApps(), fiberApps(), echoApps(), echov5Apps(), chiApps())
}

// appsOn are a framework's apps with each of the libraries, and first the bare framework's.
func appsOn[C, M any](framework string, mount func(M, handlers[C]) site, libraries ...[]library[C, M]) []app {
	bare := library[C, M]{name: "none", carrier: "none", install: func() (m M, _ handlers[C], _ error) {
		return m, nil, nil
	}}
	var list []app
	for _, l := range slices.Concat([]library[C, M]{bare}, slices.Concat(libraries...)) {
		list = append(list, app{framework: framework, library: l.name, carrier: l.carrier, build: func() (site, error) {
			middleware, h, err := l.install()
			if err != nil {
				return nil, err
			}
			return mount(middleware, h), nil
		}})
	}
	return list
}
