package vendoring_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/vendoring"
)

// The tests here are named after threads of kptdev/kpt: what went wrong there
// must not go wrong here.

// A resource that was added here came back a second time.
func TestKpt3319NoDuplicates(t *testing.T) {
	t.Parallel()
	quota := object("ResourceQuota", "mem", "spec:\n  hard:\n    cpu: \"1\"\n")
	base := tree("a.yaml", object("ConfigMap", "a", ""))
	w := get(t, upstream{"v1": base, "v2": with(base, "b.yaml", object("ConfigMap", "b", "")), "v3": with(base, "quota.yaml", quota)}, gitSource("v1"))
	w.write("resourcequota.yaml", quota)
	if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	if n := strings.Count(w.all(), "kind: ResourceQuota"); n != 1 {
		t.Errorf("%d quotas:\n%s", n, w.all())
	}
	// Upstream adds the very same: still one.
	w.update("v3", vendoring.Fail)
	if n := strings.Count(w.all(), "kind: ResourceQuota"); n != 1 {
		t.Errorf("%d quotas:\n%s", n, w.all())
	}
}

// Two resources of one name but different kinds were taken for duplicates.
func TestKpt3948OneNameTwoKinds(t *testing.T) {
	t.Parallel()
	base := tree("service.yaml", object("Service", "x", "spec: {a: 1}\n"), "service-iam.yaml", object("IAM", "x", "spec: {a: 1}\n"))
	w := get(t, upstream{"v1": base, "v2": with(base, "service-iam.yaml", object("IAM", "x", "spec: {a: 2}\n"))}, gitSource("v1"))
	w.edit("service.yaml", "a: 1", "a: 7")
	if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	if !strings.Contains(w.read("service.yaml"), "a: 7") || !strings.Contains(w.read("service-iam.yaml"), "a: 2") {
		t.Error(w.all())
	}
}

// Real duplicates in one file were an error without a way out.
func TestKpt1562DuplicatesMergeAsText(t *testing.T) {
	t.Parallel()
	twice := object("A", "x", "spec: {a: 1}\n") + "---\n" + object("A", "x", "spec: {a: 2}\n")
	base := tree("a.yaml", twice)
	w := get(t, upstream{"v1": base, "v2": tree("a.yaml", twice+"---\n"+object("B", "y", ""))}, gitSource("v1"))
	w.edit("a.yaml", "{a: 1}", "{a: 7}")
	if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	if text := w.read("a.yaml"); !strings.Contains(text, "{a: 7}") || !strings.Contains(text, "{a: 2}") || !strings.Contains(text, "kind: B") {
		t.Error(text)
	}
}

// Upstream won silently.
func TestKpt1437ConflictsAreTold(t *testing.T) {
	t.Parallel()
	base := tree("a.yaml", object("A", "x", "spec:\n  replicas: 1\n"))
	w := get(t, upstream{"v1": base, "v2": tree("a.yaml", object("A", "x", "spec:\n  replicas: 2\n"))}, gitSource("v1"))
	w.edit("a.yaml", "replicas: 1", "replicas: 5")
	u := w.update("v2", vendoring.Fail)[0]
	if len(u.Conflicts) != 1 {
		t.Fatalf("%+v", u.Conflicts)
	}
	if c := u.Conflicts[0]; c.Where() != "a.yaml:8 A x spec.replicas" || c.Origin != "1" || c.Ours != "5" || c.Theirs != "2" {
		t.Errorf("%s %+v", c.Where(), c)
	}
}

const pipelined = `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: pkg
pipeline:
  mutators:
    - image: gcr.io/kpt-fn/set-labels:v0.1
      configMap:
        app: web
`

