package sessionui

import (
	"html/template"
	"net/http"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// mostDevices is how many sessions of a subject are shown.
const mostDevices = 200

// devices is what a subject's page shows.
type devices struct {
	Total       int
	Left        int // not shown
	Devices     []device
	All         template.URL // "": there is nothing to end
	Unsupported bool
	Partial     bool
}

// device is one session.
type device struct {
	Agent, Network, Handle string
	LastSeen, Expires      moment
	Created                *moment // nil: with the login
	Authenticated          *moment // nil: never
	Confirm                template.URL
}

func deviceOf(i session.Info, now time.Time) device {
	d := device{
		Agent: noted(i.Agent), Network: noted(i.Network), Handle: shown(i.Handle),
		LastSeen: momentOf(i.LastSeen, now), Expires: momentOf(i.ExpiresAt, now),
		Confirm: reference("subject", i.Subject, "handle", i.Handle),
	}
	if at := i.Authenticated; !at.IsZero() {
		m := momentOf(at, now)
		d.Authenticated = &m
	}
	if m := momentOf(i.Created, now); d.Authenticated == nil || *d.Authenticated != m {
		d.Created = &m
	}
	return d
}

func noted(hint string) string {
	if hint == "" {
		return "not noted"
	}
	return shown(hint)
}

// subject is the page about one subject's sessions.
func (h *Handler) subject(r *http.Request, subject string) page {
	list, err := h.manager.List(r.Context(), subject)
	if err != nil && len(list) == 0 && !unsupported(err) {
		return h.storeFailed(r, err)
	}
	v := devices{Total: len(list), Unsupported: unsupported(err)}
	if v.Partial = err != nil && !v.Unsupported; v.Partial {
		h.failed(err)
	}
	for _, i := range list[:min(len(list), mostDevices)] {
		v.Devices = append(v.Devices, deviceOf(i, h.now()))
	}
	v.Left = v.Total - len(v.Devices)
	if v.Total > 0 || v.Unsupported {
		v.All = reference("subject", subject, "all", "1")
	}
	return page{
		Status: http.StatusOK, Heading: "Sessions of " + shown(subject), Search: searchable(subject), View: v,
		template: subjectPage,
	}
}

// searchable is a subject as the search field can hold it: "" if it could not give it back.
func searchable(subject string) string {
	if shown(subject) != subject {
		return ""
	}
	return subject
}
