package snapshot

import (
	"context"
	"fmt"
	"testing"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
)

// workload is a repository of YAML with one workload and its configuration.
func workload(kind, spec, config string) map[string]string {
	return map[string]string{
		"web/workload.yaml": "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: web}\nspec: {template: {spec: " + spec + "}}\n",
		"web/config.yaml":   config,
	}
}

const (
	mapA    = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {level: info}\n"
	mapB    = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {level: warn}\n"
	secretA = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {pin: '1234'}\n"
	// The same data in the other form.
	secretA2 = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {pin: MTIzNA==}\n"
	secretB  = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {pin: '1235'}\n"
	usesMap  = "{containers: [{name: c, envFrom: [{configMapRef: {name: a}}]}]}"
	usesKey  = "{containers: [{name: c, env: [{name: P, valueFrom: {secretKeyRef: {name: a, key: pin}}}]}]}"
)

// configHash renders and gives the hash in the workload, "" for none.
func configHash(t *testing.T, files map[string]string, s *object.Sensitive) string {
	t.Helper()
	snap, err := engines().Build(t.Context(), Input{
		Files: tree(files), Sensitive: s,
		Spec: project.Spec{App: "web", Namespace: "shop", Engine: project.Plain, Paths: []string{"web"}, RestartOn: project.RestartOnConfig},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range snap.Objects {
		if spec, ok := o.Fields["spec"].(map[string]any); ok {
			template, _ := spec["template"].(map[string]any)
			return (&object.Object{Fields: template}).Annotation(object.AnnotationConfigHash)
		}
	}
	t.Fatal("no workload")
	return ""
}

func TestRestartOnConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind, spec    string
		before, after string
		hashed, same  bool
	}{
		"a changed ConfigMap":     {"Deployment", usesMap, mapA, mapB, true, false},
		"the same ConfigMap":      {"Deployment", usesMap, mapA, mapA, true, true},
		"a changed Secret":        {"StatefulSet", usesKey, secretA, secretB, true, false},
		"a Secret in other words": {"DaemonSet", usesKey, secretA, secretA2, true, true},
		"a volume":                {"Deployment", "{volumes: [{name: v, configMap: {name: a}}]}", mapA, mapB, true, false},
		"a secret volume":         {"Deployment", "{volumes: [{name: v, secret: {secretName: a}}]}", secretA, secretB, true, false},
		"a projected volume":      {"Deployment", "{volumes: [{name: v, projected: {sources: [{configMap: {name: a}}]}}]}", mapA, mapB, true, false},
		"an init container":       {"Deployment", "{initContainers: [{name: c, envFrom: [{configMapRef: {name: a}}]}]}", mapA, mapB, true, false},
		"pull secrets":            {"Deployment", "{imagePullSecrets: [{name: a}]}", secretA, secretB, false, true},
		"another kind":            {"Deployment", usesKey, mapA, mapB, false, true},
		"another namespace":       {"Deployment", usesMap, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n", mapA, false, false},
		"the app's namespace":     {"Deployment", usesMap, mapA, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {level: info}\n", true, true},
		"a missing one":           {"Deployment", "{containers: [{name: c, envFrom: [{configMapRef: {name: z}}]}]}", mapA, mapB, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := configHash(t, workload(c.kind, c.spec, c.before), nil)
			after := configHash(t, workload(c.kind, c.spec, c.after), nil)
			if (before != "") != c.hashed || (before == after) != c.same {
				t.Errorf("hashes %q and %q", before, after)
			}
		})
	}
}

func TestRestartLeavesJobsAlone(t *testing.T) {
	t.Parallel()
	files := workload("Deployment", usesMap, mapA)
	files["web/workload.yaml"] = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: web}\nspec: {template: {spec: " + usesMap + "}}\n"
	if hash := configHash(t, files, nil); hash != "" {
		t.Errorf("hash %q", hash)
	}
}

