package flux

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// FuzzFill: whatever stands in a text, substitution ends, stays within its
// limit, leaves text without a "$" alone, and its errors are for people.
func FuzzFill(f *testing.F) {
	for _, seed := range []string{
		"${a}", "$${a}", "${a:-b}", "${a:=${b}}", "${a/x/y}", "${a//a/aa}", "${#a}", "${a^^}", "${a:1:-1}", "${a:99999999999999999999}",
		"${", "$", "${}", "${a", "${a:}", "${a/}", "${1}", "a: ${b}\nc: 'd'", "${a%%*}", "${a##*a}", "${a:-${a:-${a:-x}}}", "\x00${a}\xff",
	} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		filled, err := fill(text, map[string]string{"a": value, "b": "c"})
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && !strings.ContainsAny(text, "$\x00") && filled != text { // YAML has no NUL
			t.Errorf("%q became %q", text, filled)
		}
		if len(filled) > maxSubstituted {
			t.Errorf("%d bytes", len(filled))
		}
	})
}

// FuzzRelease: any object that says it is a HelmRelease or a Kustomization is
// read or refused, and what it asks for never leads out of the repository.
func FuzzRelease(f *testing.F) {
	f.Add(release(fromGit))
	f.Add(kustomization("a", "path: ./../x\n"))
	f.Add(release("chart:\n  spec: {chart: ../../../etc, sourceRef: {kind: GitRepository, name: flux-system}}\nvaluesFrom: [{kind: ConfigMap, name: a, targetPath: \"a[99999999]\"}]\n"))
	f.Add(release("chartRef: {kind: OCIRepository, name: a}\npostRenderers: [{kustomize: {patches: [{patch: x}]}}]\n"))
	f.Add(kustomization("a", "postBuild: {substitute: {a: b}, substituteFrom: [{kind: Secret, name: c, optional: true}]}\npatches: [{patch: \"- {op: add}\", target: {kind: A}}]\ncomponents: [a]\nimages: [{name: a}]\n"))
	f.Add("apiVersion: helm.toolkit.fluxcd.io/v2beta1\nkind: HelmRelease\nmetadata: {name: a}\nspec: {chart: {spec: {valuesFile: 1}}, postRenderers: [1, {kustomize: {patchesJson6902: [1]}}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := object.ReadDocuments("apps/x.yaml", []byte(text))
		if err != nil {
			return
		}
		run := newRun(renderer(), request(fstest.MapFS{"apps/x.yaml": {Data: []byte(text)}}, "apps"), "apps")
		parent := &item{from: run.home, folder: "apps"}
		for _, d := range docs {
			objects, err := d.Objects()
			if err != nil || render.CheckHead(d) != nil {
				return
			}
			for _, o := range objects {
				checkDecode(t, run, parent, o)
			}
		}
	})
}

func checkDecode(t *testing.T, run *run, parent *item, o *object.Object) {
	t.Helper()
	it := &item{ref: run.set.ref(o), parent: parent}
	switch it.ref.Group + "/" + it.ref.Kind {
	case groupHelm + "/" + kindHelmRelease, groupKustomize + "/" + kindKustomization:
	default:
		return
	}
	if _, err := run.decode(it, o); err != nil {
		if fault.KindOf(err) == fault.Internal {
			t.Errorf("internal: %v", err)
		}
		return
	}
	run.missing(it)
	if it.release != nil {
		if len(it.releaseName()) > maxRelease {
			t.Errorf("release name %q", it.releaseName())
		}
		if _, err := run.releaseValues(it); err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("internal: %v", err)
		}
		return
	}
	if name, err := run.home.find(it.kustomization.Spec.Path); err == nil && !validPath(name) {
		t.Errorf("path %q became %q", it.kustomization.Spec.Path, name)
	}
	it.from, it.folder = run.home, "apps"
	add, err := it.additions()
	if err != nil {
		return
	}
	if _, err := extend("k.yaml", []byte("resources: [a]\npatches: [{path: b}]\n"), add); err != nil && fault.KindOf(err) == fault.Internal {
		t.Errorf("internal: %v", err)
	}
}

// FuzzIgnore: patterns of .sourceignore end in bounded time and never match
// nothing at all.
func FuzzIgnore(f *testing.F) {
	f.Add("/*\n!/apps/\n**/x/**\n*.yaml\n[", "apps/x/a.yaml")
	f.Add("**/**/**/**/a", "b/b/b/b/b/b/b/b/b/b/a")
	f.Fuzz(func(_ *testing.T, rules, name string) {
		i := &ignores{base: "."}
		i.parse(rules)
		i.match(name, false)
		i.match(name, true)
	})
}
