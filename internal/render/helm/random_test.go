package helm_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
)

// everything calls every function whose result differs from call to call.
const everything = `
{{- $ca := genCA "ca" 365 }}
{{- $key := genPrivateKey "ecdsa" }}
{{- $custom := buildCustomCert (b64enc $ca.Cert) (b64enc $ca.Key) }}
{{- $signed := genSignedCert "web" (list "10.0.0.1") (list "web.shop") 90 $ca }}
{{- $byCustom := genSignedCert "web" nil nil 90 $custom }}
{{- $self := genSelfSignedCert "web" nil (list "web.shop") 90 }}
apiVersion: v1
kind: Secret
metadata:
  name: random
stringData:
  alphanum: {{ randAlphaNum 10 | quote }}
  again: {{ randAlphaNum 10 | quote }}
  alpha: {{ randAlpha 10 | quote }}
  numeric: {{ randNumeric 10 | quote }}
  ascii: {{ randAscii 10 | quote }}
  bytes: {{ randBytes 12 | quote }}
  encoded: {{ randAlphaNum 10 | b64enc | quote }}
  int: "{{ randInt 10 20 | int | add 1 }}"
  shuffled: {{ shuffle "abcdef" | quote }}
  uuid: {{ uuidv4 | quote }}
  hash: {{ bcrypt "hunter2" | quote }}
  user: {{ htpasswd "ann" "hunter2" | quote }}
  secret: {{ encryptAES "key" "text" | quote }}
  key: {{ $key | quote }}
  ca: {{ $ca.Cert | quote }}
  caKey: {{ $ca.Key | quote }}
  caWithKey: {{ (genCAWithKey "ca" 365 $key).Cert | quote }}
  custom: {{ $custom.Cert | quote }}
  signed: {{ $signed.Cert | quote }}
  signedKey: {{ $signed.Key | quote }}
  byCustom: {{ $byCustom.Cert | quote }}
  self: {{ $self.Cert | quote }}
  selfWithKey: {{ (genSelfSignedCertWithKey "web" nil nil 90 $key).Cert | quote }}
  signedWithKey: {{ (genSignedCertWithKey "web" nil nil 90 $ca $key).Cert | quote }}
  now: {{ now | date "2006-01-02T15:04:05Z07:00" | quote }}
  inZone: {{ dateInZone "15:04 MST" (now) "Europe/Berlin" | quote }}
  unknown: {{ htmlDate "no date" | quote }}
  ago: {{ ago (toDate "2006-01-02" "1970-01-01") | quote }}
  round: {{ durationRound (toDate "2006-01-02" "1970-01-01") | quote }}
`

func secretOf(t *testing.T, generate render.Generator, at time.Time) (map[string]string, []render.RandomUse) {
	t.Helper()
	got, err := renderChart(t, simple(everything), func(r *render.Request) { r.Generate, r.Time = generate, at })
	if err != nil {
		t.Fatal(err)
	}
	data, _ := got.Objects[0].Fields["stringData"].(map[string]any)
	out := map[string]string{}
	for k, v := range data {
		out[k], _ = v.(string)
	}
	return out, got.Random
}

func TestPlaceholdersKeepTemplatesWorking(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 7, 1, 12, 30, 0, 0, time.UTC)
	got, uses := secretOf(t, nil, at)
	again, _ := secretOf(t, render.Placeholders(), at)
	if d := cmp.Diff(got, again); d != "" {
		t.Errorf("two renders differ: %s", d)
	}
	for key, form := range map[string]string{
		"alphanum": `^tugrandom1$`, "again": `^tugrandom2$`, "int": `^1\d$|^2[01]$`, "shuffled": `^.{6}$`,
		"ca": "^-----BEGIN CERTIFICATE", "caKey": "PRIVATE KEY", "custom": "^-----BEGIN CERTIFICATE",
		"now": `^2024-07-01T12:30:00Z$`, "inZone": "^14:30 CEST$", "unknown": "^2024-07-01$", "round": "^54y$",
	} {
		if !regexp.MustCompile(form).MatchString(got[key]) {
			t.Errorf("%s: %q has not the form %s", key, got[key], form)
		}
	}
	if got["ca"] != got["custom"] {
		t.Error("buildCustomCert changed the certificate")
	}
	var names []string
	for _, u := range uses {
		names = append(names, u.Function)
		if d := cmp.Diff([]string{"app/templates/a.yaml"}, u.Templates); u.Function != "now" && d != "" {
			t.Errorf("%s: %s", u.Function, d)
		}
	}
	want := []string{
		"bcrypt", "encryptAES", "genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
		"genSignedCert", "genSignedCertWithKey", "htpasswd", "now", "randAlpha", "randAlphaNum", "randAscii", "randBytes",
		"randInt", "randNumeric", "shuffle", "uuidv4",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
}

