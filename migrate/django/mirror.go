package fromdjango

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// mirror makes Django's sessions, as its login and logout do.
type mirror struct {
	Config
	place
}

// Login implements session.Mirror. As in Django, the values of a session in which nobody was logged in come along, and
// those of another one do not.
func (m mirror) Login(ctx context.Context, old string, f session.Foreign) (string, error) {
	values, err := m.login(ctx, f)
	if err != nil {
		return "", err
	}
	begun, err := m.begun(ctx, old)
	if err != nil {
		return "", err
	}
	for name, value := range begun {
		if _, has := values[name]; !has {
			values[name] = value
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("fromdjango: a value cannot be JSON: %w", err)
	}
	return m.save(ctx, ascii(text), m.ends(f))
}

// begun are the values of a session in which nobody is logged in.
func (m mirror) begun(ctx context.Context, old string) (map[string]any, error) {
	s, err := m.open(ctx, old)
	if refused, _ := errors.AsType[*session.NotImportedError](err); refused != nil || errors.Is(err, session.ErrNotFound) {
		return nil, nil //nolint:nilerr // there is no session
	}
	if err != nil {
		return nil, err
	}
	values, err := strict.Object(s.json)
	if err != nil || values[keyUser] != nil {
		return nil, nil //nolint:nilerr // likewise
	}
	for _, name := range []string{keyCSRF, keyTest} { // Django makes a new one at a login
		delete(values, name)
	}
	return values, nil
}

// Logout implements session.Mirror.
func (m mirror) Logout(ctx context.Context, value string) error { return m.remove(ctx, value) }

// login adds to f's values what Django knows a login by.
func (m mirror) login(ctx context.Context, f session.Foreign) (map[string]any, error) {
	id, err := m.UserID(ctx, f.Subject)
	if err != nil {
		return nil, fmt.Errorf("fromdjango: Config.UserID: %w", err)
	}
	hash := ""
	if !m.AnyPassword {
		password, err := m.PasswordHash(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("fromdjango: asking for the user's password hash: %w", err)
		}
		hash = authHash(m.Secrets[0], password)
	}
	values := map[string]any{}
	for name, value := range f.Values {
		if !slices.Contains(reserved, name) {
			values[name] = value
		}
	}
	values[keyUser], values[keyBackend], values[keyHash] = id, m.AuthBackend, hash
	return values, nil
}

// ends is when the session ends if Django does not write it again.
func (m mirror) ends(f session.Foreign) time.Time {
	ends := m.Now().Add(m.Age)
	if !f.Deadline.IsZero() && f.Deadline.Before(ends) {
		return f.Deadline
	}
	return ends
}

// ascii escapes what is not ASCII in JSON, which only texts have.
func ascii(text []byte) []byte {
	if !slices.ContainsFunc(text, func(b byte) bool { return b >= utf8.RuneSelf }) {
		return text
	}
	var out []byte
	for _, r := range string(text) {
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > '\uffff':
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
