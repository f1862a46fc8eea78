package shop

import (
	"errors"
	"net/http"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// device is a place where the visitor is logged in.
type device struct {
	Handle   string    `json:"handle"` // what a visitor sends to log it out
	Current  bool      `json:"current"`
	Created  time.Time `json:"created"`
	LastSeen time.Time `json:"last_seen"`
	Agent    string    `json:"agent"`
	Network  string    `json:"network"`
}

// listing is a handler for a shop whose sessions can be listed.
func listing(h handler) handler {
	return func(v *visit) (Response, error) {
		if !v.app.lists {
			return Response{}, Error{Status: http.StatusNotImplemented, text: "error.nodevices"}
		}
		return h(v)
	}
}

func (v *visit) devices() (Response, error) {
	if err := v.findDevices(); err != nil {
		return Response{}, err
	}
	return v.show("devices")
}

func (v *visit) findDevices() error {
	found, err := v.app.sessions.List(v.Context, v.s.Subject())
	if err != nil {
		return err
	}
	v.found = make([]device, len(found))
	for i, info := range found {
		v.found[i] = device{
			Handle: info.Handle, Current: info.Handle == v.s.Handle(),
			Created: info.Created.UTC().Truncate(time.Second), LastSeen: info.LastSeen.UTC().Truncate(time.Second),
			Agent: info.Agent, Network: info.Network,
		}
	}
	return nil
}

// revokeDevice logs out one of the visitor's devices. If it is the one that asks, that is a logout like any other, and
// its cookie goes too.
func (v *visit) revokeDevice() (Response, error) {
	handle := v.fields["handle"]
	if handle == v.s.Handle() {
		return v.logout()
	}
	err := v.app.sessions.Revoke(v.Context, v.s.Subject(), handle)
	if errors.Is(err, session.ErrNotFound) {
		return Response{}, Error{Status: http.StatusNotFound, text: "error.device"}
	}
	if err != nil {
		return Response{}, err
	}
	v.tell("flash.device")
	return v.devicesChanged()
}

// revokeOtherDevices logs the visitor out everywhere else.
func (v *visit) revokeOtherDevices() (Response, error) {
	if _, err := v.app.sessions.RevokeOthers(v.Context, v.s); err != nil {
		return Response{}, err
	}
	v.tell("flash.devices")
	return v.devicesChanged()
}

// devicesChanged is done, and tells a program what is left.
func (v *visit) devicesChanged() (Response, error) {
	if v.json {
		if err := v.findDevices(); err != nil {
			return Response{}, err
		}
	}
	return v.done("/devices")
}

// Lists says whether there is a page of devices.
func (p page) Lists() bool { return p.app.lists }

// Time is a moment as it is written in every language.
func (page) Time(t time.Time) string { return t.Format("2006-01-02 15:04 UTC") }

// ISO is a moment as programs read it.
func (page) ISO(t time.Time) string { return t.Format(time.RFC3339) }
