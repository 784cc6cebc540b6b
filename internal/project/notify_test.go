package project

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
)

const notifyFile = `apiVersion: tug.dev/v1alpha1
kind: Project
apps:
  shop: {chart: shop}
notify:
  channels:
    a: {type: slack, url: {env: TUG_NOTIFY_SLACK}, perMinute: 5, templates: {default: {title: "{{.name}}", rows: hidden}}}
    b: {type: teams, url: {file: teams-url}}
    c: {type: discord, url: {file: discord.url}}
    d: {type: mattermost, url: {file: x}}
    e: {type: telegram, token: {file: x}, room: "-100123"}
    f: {type: matrix, token: {file: x}, room: "!a:example.com", server: "https://matrix.example.com"}
    g: {type: email, server: "smtp.example.com:587", from: tug@example.com, to: [ops@example.com], user: {env: TUG_NOTIFY_U}, password: {env: TUG_NOTIFY_P}}
    h: {type: pagerduty, token: {file: x}, server: "https://events.eu.pagerduty.com"}
    i: {type: webhook, url: {file: x}, signing: {file: z}}
    j: {type: commit-status}
    k: {type: kubernetes-events}
  routes:
    - {to: [a, b, c, d, e, f, g, i]}
    - {to: [h], environments: ["prod*"], severity: error}
    - {to: [j, k], apps: ["shop-*"], events: [deployed, failed]}
  templates:
    drift-healed: {title: "{{.object}} changed{{.by}}", text: "{{.fields}}"}
`

func TestLoadNotify(t *testing.T) {
	t.Parallel()
	p, err := Load(tree(map[string]string{FileName: notifyFile}), ".")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Channel{Type: "webhook", URL: Secret{File: "x"}, Signing: Secret{File: "z"}}, p.Notify.Channels["i"]); d != "" {
		t.Error(d)
	}
	want := []Route{
		{To: []string{"a", "b", "c", "d", "e", "f", "g", "i"}},
		{To: []string{"h"}, Environments: []string{"prod*"}, Severity: "error"},
		{To: []string{"j", "k"}, Apps: []string{"shop-*"}, Events: []string{"deployed", "failed"}},
	}
	if d := cmp.Diff(want, p.Notify.Routes); d != "" {
		t.Error(d)
	}
	var types []string
	for _, name := range slices.Sorted(maps.Keys(p.Notify.Channels)) {
		types = append(types, p.Notify.Channels[name].Type)
	}
	if d := cmp.Diff(ChannelTypes(), types); d != "" {
		t.Errorf("the example does not have every type: %s", d)
	}
	if err := valid(t, compiled(t), notifyFile); err != nil {
		t.Errorf("the schema: %v", err)
	}
}

// TestSecretsInTheFile: no error shows what stands where a secret is named.
func TestSecretsInTheFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/bad/notify-secrets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load(tree(map[string]string{FileName: string(data)}), ".")
	if err == nil || strings.Contains(err.Error()+strings.Join(fault.HintsOf(err), ""), "canary") {
		t.Errorf("shown: %v", err)
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 8 {
		t.Errorf("%d problems of 8: %v", n, err)
	}
}
