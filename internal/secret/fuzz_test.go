package secret

import (
	"bytes"
	"strings"
	"testing"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// seeds are encrypted files of every format, and texts that look like some.
func seeds(f *testing.F) (keys Keys) {
	f.Helper()
	recipient, keys := newAge(f)
	for name, plain := range map[string]string{
		"s.yaml": "a: one\nb: [1, {c: true}]\n---\nd: two\n", "s.json": `{"a": {"b": [1, null]}}`, "s.env": "# c\nA=one\n",
		"s.ini": "[x]\na = one\n", "s.bin": "text", "s.txt": "text",
	} {
		f.Add(name, sopsEncrypt(f, FormatOf(name, nil), plain, sops.Metadata{}, recipient))
	}
	f.Add("s.yaml", []byte("a: &a [*a]\nsops:\n  mac: ENC[AES256_GCM,data:x]\n  lastmodified: x\n"))
	f.Add("s.yaml", []byte(bomb()+"sops: {mac: 'ENC[AES256_GCM,', lastmodified: '2020-01-02T03:04:05Z'}\n"))
	f.Add("s.yaml", []byte("sops: {mac: 'ENC[AES256_GCM,', lastmodified: '2020-01-02T03:04:05Z', age: [{recipient: x, enc: y}], shamir_threshold: 99}\n"))
	f.Add("s.json", []byte(`{"sops": {"mac": "ENC[AES256_GCM,", "lastmodified": 3, "key_groups": [{"age": 3}]}}`))
	f.Add("s.env", []byte("sops_mac=ENC[AES256_GCM,\nsops_lastmodified=x\nsops_age__list_0__map_enc=x\n"))
	f.Add("s.env", []byte("sops_mac=ENC[AES256_GCM,\nsops_lastmodified=2020-01-02T03:04:05Z\nsops_age__list_999999999__map_enc=x\n"))
	return keys
}

// FuzzParse reads, decrypts, compares and outlines whatever a repository may
// hold: it ends, and gives a fault or a result.
func FuzzParse(f *testing.F) {
	keys := seeds(f)
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		parsed, err := parse(name, data)
		check(t, err)
		if err != nil || parsed == nil {
			return
		}
		plain, err := Decrypt(t.Context(), name, data, keys)
		check(t, err)
		if err == nil && bytes.Contains(plain.Data, []byte("ENC[AES256_GCM,data:")) && len(parsed.parts) == 1 {
			t.Skip() // a value may be such a text itself
		}
		_, err = Outline(name, data)
		check(t, err)
		_, err = NewComparison(&keys).Compare(t.Context(), name, nil, data)
		check(t, err)
		if o, err := Open(t.Context(), name, data, keys); err == nil {
			if text, err := o.Plain(); err == nil {
				_, err = o.Replace(text)
				check(t, err)
			}
		} else {
			check(t, err)
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil && fault.KindOf(err) == fault.Internal {
		t.Errorf("not a fault: %v", err)
	}
}

// FuzzEncrypt encrypts text that a person may give, and reads it back.
func FuzzEncrypt(f *testing.F) {
	recipient, keys := newAge(f)
	rule, err := FindRule("s.yaml", RuleOptions{Recipients: Recipients{Age: recipient}})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"a: one\n", "# c\na: [x, y] # d\n", "a: |\n  x\n\n  y\n", "a: 0x1F\nb: 1e3\nc: 2020-01-02\n", "A=b\n", "[x]\ny = z\n", `{"a": 1.50}`, "a: 18446744073709551615\n", "'': x\n", "a: !!binary aGk=\n"} {
		for _, name := range []string{"s.yaml", "s.json", "s.env", "s.ini", "s.bin"} {
			f.Add(name, []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, name string, plain []byte) {
		e, err := Encrypt(t.Context(), name, plain, rule, nil, keys)
		check(t, err)
		if err != nil {
			return
		}
		if _, err := Decrypt(t.Context(), name, e.Data, keys); err != nil && FormatOf(name, nil) != INI && FormatOf(name, nil) != Dotenv {
			t.Errorf("cannot be read back: %v\n%q\n%s", err, plain, e.Data)
		}
	})
}

// FuzzPlain looks for secrets in any text, without ever quoting one.
func FuzzPlain(f *testing.F) {
	f.Add("s.yaml", []byte("apiVersion: v1\nkind: Secret\ndata: {a: aGk=}\n"))
	f.Add("kustomization.yaml", []byte("secretGenerator: [{literals: [a=b]}]\n"))
	f.Add("x", []byte("-----BEGIN PRIVATE KEY-----\n"+strings.Repeat("MIIEpAIBAAKCAQEA", 4)))
	f.Add("s.yaml", []byte("Secret: &a {items: *a}\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		for _, l := range Plain(name, data) {
			if l.Source.Line < 1 || l.Source.Line > 1+bytes.Count(data, []byte("\n")) || l.What == "" {
				t.Errorf("%+v", l)
			}
		}
	})
}

// FuzzPath reads paths, and writes them so that they are read the same.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a.b[0]", `["a"]['b']`, `a\.b`, "[0]", `a["\"]`, "0.0 \x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePath(text)
		if err != nil || strings.ContainsAny(text, "\\\"'") {
			return
		}
		again, err := ParsePath(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q is %q is %v, %v", text, p.String(), again, err)
		}
	})
}