func TestFreshValuesAreReal(t *testing.T) {
	t.Parallel()
	got, _ := secretOf(t, render.Fresh(), time.Time{})
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, got["ca"]))
	for _, key := range []string{"signed", "byCustom", "signedWithKey"} {
		if _, err := parse(t, got[key]).Verify(x509.VerifyOptions{Roots: roots}); err != nil {
			t.Errorf("%s is not signed by the CA: %v", key, err)
		}
	}
	if names := parse(t, got["signed"]).DNSNames; !slices.Equal(names, []string{"web.shop"}) {
		t.Errorf("names of the certificate are %q", names)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(strings.TrimPrefix(got["user"], "ann:")), []byte("hunter2")); err != nil {
		t.Error(err)
	}
	if got["alphanum"] == got["again"] {
		t.Error("two random texts are equal")
	}
	if data, err := base64.StdEncoding.DecodeString(got["bytes"]); err != nil || len(data) != 12 {
		t.Errorf("bytes %q: %v", got["bytes"], err)
	}
	if when, err := time.Parse(time.RFC3339, got["now"]); err != nil || time.Since(when) > time.Hour {
		t.Errorf("now is %q, %v", got["now"], err)
	}
}

func parse(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM: %q", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// What was recorded comes back, and a change of arguments makes a new value
// without disturbing the others.
func TestRecordedValuesComeBack(t *testing.T) {
	t.Parallel()
	first := map[string]string{}
	one, _ := secretOf(t, render.Recorded(nil, first), time.Time{})
	second := map[string]string{}
	two, _ := secretOf(t, render.Recorded(first, second), time.Time{})
	if d := cmp.Diff(one, two); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Error(d)
	}
	for key := range first {
		if strings.Contains(key, "hunter") {
			t.Errorf("key %q shows a password", key)
		}
	}
	texts := simple(strings.ReplaceAll(everything, `randAlpha 10`, `randAlpha 11`))
	got, err := renderChart(t, texts, func(r *render.Request) { r.Generate = render.Recorded(first, map[string]string{}) })
	if err != nil {
		t.Fatal(err)
	}
	data, _ := got.Objects[0].Fields["stringData"].(map[string]any)
	changed := []string{}
	for _, k := range slices.Sorted(maps.Keys(one)) {
		if data[k] != one[k] {
			changed = append(changed, k)
		}
	}
	if d := cmp.Diff([]string{"alpha"}, changed); d != "" {
		t.Error(d)
	}
}

// A certificate near its end is made anew, and with a CA all that it signed.
func TestOldCertificatesAreRenewed(t *testing.T) {
	t.Parallel()
	template := `{{ $ca := genCA "ca" %s }}{{ $c := genSignedCert "web" nil nil 365 $ca }}` +
		config("a", "  ca: {{ $ca.Cert | quote }}\n  cert: {{ $c.Cert | quote }}\n")
	for days, want := range map[string]bool{"365": false, "0": true} {
		texts := simple(strings.Replace(template, "%s", days, 1))
		first := map[string]string{}
		one, err := renderChart(t, texts, func(r *render.Request) { r.Generate = render.Recorded(nil, first) })
		if err != nil {
			t.Fatal(err)
		}
		two, err := renderChart(t, texts, func(r *render.Request) { r.Generate = render.Recorded(first, map[string]string{}) })
		if err != nil {
			t.Fatal(err)
		}
		a, b := dataOf(one.Objects)["a"], dataOf(two.Objects)["a"]
		if (a["ca"] != b["ca"]) != want || (a["cert"] != b["cert"]) != want {
			t.Errorf("CA valid %s days: renewed is %t and %t, want %t", days, a["ca"] != b["ca"], a["cert"] != b["cert"], want)
		}
	}
}

// Maps have no order in Go; a render must have one.
func TestOrderOfMapsIsFixed(t *testing.T) {
	t.Parallel()
	texts := simple(`{{ $d := dict "c" 3 "a" 1 "b" 2 "d" 4 "e" 5 }}` +
		config("a", "  keys: {{ keys $d | join \",\" }}\n  values: \"{{ values $d | join \",\" }}\"\n  apis: {{ .Capabilities.APIVersions | join \",\" | sha256sum }}\n"))
	for range 20 {
		got, err := renderChart(t, texts, nil)
		if err != nil {
			t.Fatal(err)
		}
		data := dataOf(got.Objects)["a"]
		if data["keys"] != "a,b,c,d,e" || data["values"] != "1,2,3,4,5" {
			t.Fatalf("got %v", data)
		}
	}
}

// Two renders of one umbrella give the same bytes, sources included.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	var first string
	for i := range 10 {
		got, err := renderChart(t, umbrella(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := object.WriteYAML(&out, got.Objects); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = out.String()
		}
		if d := cmp.Diff(first, out.String()); d != "" {
			t.Fatal(d)
		}
	}
}

// The default Kubernetes version must be that of the linked libraries.
func TestDefaultKubernetesVersion(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`k8s\.io/client-go v0\.(\d+)\.`).FindSubmatch(mod)
	if m == nil {
		t.Fatal("go.mod does not name client-go")
	}
	texts := simple(config("a", "  v: {{ .Capabilities.KubeVersion.Version }}\n"))
	got, err := helm.Renderer{}.Render(t.Context(), render.Request{Files: repository(texts), Path: "app", Release: "web"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "v1." + string(m[1]) + ".0"; dataOf(got.Objects)["a"]["v"] != want {
		t.Errorf("the default is %v, go.mod says %s", dataOf(got.Objects)["a"]["v"], want)
	}
}
