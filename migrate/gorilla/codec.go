package fromgorilla

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/securecookie"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// newCodecs makes a codec of each key pair, as securecookie.CodecsFromPairs does. They check signatures and decrypt;
// the rest is done here, after them.
func newCodecs(c Config) ([]*securecookie.SecureCookie, error) {
	var codecs []*securecookie.SecureCookie
	for pair := range slices.Chunk(c.KeyPairs, 2) {
		var block []byte
		if len(pair) == 2 {
			block = slices.Clone(pair[1])
		}
		codec := securecookie.New(slices.Clone(pair[0]), block).
			MaxAge(0).MaxLength(0).SetSerializer(securecookie.NopEncoder{})
		if c.Hash != nil {
			codec.HashFunc(c.Hash)
		}
		if _, err := codec.Encode(c.Cookie, []byte{}); err != nil {
			return nil, fmt.Errorf("fromgorilla: Config.KeyPairs: pair %d: %w", len(codecs)+1, err)
		}
		codecs = append(codecs, codec)
	}
	if len(codecs) == 0 {
		return nil, errors.New("fromgorilla: Config.KeyPairs: give the keys that the sessions were signed with")
	}
	return codecs, nil
}

// open checks a cookie's signature and then its age, and gives what it holds to read. Key pairs that share a hash key
// and differ in the block key are told apart by what read accepts.
func (f *format) open(value string, read func(payload []byte) error) (written time.Time, err error) {
	date, err := f.shape(value)
	if err != nil {
		return time.Time{}, err
	}
	refused := strict.Refused(session.ReasonUnopenable, "the signature is by none of the keys")
	for _, codec := range f.codecs {
		var payload []byte
		err := codec.Decode(f.Cookie, value, &payload)
		if errors.Is(err, securecookie.ErrMacInvalid) {
			continue
		}
		if err != nil {
			refused = strict.Refused(session.ReasonCorrupt, "signed, and cannot be decrypted")
			continue
		}
		if written, err = f.judge(date); err != nil {
			return time.Time{}, err
		}
		if refused = read(payload); refused == nil {
			return written, nil
		}
	}
	return time.Time{}, refused
}

// shape returns the date of a value, which is base64 of date|payload|signature. Nothing is to be believed before the
// signature has been checked.
func (f *format) shape(value string) (date string, err error) {
	if len(value) > f.MaxLength {
		return "", strict.Refused(session.ReasonOversized, "longer than %d bytes", f.MaxLength)
	}
	text, err := strict.PaddedBase64URL(value)
	if err != nil {
		return "", strict.Refused(session.ReasonMalformed, "%v", err)
	}
	parts := bytes.SplitN(text, []byte("|"), 3)
	if len(parts) != 3 {
		return "", strict.Refused(session.ReasonMalformed, "not date, payload and signature")
	}
	return string(parts[0]), nil
}

// judge reads a signed date, in seconds since 1970, and judges its age as securecookie does.
func (f *format) judge(date string) (written time.Time, err error) {
	seconds, err := strconv.ParseInt(date, 10, 64)
	if err != nil {
		return time.Time{}, strict.Refused(session.ReasonCorrupt, "signed, and has no date")
	}
	written, now := time.Unix(seconds, 0), f.Now()
	switch {
	case written.After(now.Add(strict.Skew)):
		return time.Time{}, strict.Refused(session.ReasonUnopenable, "its date is in the future")
	case f.MaxAge >= 0 && seconds < now.Unix()-int64(f.MaxAge/time.Second):
		return time.Time{}, strict.Refused(session.ReasonExpiredIdle, "written more than %s ago", f.MaxAge)
	}
	return written, nil
}
