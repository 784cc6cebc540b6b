package secret

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

const generators = `apiVersion: secretgen.k14s.io/v1alpha1
kind: Certificate
metadata: {name: leaf}
spec:
  caRef: {name: inter}
  alternativeNames: [app.shop.svc, 10.0.0.1]
  duration: 30
---
apiVersion: secretgen.k14s.io/v1alpha1
kind: Certificate
metadata: {name: inter}
spec: {isCA: true, caRef: {name: root}, commonName: inter}
---
apiVersion: secretgen.k14s.io/v1alpha1
kind: Certificate
metadata: {name: root}
spec: {isCA: true, organization: tug}
---
apiVersion: secretgen.k14s.io/v1alpha1
kind: Password
metadata: {name: db, namespace: shop, labels: {app: db}}
spec:
  length: 64
  digits: 10
  symbols: 12
  symbolCharSet: "#+"
  uppercaseLetters: 11
  lowercaseLetters: 13
  secretTemplate:
    type: Opaque
    metadata: {labels: {made: "yes"}, annotations: {note: x}}
    stringData: {url: "postgres://db:$(value)@db/$(other)?a=$$(value)", user: db}
---
apiVersion: secretgen.k14s.io/v1alpha1
kind: Password
metadata: {name: plain}
---
apiVersion: secretgen.k14s.io/v1alpha1
kind: RSAKey
metadata: {name: rsa}
---
apiVersion: secretgen.k14s.io/v1alpha1
kind: SSHKey
metadata: {name: ssh}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
`

// generated makes all Secrets of the text above.
func generated(t *testing.T) map[string]map[string]any {
	t.Helper()
	list, err := Generators("g.yaml", []byte(generators))
	if err != nil {
		t.Fatal(err)
	}
	if list, err = InOrder(list); err != nil || len(list) != 7 {
		t.Fatalf("%d generators, %v", len(list), err)
	}
	out, plain := map[string]map[string]any{}, map[string][]byte{}
	for _, g := range list {
		var ca CertificateKey
		if g.CA() != "" {
			if ca, err = ReadCA(g.CA(), plain[g.CA()]); err != nil {
				t.Fatal(err)
			}
		}
		text, err := g.Generate(time.Now(), ca)
		if err != nil {
			t.Fatal(err)
		}
		plain[g.Name] = text
		docs, err := object.ReadDocuments(g.Name, text)
		if err != nil {
			t.Fatal(err)
		}
		out[g.Name] = docs[0].Fields
		if inputs, ok := GeneratedFrom(g.Name, text); !ok || inputs != g.Inputs(ca.Certificate) {
			t.Errorf("%s: inputs %q", g.Name, inputs)
		}
	}
	return out
}

func value(t *testing.T, o map[string]any, key string) string {
	t.Helper()
	data, _ := o["stringData"].(map[string]any)
	text, ok := data[key].(string)
	if !ok {
		t.Fatalf("no %s", key)
	}
	return text
}

