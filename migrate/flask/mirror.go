package fromflask

import (
	"context"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Mirror says how a login here becomes one in Flask. What the visitor had in his session there while nobody was logged
// in stays in it, but for Flask-Session's in MessagePack.
type Mirror struct {
	// User turns this package's subject, like "user:42", into what Flask knows the user by: for Flask-Login the text that
	// get_id returns, "42". Nil means the subject as it is. session.ErrNotFound says that Flask does not know the subject,
	// who is then logged in here alone. Any other error fails the login.
	User func(ctx context.Context, subject string) (id any, err error)
	// Client returns the address of whoever has sent the request and its header User-Agent, as Flask sees them, for
	// Flask-Login's SESSION_PROTECTION. Without it Flask-Login takes the login as not fresh, and if that setting is
	// "strong" and Permanent is not set, not at all. It is called with the request's context.
	Client func(ctx context.Context) (address, userAgent string)
	// Permanent is session.permanent: the cookie lasts for Config.Lifetime instead of until the browser closes.
	// Flask-Session sets it unless SESSION_PERMANENT is off.
	Permanent bool
	// JSON is SESSION_SERIALIZATION_FORMAT "json", for Flask-Session. Otherwise it is "msgpack".
	JSON bool
}

// Flask-Login's names, and Flask's.
const (
	loginUser   = "_user_id"
	loginFresh  = "_fresh"
	loginClient = "_id"
	permanent   = "_permanent"
)

// values are those of a new login, in the types of package json.
func (p *prepared) values(ctx context.Context, f session.Foreign) (map[string]any, error) {
	var id any = f.Subject
	if p.Mirror.User != nil {
		var err error
		if id, err = p.Mirror.User(ctx, f.Subject); err != nil {
			return nil, err
		}
	}
	values := maps.Clone(f.Values)
	if values == nil {
		values = map[string]any{}
	}
	delete(values, permanent)
	if p.Mirror.Permanent {
		values[permanent] = true
	}
	values[p.User] = id
	if p.User == loginUser {
		values[loginFresh] = true
		delete(values, loginClient)
		if p.Mirror.Client != nil {
			values[loginClient] = clientID(p.Mirror.Client(ctx))
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("fromflask: a value cannot be JSON: %w", err)
	}
	parsed, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("fromflask: a value cannot be JSON: %w", err)
	}
	values, _ = parsed.(map[string]any) // as it was
	return values, nil
}

// clientID is how Flask-Login recognizes a client.
func clientID(address, userAgent string) string {
	if first, _, _ := strings.Cut(address, ","); first != "" {
		address = pythonBytes(strings.TrimSpace(first))
	}
	if userAgent != "" {
		agent := make([]rune, 0, len(userAgent))
		for _, b := range []byte(userAgent) { // a header's bytes are characters of Latin-1 there
			agent = append(agent, rune(b))
		}
		userAgent = pythonBytes(string(agent))
	}
	fill(&address, "None")
	fill(&userAgent, "None")
	sum := sha512.Sum512([]byte(address + "|" + userAgent))
	return hex.EncodeToString(sum[:])
}

// pythonBytes is how Python shows bytes, which Flask-Login hashes.
func pythonBytes(text string) string {
	quote := `'`
	if strings.Contains(text, `'`) && !strings.Contains(text, `"`) {
		quote = `"`
	}
	var b strings.Builder
	b.WriteString("b" + quote)
	for _, c := range []byte(text) {
		switch {
		case c == quote[0] || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + quote
}

// cookieMirror writes Flask's own cookies.
type cookieMirror struct{ *prepared }

// Login makes a cookie.
func (m cookieMirror) Login(ctx context.Context, old string, f session.Foreign) (string, error) {
	values, err := m.values(ctx, f)
	if err != nil {
		return "", err
	}
	escaped, _ := tagged(values).(map[string]any) // an object still: it has more than a tag
	m.keep(escaped, m.begun(old))
	return m.sealTagged(escaped), nil
}

// begun are the values of a session, with Flask's tags.
func (m cookieMirror) begun(old string) map[string]any {
	body, _, err := m.unsealed(old)
	if err != nil {
		return nil
	}
	text, err := plain(body)
	if err != nil {
		return nil
	}
	if _, err := untagged(text); err != nil {
		return nil
	}
	value, _ := parse(text) // untagged has
	begun, _ := value.(map[string]any)
	return begun
}

// keep adds to a login's values those of a session in which nobody was logged in, as Flask does when somebody logs in.
func (p *prepared) keep(values, begun map[string]any) {
	if begun[p.User] != nil {
		return
	}
	for name, value := range begun {
		_, has := values[name]
		if !has && name != loginClient && name != permanent {
			values[name] = value
		}
	}
}

// Logout has nothing to do: the session is in the cookie, of which Flask keeps no record.
func (cookieMirror) Logout(context.Context, string) error { return nil }

// written are Flask-Session's sessions, for a mirror.
type written interface {
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	Delete(ctx context.Context, key string) error
}

// serverMirror writes Flask-Session's sessions.
type serverMirror struct {
	server
	written written
}

func (m serverMirror) Login(ctx context.Context, old string, f session.Foreign) (string, error) {
	values, err := m.values(ctx, f)
	if err != nil {
		return "", err
	}
	begun, err := m.begun(ctx, old)
	if err != nil {
		return "", err
	}
	m.keep(values, begun)
	data, err := m.encode(values)
	if err != nil {
		return "", err
	}
	id := newID()
	if err := m.written.Set(ctx, m.Prefix+id, data, m.Lifetime); err != nil {
		return "", err
	}
	if len(m.signers) > 0 {
		id = m.signers[0].sign(id)
	}
	return id, nil
}

// begun are the values of a session in JSON. MessagePack may have what JSON cannot tell from a text.
func (m serverMirror) begun(ctx context.Context, old string) (map[string]any, error) {
	id, err := m.id(old)
	if err != nil || !m.Mirror.JSON {
		return nil, nil //nolint:nilerr // there is no session
	}
	data, _, err := m.get(ctx, m.Prefix+id)
	if err != nil {
		if errors.Is(err, session.ErrNotFound) {
			err = nil
		}
		return nil, err
	}
	if _, err := strict.Object(data); err != nil {
		return nil, nil //nolint:nilerr // likewise
	}
	value, err := parse(data)
	begun, _ := value.(map[string]any)
	return begun, err
}

// Logout deletes a session. A value that no session can have needs nothing.
func (m serverMirror) Logout(ctx context.Context, value string) error {
	id, err := m.id(value)
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	return m.written.Delete(ctx, m.Prefix+id)
}

func (m serverMirror) encode(values map[string]any) ([]byte, error) {
	if m.Mirror.JSON {
		return compact(values)
	}
	return pack(nil, values)
}

// newID is an id as Flask-Session makes them.
func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
