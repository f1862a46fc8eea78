package fromdjango_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
)

func TestSigningVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/django-signing-5.2.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name   string `json:"name"`
			Secret any    `json:"secret_key"`
			Salt   string `json:"salt"`
			Signed string `json:"signed"`
		} `json:"vectors"`
		Base62 []struct {
			Int int64  `json:"int"`
			B62 string `json:"b62"`
		} `json:"base62"`
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) == 0 || len(file.Base62) == 0 {
		t.Fatalf("%v", err)
	}
	for _, v := range file.Vectors {
		secret, ok := v.Secret.(string)
		if !ok || v.Name == "Signer-sha1" {
			continue // a key that JSON cannot have, and the signature of before Django 3.1
		}
		end := strings.LastIndexByte(v.Signed, ':')
		if got := fromdjango.Signature(v.Salt, secret, v.Signed[:end]); got != v.Signed[end+1:] {
			t.Errorf("%s: %s", v.Name, got)
		}
	}
	for _, v := range file.Base62 {
		if n, ok := fromdjango.Base62(v.B62); !ok || n != v.Int {
			t.Errorf("%s is %d, not %d", v.B62, n, v.Int)
		}
		if s := fromdjango.FormatBase62(v.Int); s != v.B62 && v.Int != 0 {
			t.Errorf("%d is %s, not %s", v.Int, v.B62, s)
		}
	}
}