func certificate(t *testing.T, o map[string]any) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(value(t, o, "crt.pem")))
	if block == nil {
		t.Fatal("no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	made := generated(t)
	roots, inters := x509.NewCertPool(), x509.NewCertPool()
	root, leaf := certificate(t, made["root"]), certificate(t, made["leaf"])
	roots.AddCert(root)
	inters.AddCert(certificate(t, made["inter"]))
	for _, name := range []string{"app.shop.svc", "10.0.0.1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: inters, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if root.Subject.Organization[0] != "tug" || leaf.Subject.Organization[0] != "secretgen" || leaf.IsCA {
		t.Errorf("subjects %v, %v", root.Subject, leaf.Subject)
	}
	if days := leaf.NotAfter.Sub(leaf.NotBefore).Hours() / 24; days != 30 {
		t.Errorf("%v days", days)
	}
	if _, _, err := (CertificateKey{value(t, made["root"], "crt.pem"), value(t, made["root"], "key.pem")}).parse(); err != nil {
		t.Error(err)
	}

	db := made["db"]
	url := value(t, db, "url")
	password := strings.TrimSuffix(strings.TrimPrefix(url, "postgres://db:"), "@db/$(other)?a=$(value)")
	counts := map[string]int{}
	for _, c := range password {
		switch {
		case strings.ContainsRune("#+", c):
			counts["symbols"]++
		case c >= '0' && c <= '9':
			counts["digits"]++
		case c >= 'A' && c <= 'Z':
			counts["upper"]++
		default:
			counts["lower"]++
		}
	}
	if len(password) != 64 || counts["symbols"] != 12 || counts["digits"] < 10 || counts["upper"] < 11 || counts["lower"] < 13 {
		t.Errorf("%d characters of %q: %v", len(password), url, counts)
	}
	o := object.Object{Fields: db}
	if db["type"] != "Opaque" || o.Namespace() != "shop" || o.Label("app") != "db" || o.Label("made") != "yes" || o.Annotation("note") != "x" {
		t.Errorf("Secret %v", db["metadata"])
	}
	if p := value(t, made["plain"], "password"); len(p) != 40 || made["plain"]["type"] != "kubernetes.io/basic-auth" {
		t.Errorf("%q, %v", p, made["plain"]["type"])
	}
	private, err := ssh.ParsePrivateKey([]byte(value(t, made["ssh"], "ssh-privatekey")))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(ssh.MarshalAuthorizedKey(private.PublicKey())); got != value(t, made["ssh"], "ssh-authorizedkey") {
		t.Errorf("authorized key %s", got)
	}
	if !strings.HasPrefix(value(t, made["rsa"], "pub.pem"), "-----BEGIN PUBLIC KEY") || !strings.HasPrefix(value(t, made["rsa"], "key.pem"), "-----BEGIN RSA PRIVATE") {
		t.Error("RSA key")
	}
}

func TestGeneratorsRefuse(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"kind: Password, spec: {lenght: 3}":                                        "unknown field spec.lenght",
		"kind: Password, spec: {length: -1}":                                       "length is -1",
		"kind: Password, spec: {length: x}":                                        "spec of Password x",
		"kind: Password, spec: [x]":                                                "no map",
		"kind: Certificate, spec: {}":                                              "neither caRef nor isCA",
		"kind: Certificate, spec: {isCA: true, caRef: {name: x}}":                  "names no other",
		"kind: Certificate, spec: {caRef: {name: other}, extendedKeyUsage: [fly]}": `"fly" is neither`,
		"kind: Certificate, spec: {caRef: {name: other}, duration: 99999}":         "99999 days",
		"kind: SSHKey, spec: {length: 3}":                                          "unknown field spec.length",
	} {
		_, err := Generators("g.yaml", []byte("{apiVersion: secretgen.k14s.io/v1alpha1, metadata: {name: x}, "+spec+"}"))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", spec, err)
		}
	}
	circle := ""
	for _, pair := range []string{"ab", "bc", "ca"} {
		circle += "---\n{apiVersion: secretgen.k14s.io/v1alpha1, kind: Certificate, metadata: {name: " + pair[:1] + "}, spec: {isCA: true, caRef: {name: " + pair[1:] + "}}}\n"
	}
	list, err := Generators("g.yaml", []byte(circle))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := InOrder(list); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "circle") {
		t.Errorf("circle: %v", err)
	}
}

func TestChangedInputs(t *testing.T) {
	t.Parallel()
	a := Generator{Kind: "Password", spec: generatorSpec{Digits: 1, Symbols: 2}}
	b := Generator{Kind: "Password", spec: generatorSpec{Digits: 2, UppercaseLetters: 1}}
	if diff := cmp.Diff([]string{"digits", "symbols", "the certificate of its CA", "uppercaseLetters"}, ChangedInputs(a.Inputs(""), b.Inputs("x"))); diff != "" {
		t.Error(diff)
	}
}
