package vendoring_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/vendoring"
)

func TestReadKptfile(t *testing.T) {
	t.Parallel()
	git := func(commit string) *vendoring.KptGit {
		return &vendoring.KptGit{Repo: "https://example.org/r", Directory: "/a", Ref: "v1", Commit: commit}
	}
	const upstream = "upstream:\n  type: git\n  git:\n    repo: https://example.org/r\n    directory: /a\n    ref: v1\n"
	const lock = "    repo: https://example.org/r\n    directory: /a\n    ref: v1\n    commit: abc\n"
	for _, tc := range []struct {
		name, text string
		want       vendoring.Kptfile
	}{
		{"v1", "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: x\n" + upstream + "  updateStrategy: copy-merge\nupstreamLock:\n  type: git\n  git:\n" + lock + "info:\n  site: s\npipeline:\n  mutators:\n    - image: i\n", vendoring.Kptfile{Name: "x", Upstream: git(""), Lock: git("abc"), Strategy: "copy-merge"}},
		{"v1alpha2", "apiVersion: kpt.dev/v1alpha2\nkind: Kptfile\nmetadata:\n  name: x\n" + upstream + "upstreamLock:\n  type: git\n  gitLock:\n" + lock, vendoring.Kptfile{Name: "x", Upstream: git(""), Lock: git("abc")}},
		{"v1alpha1", "apiVersion: kpt.dev/v1alpha1\nkind: Kptfile\nmetadata:\n    name: x\nupstream:\n    type: git\n    git:\n        commit: abc\n        repo: https://example.org/r\n        directory: /a\n        ref: v1\nopenAPI: {definitions: {}}\n", vendoring.Kptfile{Name: "x", Upstream: git(""), Lock: git("abc"), Old: true}},
		{"without upstream", "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: x\n", vendoring.Kptfile{Name: "x"}},
	} {
		got, err := vendoring.ReadKptfile("Kptfile", []byte(tc.text))
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", tc.name, err, diff)
		}
	}
	for text, want := range map[string]string{
		"apiVersion: kpt.dev/v1\nkind: Kptfile\nupstraem: {}\n":                  "line 3: field upstraem not found",
		"apiVersion: kpt.dev/v9\nkind: Kptfile\n":                                "v9",
		"apiVersion: v1\nkind: Pod\n":                                            `kind "Pod"`,
		"apiVersion: kpt.dev/v1\nkind: Kptfile\nupstream: {type: hg, git: {}}\n": `type "hg"`,
		"apiVersion: [": "line 1",
		"apiVersion: kpt.dev/v1\nkind: Kptfile\nupstream:\n  git:\n    branch: x\n": "branch",
	} {
		if _, err := vendoring.ReadKptfile("p/Kptfile", []byte(text)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "p/Kptfile") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestReadRecordRefuses(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: tug.dev/v1alpha1\nkind: VendorLock\n"
	for text, want := range map[string]string{
		"":              "empty",
		head + "x: 1\n": "field x not found",
		"apiVersion: v1\nkind: VendorLock\nsource: {type: git, url: a}\n":       "want tug.dev/v1alpha1",
		head + "source: {type: hg, url: https://x}\n":                           "not git, chart, oci or http",
		head + "source: {type: git, url: 'https://x/r.git', directory: ../x}\n": "leads out",
		head + "source: {type: http, url: 'https://u:p@x/a.tgz'}\n":             "credential",
	} {
		if _, err := vendoring.ReadRecord("r", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzReadKptfile(f *testing.F) {
	f.Add([]byte(pipelined))
	f.Add([]byte("apiVersion: kpt.dev/v1alpha1\nkind: Kptfile\nupstream: {git: {commit: a}}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = vendoring.ReadKptfile("Kptfile", data) })
}

func FuzzReadRecord(f *testing.F) {
	f.Add([]byte("apiVersion: tug.dev/v1alpha1\nkind: VendorLock\nsource: {type: git, url: https://x/r.git}\nfiles: {a: b}\n"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = vendoring.ReadRecord("r", data) })
}
