package agent

import (
	"strings"
	"testing"
	"time"
)

func TestReadConfig(t *testing.T) {
	t.Parallel()
	c, err := ReadConfig("agent.yaml", []byte(`apiVersion: tug.dev/v1alpha1
kind: Agent
cluster: prod-1
interval: 30s
repositories:
- url: https://git.example.com/shop/config.git
  branch: main
  environments: [prod]
  rollback: automatic
  signatures: {ssh: signers}
  windows: [{days: [Sat, sun], from: "22:00", to: "04:00", zone: UTC}]
`))
	if err != nil {
		t.Fatal(err)
	}
	r := c.Repositories[0]
	if time.Duration(c.Interval) != 30*time.Second || r.Branch != "main" || r.Windows[0].From != "22:00" || r.Signatures.SSH != "signers" {
		t.Errorf("read %+v", c)
	}
}

// Every mistake is found, and named in the words of the file.
func TestReadConfigRefuses(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: tug.dev/v1alpha1\nkind: Agent\n"
	for text, want := range map[string]string{
		"":                                      "no configuration of an agent",
		"apiVersion: v1\nkind: Agent":           "no configuration of an agent",
		head:                                    "there are no repositories",
		head + "repositorys: []":                "line 3: key repositorys is no key here",
		head + "repositories: [{branch: main}]": "repositories[0]: url is missing",
		head + "repositories: [{url: a, rollback: yes}]":                                               "rollback",
		head + "repositories: [{url: a, interval: 5}]":                                                 `"5" is no duration`,
		head + "repositories: [{url: a, signatures: {}}]":                                              "signatures name no keys",
		head + "repositories: [{url: a}, {url: a}]":                                                    "stands twice",
		head + "repositories: [{url: a}]\nwindows: [{from: \"9\", to: \"10:00\"}]":                     `"9" is no time of day`,
		head + "repositories: [{url: a, windows: [{days: [someday], from: \"9:00\", to: \"10:00\"}]}]": `"someday" is no day`,
		head + "repositories: [{url: a}]\nworkers: -1":                                                 "workers",
	} {
		if _, err := ReadConfig("agent.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}
