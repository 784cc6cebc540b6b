package check_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/fault"
)

func TestConfigRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rulez: {}":                                         `f.yaml:1:1: unknown key "rulez" | did you mean "rules"?`,
		"thresholds: {minReplica: 1}":                       `f.yaml:1:14: unknown key "minReplica" | did you mean "minReplicas"?`,
		"exceptions:\n- {rule: a}":                          `f.yaml:2:4: unknown key "rule" | did you mean "rules"?`,
		"rules: {schema-typ: off}":                          `f.yaml:1: unknown rule "schema-typ" | did you mean "schema-type"?`,
		"rules: {schema-type: fatal}":                       `f.yaml:1: unknown setting of the rule schema-type "fatal" | it is one of: off, on, info, warning, error`,
		"failOn: all":                                       `f.yaml:1: unknown severity "all" | it is one of: error, warning, info, never`,
		"exceptions: [{rules: [a]}]":                        `f.yaml:1: an exception has no reason | say why, so that the next reader can tell when it may go: reason: …`,
		"exceptions: [{reason: x}]":                         `f.yaml:1: an exception matches everything | name rules, paths, apps, environments or objects`,
		"exceptions: [{rules: [secret-plian], reason: x}]":  `f.yaml:1: unknown rule "secret-plian" | did you mean "secret-plain"?`,
		"exceptions: [{paths: ['[a'], reason: x}]":          `f.yaml:1: pattern "[a" is invalid | ** stands for any folders, * for any text of a name`,
		"exceptions: [{apps: [a], reason: x, until: soon}]": `f.yaml:1: "soon" is no date: write it like 2026-12-31`,
		"rules: [": `f.yaml:1: did not find expected node content`,
	} {
		_, err := check.ReadConfig("f.yaml", []byte(text))
		if err == nil {
			t.Errorf("%s: accepted", text)
			continue
		}
		got := err.Error()
		if hints := fault.HintsOf(err); len(hints) > 0 && strings.Contains(want, " | ") {
			got += " | " + hints[0]
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
	if _, err := check.ReadConfig("f.yaml", nil); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

// TestPrintedConfigReadsBack holds for every setting.
func TestPrintedConfigReadsBack(t *testing.T) {
	t.Parallel()
	text := `
rules: {label-values: warning, schema-type: off, container-seccomp-profile: on}
failOn: warning
thresholds: {minReplicas: 3, cpuLimit: false}
crds: [crds]
baseline: known.json
exceptions: [{rules: [schema-value], apps: [a], reason: x, until: 2026-12-31}]
`
	c, err := check.ReadConfig("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := check.ReadConfig("f.yaml", first)
	if err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	second, err := again.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(first), string(second)); d != "" {
		t.Error(d)
	}
	for _, want := range []string{"metadata-invalid: warning", `schema-type: "off"`, "container-seccomp-profile: warning", `until: "2026-12-31"`, "minReplicas: 3", "minReplicasAutoscaler: 2", "cpuLimit: false"} {
		if !strings.Contains(strings.ReplaceAll(string(first), "schema-type: off", `schema-type: "off"`), want) {
			t.Errorf("no %s in\n%s", want, first)
		}
	}
}

const badPod = `
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containerz: [], dnsPolicy: x}
`

func TestExceptions(t *testing.T) {
	t.Parallel()
	for exception, left := range map[string]int{
		"{rules: [schema-unknown-field], reason: x}":            2,
		"{apps: [we*], reason: x}":                              0,
		"{apps: [other], reason: x}":                            3,
		"{environments: [prod], reason: x}":                     0,
		"{environments: [dev], reason: x}":                      3,
		"{objects: [Pod/p], reason: x}":                         0,
		"{objects: [Pod], rules: [schema-value], reason: x}":    2,
		"{objects: [Service/*], reason: x}":                     3,
		"{paths: ['apps/**'], reason: x}":                       0,
		"{paths: ['apps/*'], reason: x}":                        3,
		"{rules: [schema-value], until: 2020-01-01, reason: x}": 4, // and expired
		"{rules: [schema-value], until: 2999-01-01, reason: x}": 2,
	} {
		c, err := check.ReadConfig(".tug-check.yaml", []byte("exceptions: ["+exception+"]"))
		if err != nil {
			t.Fatal(err)
		}
		in := input(t, repository(t, "-- apps/web/a.yaml --"+badPod))
		in.Config = c
		in.Only = []string{"schema-unknown-field", "schema-value", "schema-required", "exception-expired"}
		if n := len(run(t, in).Findings); n != left {
			t.Errorf("%s: %d findings left, want %d", exception, n, left)
		}
	}
}

func TestUnusedExceptionsAreReportedWhenAllWasLookedAt(t *testing.T) {
	t.Parallel()
	c, err := check.ReadConfig(".tug-check.yaml", []byte("exceptions:\n- {apps: [gone], reason: it was slow}"))
	if err != nil {
		t.Fatal(err)
	}
	in := input(t, repository(t, "-- apps/web/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"))
	in.Config = c
	r := run(t, in)
	if len(r.Findings) != 1 || r.Findings[0].Rule != check.RuleUnused || r.Findings[0].Where() != ".tug-check.yaml:2" {
		t.Errorf("%+v", r.Findings)
	}
	in.All = false
	if r := run(t, in); len(r.Findings) != 0 {
		t.Errorf("with a choice of apps: %+v", r.Findings)
	}
}

func TestBaseline(t *testing.T) {
	t.Parallel()
	in := input(t, repository(t, "-- apps/web/a.yaml --"+badPod))
	all := run(t, in)
	if len(all.Findings) == 0 {
		t.Fatal("nothing was found")
	}
	data, err := all.Baseline.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if in.Baseline, err = check.ReadBaseline("b.json", data); err != nil {
		t.Fatal(err)
	}
	if r := run(t, in); len(r.Findings) != 0 || r.Known == 0 {
		t.Errorf("with the baseline: %+v", r)
	}
	// Lines may move, and other things come: only these are new.
	moved := input(t, repository(t, "-- apps/web/a.yaml --\n# a comment\n\n"+strings.TrimPrefix(badPod, "\n")+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndta: {}\n"))
	moved.Baseline = in.Baseline
	if r := run(t, moved); len(r.Findings) != 1 || r.Findings[0].Path != "dta" {
		t.Errorf("after a change: %+v", r.Findings)
	}
	// The same in another environment is new, too.
	in.Apps[0].Env = "dev"
	if r := run(t, in); len(r.Findings) != len(all.Findings) {
		t.Errorf("in another environment: %d of %d", len(r.Findings), len(all.Findings))
	}
	for _, bad := range []string{"", "[]", `{"version": 2}`, `{"version": 1, "finding": []}`, `{"version": 1} {}`} {
		if _, err := check.ReadBaseline("b.json", []byte(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzReadConfig(f *testing.F) {
	for _, s := range []string{"rules: {schema-type: off}", "exceptions: [{apps: ['*'], reason: x, until: 2026-12-31}]", "failOn: never", "a: &a [*a]", "exceptions: 1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := check.ReadConfig("f.yaml", data)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		text, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.ReadConfig("f.yaml", text); err != nil {
			t.Errorf("%q printed as\n%s\n%v", data, text, err)
		}
	})
}

func FuzzReadBaseline(f *testing.F) {
	f.Add([]byte(`{"version":1,"findings":[{"fingerprint":"a","rule":"b","message":"c"}]}`))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := check.ReadBaseline("f.json", data)
		if err != nil {
			return
		}
		text, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := check.ReadBaseline("f.json", text); err != nil {
			t.Errorf("%q written as %s: %v", data, text, err)
		}
	})
}