// The hash of a Secret is masked; that of a ConfigMap may be shown.
func TestConfigHashOfSecretsIsSensitive(t *testing.T) {
	t.Parallel()
	s := &object.Sensitive{}
	if hash := configHash(t, workload("Deployment", usesKey, secretA), s); s.Mask(hash) != object.Masked {
		t.Errorf("hash %q is shown", s.Mask(hash))
	}
	s = &object.Sensitive{}
	if hash := configHash(t, workload("Deployment", usesMap, mapA), s); s.Mask(hash) != hash {
		t.Error("the hash of a ConfigMap is masked")
	}
}

// Fresh random values differ between a plan and the deploy after it, and so
// does the hash of the Secret that holds them: Stable stands in for both.
func TestConfigHashOfRandomValuesIsStable(t *testing.T) {
	t.Parallel()
	files := tree(map[string]string{
		"shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"shop/templates/all.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {pin: {{ randAlphaNum 16 }}}\n" +
			"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: " + usesKey + "}}\n",
	})
	build := func() map[string]*object.Object {
		snap, err := engines().Build(t.Context(), Input{
			Files: files, Random: Record, Recorded: func(context.Context) (map[string]string, error) { return nil, nil },
			Spec: project.Spec{App: "web", Namespace: "shop", Engine: project.Helm, Paths: []string{"shop"}, RestartOn: project.RestartOnConfig},
		})
		if err != nil {
			t.Fatal(err)
		}
		byKind := map[string]*object.Object{}
		for _, o := range snap.Objects {
			byKind[o.Ref().Kind] = o
		}
		return byKind
	}
	a, b := build(), build()
	for _, kind := range []string{"Secret", "Deployment"} {
		if a[kind].Hash() == b[kind].Hash() {
			t.Errorf("%s: two renders with fresh values are equal", kind)
		}
		if a[kind].Stable == "" || a[kind].Stable != b[kind].Stable {
			t.Errorf("%s: stable %q and %q", kind, a[kind].Stable, b[kind].Stable)
		}
	}
}

func TestBuildHidesObjectsOfEncryptedFiles(t *testing.T) {
	t.Parallel()
	s := object.NewSensitive("hunter2-here")
	s.File("web/whole.yaml")
	s.File("web/part.yaml")
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: hunter2-here, pin: '1234'%s}\n"
	snap, err := engines().Build(t.Context(), Input{
		Files: tree(map[string]string{
			"web/whole.yaml": fmt.Sprintf(config, "whole", ""), "web/part.yaml": fmt.Sprintf(config, "part", ", open: administrator"),
		}),
		Sensitive: s, Spec: project.Spec{App: "web", Engine: project.Plain, Paths: []string{"web"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range snap.Objects {
		if o.Hidden != (o.Name() == "whole") {
			t.Errorf("%s: hidden %v", o.Ref(), o.Hidden)
		}
		data := snap.Masked()[i].Fields["data"].(map[string]any)
		if data["a"] != object.Masked || (data["pin"] == object.Masked) != o.Hidden {
			t.Errorf("%s: shown as %v", o.Ref(), data)
		}
	}
}

func TestCiphertextLosesItsMetadata(t *testing.T) {
	t.Parallel()
	snap, err := engines().Build(t.Context(), Input{
		Files: tree(map[string]string{"web/a.yaml": mapA + "sops: {mac: 'ENC[x]'}\n"}), Ciphertext: true,
		Spec: project.Spec{App: "web", Engine: project.Plain, Paths: []string{"web"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, has := snap.Objects[0].Fields["sops"]; has {
		t.Error("the metadata of SOPS is rendered")
	}
}

func BenchmarkHashConfig(b *testing.B) {
	s := &Snapshot{App: "web", Namespace: "shop"}
	var objects []*object.Object
	for i := range 100 {
		text := fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: a%d}\nstringData: {pin: '1234'}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d%d}\nspec: {template: {spec: {containers: [{name: c, envFrom: [{secretRef: {name: a%d}}]}]}}}\n", i, i, i)
		list, err := object.ReadYAML("a.yaml", []byte(text))
		if err != nil {
			b.Fatal(err)
		}
		objects = append(objects, list...)
	}
	for b.Loop() {
		if err := hashConfig(s, objects); err != nil {
			b.Fatal(err)
		}
	}
}
