package vendoring_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/vendoring"
)

func TestVerifyCharts(t *testing.T) {
	t.Parallel()
	db := tarred(t, entry{name: "db/Chart.yaml", data: "name: db\nversion: 1.0.0\n"})
	other := tarred(t, entry{name: "db/Chart.yaml", data: "name: db\nversion: 1.0.0\n"}, entry{name: "db/templates/x.yaml", data: "x"})
	h := sha256.Sum256(db)
	proven := func(name, version string) []string {
		if name == "db" && version == "1.0.0" {
			return []string{hex.EncodeToString(h[:])}
		}
		return nil
	}
	none := func(string, string) []string { return nil }
	const lock = "dependencies:\n- name: db\n  repository: https://charts.example.org\n  version: 1.0.0\n"
	for _, tc := range []struct {
		name    string
		files   map[string]string
		sums    vendoring.Sums
		state   vendoring.State
		problem string
	}{
		{"proven", map[string]string{"Chart.lock": lock, "charts/db-1.0.0.tgz": string(db)}, proven, vendoring.Pristine, ""},
		{"without hashes", map[string]string{"Chart.lock": lock, "charts/db-1.0.0.tgz": string(db)}, none, vendoring.Unproven, ""},
		{"replaced", map[string]string{"Chart.lock": lock, "charts/db-1.0.0.tgz": string(other)}, proven, vendoring.Broken, "its hash is"},
		{"another version", map[string]string{"Chart.lock": "dependencies: [{name: db, version: 1.1.0}]\n", "charts/db-1.0.0.tgz": string(db)}, none, vendoring.Broken, "it is version 1.0.0, Chart.lock has 1.1.0"},
		{"another name", map[string]string{"charts/db-2.0.0.tgz": string(db)}, none, vendoring.Broken, "it is db 1.0.0"},
		{"not locked", map[string]string{"Chart.lock": "dependencies: []\n", "charts/db-1.0.0.tgz": string(db)}, none, vendoring.Broken, "Chart.lock does not name it"},
		{"missing", map[string]string{"requirements.lock": lock, "charts/x/Chart.yaml": "name: x\n"}, none, vendoring.Broken, "Chart.lock has db 1.0.0, which is not there"},
		{"no archive", map[string]string{"charts/db-1.0.0.tgz": "<html>"}, none, vendoring.Broken, "unpack"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := &work{t: t, dir: t.TempDir()}
			w.write("app/Chart.yaml", "name: app\n")
			for name, content := range tc.files {
				w.write("app/"+name, content)
			}
			list, err := vendoring.Vendor{Limits: vendoring.DefaultLimits()}.VerifyCharts(w.dir, tc.sums)
			if err != nil || len(list) != 1 || list[0].State != tc.state || len(list[0].Problem) < len(tc.problem) || list[0].Problem[:len(tc.problem)] != tc.problem {
				t.Errorf("%+v, %v", list, err)
			}
		})
	}
}

// TestVerifyChartsStaysInside: links that lead out, and what is no file, are
// errors that tell nothing of what is there.
func TestVerifyChartsStaysInside(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]struct{ to, at string }{
		"a lock outside":   {"../../outside.txt", "app/Chart.lock"},
		"a device":         {"/dev/zero", "app/Chart.lock"},
		"a folder":         {"charts", "app/requirements.lock"},
		"charts elsewhere": {"../..", "app/charts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &work{t: t, dir: t.TempDir()}
			w.write("outside.txt", "planted: [canary")
			w.write("repo/app/Chart.yaml", "name: app\n")
			if name != "charts elsewhere" {
				w.write("repo/app/charts/x/Chart.yaml", "name: x\n")
			}
			if err := os.Symlink(link.to, filepath.Join(w.dir, "repo", link.at)); err != nil {
				t.Fatal(err)
			}
			_, err := vendoring.Vendor{Limits: vendoring.DefaultLimits()}.VerifyCharts(filepath.Join(w.dir, "repo"), func(string, string) []string { return nil })
			if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "planted") || strings.Contains(err.Error(), "yaml:") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestCorpusVendoredChart: the demo of Deus' article keeps memcached packed
// beside a Chart.lock.
func TestCorpusVendoredChart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(corpora(t), "repositories", "StarpTech-k8s-gitops")
	list, err := vendoring.Vendor{Limits: vendoring.DefaultLimits()}.VerifyCharts(dir, func(string, string) []string { return nil })
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, v := range list {
		if v.Source.Name == "memcached" && v.Resolved.Version == "4.2.25" && v.State == vendoring.Unproven && v.Problem == "" {
			found = true
		}
	}
	if !found {
		t.Errorf("%+v", list)
	}
}
