package adaptertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var formats = []testCase{
	{"P12", "nothing prints a secret",
		"whoever logs a context or a writer to find a bug must not log somebody's login with it", nothingPrints, ""},
}

const marker = "sesame-open-4711"

// nothingPrints formats everything that a handler can get hold of, in every way there is, before and after the
// response.
func nothingPrints(s *suite) {
	for kind, st := range map[string]*site{
		"stored": s.stored(session.Options{}), "sealed": s.sealed(session.TemporaryKeys(),
			session.Options{Sealer: session.AEAD}),
	} {
		printed := map[string]string{}
		st.on("/print", func(c *Call) error {
			note.Set(c.Session, marker)
			c.Session.Login(marker)
			st.print(c, "before", printed)
			err := c.Session.Save()
			st.print(c, "saved", printed)
			err = errors.Join(err, c.Respond(200, "printed"))
			st.print(c, "after", printed)
			return err
		})
		secrets := []string{marker, st.get("/print", "").is(200, "printed").issued()}
		for _, form := range append(formsOf(secrets[0]), formsOf(secrets[1])...) {
			for how, text := range printed {
				if strings.Contains(text, form) {
					s.Errorf("%s, %s: %.40q in %.60q...", kind, how, form, text)
				}
			}
		}
	}
}

// formsOf are the ways in which a secret may appear: as text, in hexadecimal, as numbers, in base64. Its middle will
// do.
func formsOf(secret string) []string {
	middle := []byte(secret[len(secret)/4 : len(secret)/4+8])
	numbers := strings.Trim(fmt.Sprintf("%d", middle), "[]")
	return []string{
		string(middle), hex.EncodeToString(middle), strings.ToUpper(hex.EncodeToString(middle)), numbers,
		base64.StdEncoding.EncodeToString([]byte(secret))[:20],
	}
}

func (st *site) print(c *Call, when string, into map[string]string) {
	ctx := c.Context
	if c.Request != nil { // a framework's own context prints what the framework lets it
		ctx = c.Request.Context()
	}
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	timed, stop := context.WithTimeout(ctx, time.Hour)
	defer stop()
	things := map[string]any{
		"context": ctx, "cancel context": cancelled, "timeout context": timed,
		"value context":    context.WithValue(ctx, &cancel, 1),
		"detached context": context.WithoutCancel(ctx), "session": c.Session, "manager": st.manager,
	}
	if c.Writer != nil {
		things["writer"], things["request"] = c.Writer, c.Request
	}
	if x := st.exchangeOf(c); x != nil {
		things["exchange"] = x
	}
	for name, thing := range things {
		for how, text := range printedForms(thing) {
			into[when+" "+name+" "+how] = text
		}
	}
}

// printedForms prints a thing by itself and inside of others.
func printedForms(thing any) map[string]string {
	forms := map[string]string{}
	wrapped := struct {
		Shown  any
		hidden any
	}{thing, thing}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%e", "%c", "%U"} {
		forms[verb] = fmt.Sprintf(verb, thing)
		forms["struct "+verb] = fmt.Sprintf(verb, wrapped)
		forms["pointer "+verb] = fmt.Sprintf(verb, &wrapped)
		forms["slice "+verb] = fmt.Sprintf(verb, []any{thing})
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "thing", thing)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "thing", thing)
	data, _ := json.Marshal(thing) // what cannot be encoded tells nothing
	forms["log"], forms["JSON"] = log.String(), string(data)
	return forms
}
