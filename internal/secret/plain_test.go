package secret

import (
	"fmt"
	"strings"
	"testing"

	"github.com/getsops/sops/v3"
	"github.com/google/go-cmp/cmp"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	recipient, _ := newAge(t)
	encrypted := string(sopsEncrypt(t, YAML, "apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\nstringData:\n    password: hunter22\n",
		sops.Metadata{EncryptedRegex: "^(data|stringData)$"}, recipient))
	random := "q7Rf2kXw9ZpLm3Vt8YbNc5Hd1JgSa4Eu6TyQ"
	for _, c := range []struct {
		name, file, data string
		want             []string
	}{
		{"values of a Secret", "s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  a: aHVudGVyMjI=\nstringData:\n  b: hunter22\n", []string{"5 Secret db: data.a", "7 Secret db: stringData.b"}},
		{"placeholders", "s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  a: \"\"\n  b: Q0hBTkdFTUU=\nstringData:\n  c: ${PASSWORD}\n  d: \"{{ .Values.x }}\"\n  e: <password>\n  f: change-me\n  g: null\n", nil},
		{"encrypted", "s.yaml", encrypted, nil},
		{"in a list", "s.json", `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"},"stringData":{"a":"hunter22"}}]}`, []string{"1 Secret x: stringData.a"}},
		{"second document", "s.yaml", "a: b\n---\napiVersion: v1\nkind: Secret\nstringData:\n  a: hunter22\n", []string{"6 Secret: stringData.a"}},
		{"another group's Secret", "s.yaml", "apiVersion: x.dev/v1\nkind: Secret\ndata:\n  a: hunter22\n", nil},
		{"secretTemplate of secretgen", "s.yaml", "apiVersion: secretgen.k14s.io/v1alpha1\nkind: Password\nspec:\n  secretTemplate:\n    stringData:\n      password: $(value)\n", nil},
		{"secretGenerator", "kustomization.yaml", "secretGenerator:\n- name: db\n  literals:\n  - user=${USER}\n  - password=hunter22\n", []string{"5 secretGenerator db: literal password"}},
		{"private key", "any.txt", "x\n-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA", 4) + "\n", []string{"2 a private key"}},
		{"private key in JSON", "account.json", `{"private_key": "-----BEGIN PRIVATE KEY-----\n` + strings.Repeat("MIIEpAIBAAKCAQEA", 4) + `\n"}`, []string{"1 a private key"}},
		{"private key spoken of", "README.md", "it begins with -----BEGIN RSA PRIVATE KEY----- and ends\n", nil},
		{"public key", "pub.pem", "-----BEGIN PUBLIC KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA", 4) + "\n", nil},
		{"tokens", "ci.sh", "A=ghp_" + random + "\nB=glpat-" + random[:20] + "\nC=AKIAQ7RF2KXW5ZPLM3VT\n", []string{"1 a GitHub token", "2 a GitLab token", "3 an AWS access key"}},
		{"examples of tokens", "README.md", "AKIAIOSFODNN7EXAMPLE ghp_" + strings.Repeat("x", 36) + "\n", nil},
		{"binary", "x.bin", "\x00AKIAQ7RF2KXW5ZPLM3VT", nil},
		{"not YAML", "t.yaml", "kind: Secret\n{{- if x }}\ndata: [\n", nil},
		{"alias bomb", "b.yaml", "Secret: &a [x,x,x,x,x,x,x,x,x,x]\n" + bomb(), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, l := range Plain(c.file, []byte(c.data)) {
				got = append(got, fmt.Sprintf("%d %s", l.Source.Line, l.What))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// bomb is YAML that expands a, eight times tenfold.
func bomb() string {
	var b strings.Builder
	for c := 'b'; c < 'j'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 10), ","))
	}
	return b.String()
}

func TestPlainIsNotFooledByPasswordsThatLookLikePlaceholders(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int{
		"my-S3cr3tP4ss!": 1, "ENC[hunter22": 1, "pa{{ss9": 1, "put-1t-th3re": 1,
		"changeme": 0, "{{ .Values.password }}": 0, "your-password": 0, "<token>": 0,
		"ENC[AES256_GCM,data:YQ==,iv:Yg==,tag:Yw==,type:str]": 0,
	} {
		file := "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: '" + value + "'\n"
		if got := len(Plain("a.yaml", []byte(file))); got != want {
			t.Errorf("%s: %d leaks, want %d", value, got, want)
		}
	}
}
