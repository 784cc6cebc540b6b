package notify

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

func drift() event.Fact {
	return event.Fact{
		Time: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Kind: event.KindDriftHealed, App: "shop", Env: "prod", Namespace: "shop",
		Commit: "0123456789abcdef", Subject: "More pods",
		Objects: []event.Touched{{
			Ref:     object.Ref{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
			Manager: "kubectl-scale", Operation: "Update",
			Fields: []event.Altered{{Path: "spec.replicas", From: int64(0), To: int64(3)}, {Path: "metadata.labels.x", To: "y"}, {Path: "metadata.labels.y", From: "z"}, {Path: "spec.paused"}},
		}},
	}
}

func TestUsualWords(t *testing.T) {
	t.Parallel()
	got := Compose("a", drift(), nil).Plain()
	want := `shop/prod: Deployment shop/web changed by kubectl-scale, and put back

spec.replicas: 0, declared is 3
metadata.labels.x: missing, declared is y
metadata.labels.y: z, not declared
spec.paused

App: shop
Environment: prod
Namespace: shop
Object: Deployment shop/web
Changed by: kubectl-scale
Commit: 0123456789ab More pods`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	several := drift()
	several.Objects = append(several.Objects, event.Touched{Ref: object.Ref{Kind: "Service", Namespace: "shop", Name: "web"}, Manager: "kubectl-edit"})
	m := Compose("a", several, nil)
	if want := "shop/prod: 2 objects changed by kubectl-scale, kubectl-edit, and put back"; m.Title != want {
		t.Errorf("title %q", m.Title)
	}
	if !strings.HasPrefix(m.Text, "Deployment shop/web\nspec.replicas") || !strings.HasSuffix(m.Text, "\nService shop/web") {
		t.Errorf("text %q", m.Text)
	}
}

// TestEveryKindHasWords: no kind is told in words that were not written for it.
func TestEveryKindHasWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range Kinds() {
		words := title(event.Kind(k))
		for _, found := range placeholderExp.FindAllStringSubmatch(words, -1) {
			if !slices.Contains(Placeholders(), found[1]) {
				t.Errorf("%s: {{.%s}} is not known", k, found[1])
			}
		}
		if seen[words] || strings.Contains(words, "{{.event}}") {
			t.Errorf("%s: %q", k, words)
		}
		seen[words] = true
		m := Compose("a", event.Fact{Kind: event.Kind(k), App: "shop", Repository: "https://git.example/x"}, nil)
		if m.Title == "" || strings.Contains(m.Title, "{{") || m.Fact.Severity == "" || m.Phase == "" {
			t.Errorf("%s: %+v", k, m)
		}
	}
	if len(seen) != len(event.Kinds())+2 {
		t.Errorf("%d kinds", len(seen))
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	own := Templates{"drift-healed": {Title: "{{.app}}!", Text: "by {{.manager}} / {{ .plan }}\n{{.cause}}\nline\n{{.cluster}} {{.cause}}\n", NoRows: true}}
	shared := Templates{DefaultTemplate: {Title: "[{{.severity}}] {{.name}}"}}
	m := Compose("a", drift(), nil, own, shared)
	if m.Title != "shop!" || m.Text != "by kubectl-scale / \nline" || m.Rows != nil {
		t.Errorf("%q %q %v", m.Title, m.Text, m.Rows)
	}
	f := drift()
	f.Kind = event.KindDegraded
	if m := Compose("a", f, nil, own, shared); m.Title != "[error] shop/prod" || !strings.Contains(m.Text, "spec.replicas") {
		t.Errorf("%q %q", m.Title, m.Text)
	}
}

// TestNoSecretInAMessage: the canary is in every text of the fact.
func TestNoSecretInAMessage(t *testing.T) {
	t.Parallel()
	const canary = "canary-9f3e71c2d4"
	s := object.NewSensitive(canary)
	in := func(text string) string { return text + "-" + canary }
	f := event.Fact{
		Kind: event.KindDriftHealed, App: in("a"), Env: in("b"), Namespace: in("c"), Cluster: in("d"), Repository: in("https://e"), Commit: canary,
		Subject: in("f"), By: in("g"), Identity: in("h"), Message: in("i"), Cause: in("j"), Plan: in("k"), Changes: in("l"), Ref: in("m"),
		Objects: []event.Touched{{
			Ref: object.Ref{Group: in("n"), Kind: in("o"), Namespace: in("p"), Name: in("q")}, Action: in("r"), Manager: in("s"),
			Operation: in("t"), Subresource: in("u"),
			Fields: []event.Altered{{Path: in("v"), From: in("w"), To: base64.StdEncoding.EncodeToString([]byte(canary)), Manager: in("x")}, {Path: "y", From: map[string]any{"z": []any{canary}}}},
		}},
	}
	var every []string
	for _, p := range Placeholders() {
		every = append(every, "{{."+p+"}}")
	}
	m := Compose("a", f, s, Templates{DefaultTemplate: {Title: strings.Join(every, " "), Text: strings.Join(every, "\n")}})
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if told := m.Plain() + string(data); strings.Contains(told, canary) || strings.Contains(told, base64.StdEncoding.EncodeToString([]byte(canary))) {
		t.Errorf("the canary is told: %s", told)
	}
	if f.Objects[0].Manager != in("s") || f.Objects[0].Fields[0].From != in("w") {
		t.Error("masking changed the fact of the caller")
	}
	pieced := Compose("a", event.Fact{Kind: KindTest, App: canary[:8], Env: canary[8:]}, s, Templates{DefaultTemplate: {Title: "{{.app}}{{.env}}"}})
	if strings.Contains(pieced.Title, canary) {
		t.Error("a template pieces the canary together")
	}
	secret := drift()
	secret.Objects[0].Ref.Kind = "Secret"
	secret.Objects[0].Fields = []event.Altered{{Path: "data.password", From: "c2hvcnQ="}, {Path: "data.pin", To: int64(987650)}}
	if got := Compose("a", secret, object.NewSensitive("Secret")).Plain(); strings.Contains(got, "c2hvcnQ=") || strings.Contains(got, "987650") || !strings.Contains(got, object.Masked) {
		t.Errorf("a value of a Secret is told: %s", got)
	}
}

func TestLongTexts(t *testing.T) {
	t.Parallel()
	f := drift()
	f.Message, f.Subject = strings.Repeat("ä", 100_000), "a\nb\tc\x00d"
	for i := range 100 {
		f.Objects[0].Fields = append(f.Objects[0].Fields, event.Altered{Path: strings.Repeat("p", i+1)})
	}
	m := Compose("a", f, nil)
	if len([]rune(m.Text)) != maxText || strings.Contains(m.Rows[len(m.Rows)-1].Value, "\n") {
		t.Errorf("%d characters, %q", len([]rune(m.Text)), m.Rows)
	}
}
