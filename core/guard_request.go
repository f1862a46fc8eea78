package session

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// isHTMX reports whether htmx asks for a part of a page. It would follow a redirect and put the login page there.
func isHTMX(x Exchange) bool { return x.RequestHeader("HX-Request") == "true" }

// navigates reports whether a browser is going to show the answer as a page. Those that send no Sec-Fetch-Mode, as on
// plain http, ask for HTML then, and their scripts do not unless they are told to.
func navigates(x Exchange) bool {
	if mode := x.RequestHeader("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	for entry := range strings.SplitSeq(x.RequestHeader("Accept"), ",") {
		kind, parameters, _ := strings.Cut(entry, ";")
		if strings.EqualFold(strings.TrimSpace(kind), "text/html") && !isRefused(parameters) {
			return true
		}
	}
	return false
}

// isRefused reports whether a media type's parameters say that it is not wanted: q=0 (RFC 9110 §12.4.2).
func isRefused(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if q, err := strconv.ParseFloat(value, 64); strings.EqualFold(name, "q") && err == nil && q == 0 {
			return true
		}
	}
	return false
}

// pageIn returns path and query of the page whose URL a header holds, "" if that is not on the host which the client
// has asked. A proxy may have taken TLS off, so that the scheme tells nothing.
func pageIn(x Exchange, header string) string {
	scheme, rest, _ := strings.Cut(x.RequestHeader(header), "://")
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	if scheme != "http" && scheme != "https" || host == "" || !strings.EqualFold(host, x.RequestHeader("Host")) {
		return ""
	}
	page, _, _ := strings.Cut(rest[len(host):], "#")
	if !strings.HasPrefix(page, "/") {
		page = "/" + page
	}
	return page
}

func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

// withQuery adds a parameter. Slashes stay legible.
func withQuery(target, name, value string) string {
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return target + separator + name + "=" + strings.ReplaceAll(url.QueryEscape(value), "%2F", "/")
}

func seeOther(page string) Response {
	return Response{Status: http.StatusSeeOther, Header: map[string]string{"Location": page}}
}

// challenge says in an answer how to log in, as RFC 9110 §11.6.1 demands of a 401, unless the application says it.
func challenge(r Response) Response {
	const name = "WWW-Authenticate"
	for given := range r.Header {
		if strings.EqualFold(given, name) {
			return r
		}
	}
	header := maps.Clone(r.Header) // which is the application's
	if header == nil {
		header = map[string]string{}
	}
	header[name] = "Bearer"
	r.Header = header
	return r
}

// unauthorizedTo has no body, which htmx could take for the fragment.
func unauthorizedTo(page string) Response {
	return Response{Status: http.StatusUnauthorized, Header: map[string]string{"HX-Redirect": page}}
}
