package shop

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	session "github.com/coatcheck/coatcheck/core"
)

// MaxBody is the largest request body that is read; the shop's own forms are tiny.
const MaxBody = 64 << 10

// ErrBodyTooLarge is what a request whose body is larger says when it is read.
var ErrBodyTooLarge = errors.New("the request's body is too large")

// Request is what the shop sees of an HTTP request, whichever framework received it. Its strings are copies.
type Request struct {
	Context context.Context
	Method  string
	Target  string                   // path and query as they were sent
	Client  string                   // address and port that the connection comes from
	Header  func(name string) string // Host included
	Body    func() ([]byte, error)   // ErrBodyTooLarge when there is more than MaxBody
	Session func() *session.Session  // not called for what has no use for a session
}

// Response is what a framework has to send. Content-Type is always among the headers.
type Response struct {
	Status int
	Header map[string]string
	Body   []byte
}

// SecurityHeaders are on every response. They are set outside of the session's middleware, so that the answers which
// it gives itself have them too.
var SecurityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; " +
		"frame-ancestors 'none'; object-src 'none'",
	"Referrer-Policy":        "same-origin",
	"X-Content-Type-Options": "nosniff",
}

// readFields reads the body's fields, a form's or a JSON object's. No body is no fields.
func (v *visit) readFields() error {
	body, err := v.Body()
	switch {
	case errors.Is(err, ErrBodyTooLarge):
		return Error{Status: http.StatusRequestEntityTooLarge}
	case err != nil:
		return Error{Status: http.StatusBadRequest}
	case len(body) == 0:
		return nil
	}
	kind, _, _ := mime.ParseMediaType(v.Header("Content-Type")) // a malformed one is an unknown one
	switch {
	case v.Header("Content-Encoding") != "":
		return Error{Status: http.StatusUnsupportedMediaType}
	case kind == "application/json":
		return v.readJSON(body)
	case kind == "application/x-www-form-urlencoded":
		return v.readForm(body)
	default:
		return Error{Status: http.StatusUnsupportedMediaType}
	}
}

func (v *visit) readJSON(body []byte) error {
	var values map[string]any
	if !utf8.Valid(body) || json.Unmarshal(body, &values) != nil {
		return Error{Status: http.StatusBadRequest, text: "error.json"}
	}
	v.fields = map[string]string{}
	for name, value := range values {
		field, ok := jsonField(name, value)
		if !ok {
			return Error{Status: http.StatusBadRequest, text: "error.json"}
		}
		v.fields[name] = field
	}
	return nil
}

// jsonField is a field as a form would have it: a string, or what a program sends for a box that is ticked or not.
func jsonField(name string, value any) (field string, ok bool) {
	switch value := value.(type) {
	case nil:
		return "", true
	case string:
		return value, true
	case bool:
		return strconv.FormatBool(value), name == rememberField
	}
	return "", false
}

func (v *visit) readForm(body []byte) error {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return Error{Status: http.StatusBadRequest, text: "error.form"}
	}
	v.fields = map[string]string{}
	for name := range values {
		if v.fields[name] = values.Get(name); !utf8.ValidString(v.fields[name]) {
			return Error{Status: http.StatusBadRequest, text: "error.form"}
		}
	}
	return nil
}

// maxDelay is the longest wait that X-Delay may ask for.
const maxDelay = 3 * time.Second

// wait does what X-Delay asks for. The session has been read by then, and has yet to be changed.
func (v *visit) wait() error {
	text := v.Header("X-Delay")
	if !v.app.delays || text == "" {
		return nil
	}
	delay, err := time.ParseDuration(text)
	if err != nil || delay < 0 || delay > maxDelay {
		return Error{Status: http.StatusBadRequest, text: "error.delay"}
	}
	v.app.pause(v.Context, delay)
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// wantsJSON says whether a program is asking: it accepts JSON rather than HTML, or sends JSON and does not care.
func wantsJSON(header func(string) string) bool {
	accept := header("Accept")
	asJSON, asHTML := quality(accept, "application/json"), quality(accept, "text/html")
	if asJSON > 0 || asHTML > 0 {
		return asJSON > 0 && asJSON >= asHTML
	}
	kind, _, _ := mime.ParseMediaType(header("Content-Type")) // a malformed one is not JSON
	return kind == "application/json"
}

// quality is how much an Accept header wants a media type by name, from 0 to 1.
func quality(accept, want string) float64 {
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil || kind != want {
			continue
		}
		q, err := strconv.ParseFloat(parameters["q"], 64)
		if err != nil {
			return 1
		}
		return q
	}
	return 0
}
