package fromdjango

import "context"

// For the vectors of Django's signing, of which sessions are one use.
var (
	Signature    = signature
	Base62       = base62
	FormatBase62 = formatBase62
)

// PasswordOf is what Config.Users does for an importer.
func PasswordOf(ctx context.Context, u Users, id string) (string, error) {
	hash, err := u.passwordHash()
	if err != nil {
		return "", err
	}
	return hash(ctx, id)
}