// Changes of ours to the Kptfile were overwritten (also kpt#3914), and its
// pipeline was not updated (kpt#4012, kpt#1616).
func TestKpt2529KptfileMerges(t *testing.T) {
	t.Parallel()
	base := tree("Kptfile", pipelined)
	w := get(t, upstream{"v1": base, "v2": tree("Kptfile", strings.Replace(pipelined, "v0.1", "v0.2", 1))}, gitSource("v1"))
	w.edit("Kptfile", "app: web", "app: shop # ours")
	w.edit("Kptfile", "pipeline:\n", "info:\n  description: ours\npipeline:\n")
	if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	text := w.read("Kptfile")
	for _, want := range []string{"set-labels:v0.2", "app: shop # ours", "description: ours", "ref: v2\n    commit: commit-v2"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}

// Patches and variants have the identity of the resource that they change.
func TestKpt217OneIdentityInSeveralFiles(t *testing.T) {
	t.Parallel()
	base := tree("base.yaml", object("A", "x", "spec: {a: 1}\n"), "overlay/patch.yaml", object("A", "x", "spec: {b: 1}\n"))
	w := get(t, upstream{"v1": base, "v2": with(base, "overlay/patch.yaml", object("A", "x", "spec: {b: 2}\n"))}, gitSource("v1"))
	w.edit("base.yaml", "a: 1", "a: 7")
	if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	if !strings.Contains(w.read("base.yaml"), "a: 7") || !strings.Contains(w.read("overlay/patch.yaml"), "b: 2") {
		t.Error(w.all())
	}
}

// Items of a list of a custom resource have names, but no schema says so.
func TestKpt1499NamedItemsOfCustomResources(t *testing.T) {
	t.Parallel()
	base := "apiVersion: db.example.org/v1\nkind: Instance\nmetadata:\n  name: x\nspec:\n  disks:\n  - name: data\n    size: 1\n  - name: log\n    size: 1\n"
	w := get(t, upstream{"v1": tree("a.yaml", base), "v2": tree("a.yaml", base+"  - name: backup\n    size: 9\n")}, gitSource("v1"))
	w.edit("a.yaml", "  - name: log\n    size: 1\n", "  - name: log\n    size: 5\n")
	if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	if !strings.HasSuffix(w.read("a.yaml"), "  - name: log\n    size: 5\n  - name: backup\n    size: 9\n") {
		t.Error(w.read("a.yaml"))
	}
}

// Marks of setters behind a line got lost (also kpt#948), so that functions no
// longer found their fields.
func TestKpt3405SetterCommentsStay(t *testing.T) {
	t.Parallel()
	base := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: app # kpt-set: ${app}\n  annotations:\n    ip: 1.1.1.1 # kpt-set: ${ip}\n"
	w := get(t, upstream{"v1": tree("a.yaml", base), "v2": tree("a.yaml", strings.Replace(base, "1.1.1.1 # kpt-set: ${ip}", "1.1.1.1 # kpt-set: ${gateway}", 1))}, gitSource("v1"))
	if !strings.Contains(w.read("a.yaml"), "ip: 1.1.1.1 # kpt-set: ${ip}\n") {
		t.Error(w.read("a.yaml"))
	}
	w.edit("a.yaml", "ip: 1.1.1.1", "ip: 2.2.2.2")
	w.update("v2", vendoring.Fail)
	if !strings.Contains(w.read("a.yaml"), "ip: 2.2.2.2 # kpt-set: ${gateway}\n") {
		t.Error(w.read("a.yaml"))
	}
}

// A resource with changes of ours was deleted, or was kept without a word
// (kpt#2241).
func TestKpt2232DeletedUpstreamChangedHere(t *testing.T) {
	t.Parallel()
	base := tree("a.yaml", object("A", "x", "spec: {a: 1}\n"), "b.yaml", object("B", "y", ""))
	w := get(t, upstream{"v1": base, "v2": with(base, "a.yaml", "", "b.yaml", "")}, gitSource("v1"))
	w.edit("a.yaml", "a: 1", "a: 7")
	u := w.update("v2", vendoring.Fail)[0]
	if len(u.Conflicts) != 1 || u.Conflicts[0].Kind != "deleted upstream, changed here" || u.Conflicts[0].Resource != "A x" {
		t.Errorf("%+v", u.Conflicts)
	}
	w.update("v2", vendoring.Theirs)
	for _, name := range []string{"a.yaml", "b.yaml"} {
		if _, err := os.Stat(filepath.Join(w.dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there", name)
		}
	}
}

// Templates of a chart are no YAML; a get of Deus' own demo failed on them
// (also kpt#838), and an update kept a local edit and dropped upstream's.
func TestKpt1114TemplatesAreText(t *testing.T) {
	t.Parallel()
	template := "{{- if .Values.on }}\napiVersion: v1\nkind: A\n{{- end }}\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  a: 1\n"
	base := tree("chart/Chart.yaml", "name: c\n", "chart/templates/a.yaml", template)
	w := get(t, upstream{"v1": base, "v2": with(base, "chart/templates/a.yaml", strings.Replace(template, "{{- if .Values.on }}", "{{- if .Values.enabled }}", 1))}, gitSource("v1"))
	w.edit("chart/templates/a.yaml", "a: 1", "a: 7")
	if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	if text := w.read("chart/templates/a.yaml"); !strings.Contains(text, "a: 7") || !strings.Contains(text, ".Values.enabled") {
		t.Error(text)
	}
}
