package render_test

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/render"
)

func TestKeysReadBack(t *testing.T) {
	t.Parallel()
	for _, c := range []render.Call{
		{Function: "uuidv4", N: 1},
		{Function: "randAlphaNum", Args: []string{"16"}, N: 3},
		{Function: "randInt", Args: []string{"-5", "10"}, N: 12},
		{Function: "htpasswd", Args: []string{"ann@example.org", "0123456789abcdef"}, N: 1},
	} {
		got, err := render.ParseCall(c.Key())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, got); d != "" {
			t.Errorf("%s: %s", c.Key(), d)
		}
	}
	for _, bad := range []string{"", "f", "f()", "f()#", "f(()#1", "f(a)#x"} {
		if _, err := render.ParseCall(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// Placeholders have the form of the value they stand for.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	generate := render.Placeholders()
	for key, form := range map[string]string{
		"randAlphaNum(16)#1":     `^[A-Za-z0-9]{16}$`,
		"randAlphaNum(1)#12":     `^[A-Za-z0-9]$`,
		"randAlphaNum(0)#1":      `^$`,
		"randAlphaNum(-4)#1":     `^$`,
		"randAlpha(7)#30":        `^[A-Za-z]{7}$`,
		"randNumeric(5)#2":       `^[1-9][0-9]{4}$`,
		"randAscii(9)#1":         `^[ -~]{9}$`,
		"shuffle(4,00ff)#1":      `^.{4}$`,
		"uuidv4()#7":             `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"randInt(3,5)#4":         `^[34]$`,
		"randInt(-5,-4)#9":       `^-5$`,
		"bcrypt(00ff)#1":         `^\$2a\$10\$[./A-Za-z0-9]{53}$`,
		"htpasswd(ann,00ff)#1":   `^ann:\$2a\$10\$[./A-Za-z0-9]{53}$`,
		"genPrivateKey(ecdsa)#1": `^-----BEGIN EC PRIVATE KEY-----\n`,
		"genCA(00ff)#1":          `^\{"Cert":"-----BEGIN CERTIFICATE-----`,
		"now()#1":                `^$`,
	} {
		got, err := generate(key, fresh("real"))
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if !regexp.MustCompile(form).MatchString(got) {
			t.Errorf("%s: %q has not the form %s", key, got, form)
		}
		again, _ := generate(key, fresh("real"))
		if got != again {
			t.Errorf("%s: %q, then %q", key, got, again)
		}
	}
	if data, _ := generate("randBytes(12)#1", fresh("")); len(mustDecode(t, data)) != 12 {
		t.Errorf("randBytes 12 gives %q", data)
	}
	if _, err := generate("randInt(5,5)#1", fresh("")); err == nil {
		t.Error("randInt 5 5 has a value")
	}
}

// Calls that differ in their number differ in value wherever it fits.
func TestPlaceholdersDiffer(t *testing.T) {
	t.Parallel()
	generate := render.Placeholders()
	for _, call := range []string{"randAlphaNum(8)", "randAlpha(8)", "randNumeric(8)", "uuidv4()", "genCA(ff)", "bcrypt(ff)", "randBytes(8)"} {
		seen := map[string]int{}
		for n := 1; n < 800; n++ {
			v, err := generate(call+"#"+strconv.Itoa(n), nil)
			if err != nil {
				t.Fatal(err)
			}
			if first, ok := seen[v]; ok {
				t.Fatalf("%s: calls %d and %d give %q", call, first, n, v)
			}
			seen[v] = n
		}
	}
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	previous := map[string]string{"randAlphaNum(4)#1": "kept", "randAlphaNum(4)#9": "dropped"}
	into := map[string]string{}
	generate := render.Recorded(previous, into)
	for _, key := range []string{"randAlphaNum(4)#1", "randAlphaNum(4)#2", "randAlphaNum(4)#1"} {
		if _, err := generate(key, fresh("new")); err != nil {
			t.Fatal(err)
		}
	}
	// The third call repeats a key: a second chart of the same app.
	want := map[string]string{"randAlphaNum(4)#1": "kept", "randAlphaNum(4)#2": "new", "randAlphaNum(4)#1/2": "new"}
	if d := cmp.Diff(want, into); d != "" {
		t.Error(d)
	}
	failing := func() (string, error) { return "", errors.New("no entropy") }
	if _, err := generate("uuidv4()#1", failing); err == nil {
		t.Error("an error of the fresh value is lost")
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	if v, err := render.Fresh()("uuidv4()#1", fresh("real")); v != "real" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
}

func fresh(value string) func() (string, error) {
	return func() (string, error) { return value, nil }
}

func mustDecode(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
