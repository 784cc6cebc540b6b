package flux

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kustomization is a Flux Kustomization of this repository.
func kustomization(name, spec string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: " + name + ", namespace: flux-system}\nspec:\n" +
		"  sourceRef: {kind: GitRepository, name: flux-system}\n  interval: 5m\n  prune: true\n" + indent(spec)
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"

// TestKustomization: each field of the spec that changes what is built.
func TestKustomization(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spec  string
		files string
		want  []string // objects
		text  []string // what the ConfigMap "settings" must say
		no    []string // and must not
	}{
		"a folder without a kustomization": {
			spec: "path: ./apps\n",
			files: "-- apps/a.yaml --\n" + configMap + "-- apps/deep/b.yml --\napiVersion: v1\nkind: Secret\nmetadata: {name: deep}\n" +
				"-- apps/notes.txt --\nnot read\n-- apps/own/kustomization.yaml --\nnamePrefix: own-\nresources: [c.yaml]\n-- apps/own/c.yaml --\n" + configMap,
			want: []string{"ConfigMap own-settings", "ConfigMap settings", "Secret deep"},
		},
		"patches by target": {
			spec:  "path: apps\npatches:\n  - patch: |\n      - {op: add, path: /data, value: {a: b}}\n    target: {kind: ConfigMap, name: settings}\n",
			files: "-- apps/kustomization.yaml --\nresources: [a.yaml]\n-- apps/a.yaml --\n" + configMap,
			want:  []string{"ConfigMap settings"}, text: []string{"a: b"},
		},
		"patches after those of the file": {
			spec:  "path: apps\npatches:\n  - patch: |\n      apiVersion: v1\n      kind: ConfigMap\n      metadata: {name: settings}\n      data: {a: last}\n",
			files: "-- apps/kustomization.yaml --\nresources: [a.yaml]\npatches: # first\n  - patch: |\n      apiVersion: v1\n      kind: ConfigMap\n      metadata: {name: settings}\n      data: {a: first, b: first}\n-- apps/a.yaml --\n" + configMap,
			want:  []string{"ConfigMap settings"}, text: []string{"a: last", "b: first"},
		},
		"names and namespace": {
			spec:  "path: apps\ntargetNamespace: shop\nnamePrefix: p-\nnameSuffix: -s\n",
			files: "-- apps/kustomization.yaml --\nnamespace: other\nresources: [a.yaml]\n-- apps/a.yaml --\n" + configMap,
			want:  []string{"ConfigMap shop/p-settings-s"},
		},
		"images": {
			spec:  "path: apps\nimages:\n  - {name: a, newTag: \"2\"}\n  - {name: b, newName: c, digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n",
			files: "-- apps/kustomization.yaml --\nresources: [a.yaml]\nimages: [{name: a, newName: x, digest: sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}]\n-- apps/a.yaml --\n" + podOf("a", "b"),
			want:  []string{"Pod settings"}, text: []string{"image: x:2", "image: c@sha256:aaaa"},
		},
		"components": {
			spec:  "path: apps\ncomponents: [../parts/one, ../parts/none]\nignoreMissingComponents: true\n",
			files: "-- apps/kustomization.yaml --\nresources: [a.yaml]\n-- apps/a.yaml --\n" + configMap + "-- parts/one/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {part: one}\n",
			want:  []string{"ConfigMap settings"}, text: []string{"part: one"},
		},
		"common metadata": {
			spec:  "path: apps\ncommonMetadata: {labels: {team: web}, annotations: {note: hi}}\n",
			files: "-- apps/a.yaml --\n" + configMap,
			want:  []string{"ConfigMap settings"}, text: []string{"team: web", "note: hi"},
		},
		"substitution": {
			spec:  "path: apps\npostBuild:\n  substitute: {name: shop, port: \"8080\", list: \"[1, 2]\"}\n",
			files: "-- apps/a.yaml --\n" + configMap + "data:\n  a: ${name}-x\n  b: ${none:-standard}\n  c: ${none:=set}\n  d: $${name}\n  e: \"${none}\"\n  f: $name and $(name)\n  g: ${name:0:2}\nport: ${port}\nlist: ${list}\n",
			want:  []string{"ConfigMap settings"},
			text:  []string{"a: shop-x", "b: standard", "c: set", "d: ${name}", "e: null", "f: $name and $(name)", "g: sh", "port: 8080", "- 1"},
		},
		"substitution from objects": {
			spec:  "path: apps\npostBuild:\n  substituteFrom:\n    - {kind: ConfigMap, name: vars}\n    - {kind: Secret, name: more}\n    - {kind: Secret, name: none, optional: true}\n  substitute: {c: inline}\n",
			files: "-- cluster/vars.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars, namespace: flux-system}\ndata: {a: \"from\\nvars\", b: from vars, c: from vars}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: more, namespace: flux-system}\ndata: {b: ZnJvbSBtb3Jl}\n-- apps/a.yaml --\n" + configMap + "data: {a: \"${a}\", b: \"${b}\", c: \"${c}\"}\n",
			want:  []string{"ConfigMap flux-system/vars", "ConfigMap settings", "Secret flux-system/more"},
			text:  []string{"a: fromvars", "b: from more", "c: inline"},
		},
		"substitution switched off": {
			spec:  "path: apps\npostBuild:\n  substitute: {a: b}\n",
			files: "-- apps/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}\ndata: {a: \"${a}\"}\n",
			want:  []string{"ConfigMap settings"}, text: []string{"a: ${a}"},
		},
		"no variables, no substitution": {
			spec:  "path: apps\npostBuild: {substitute: {}}\n",
			files: "-- apps/a.yaml --\n" + configMap + "data: {a: \"$${a}\", b: \"${b}\"}\n",
			want:  []string{"ConfigMap settings"}, text: []string{"a: $${a}", "b: ${b}"},
		},
		"a path with a leading slash": {
			spec: "path: /apps/../apps/\n", files: "-- apps/a.yaml --\n" + configMap, want: []string{"ConfigMap settings"},
		},
		"accepted": {
			spec: "path: apps\nwait: true\ntimeout: 3m\nretryInterval: 1m\nforce: true\ndeletionPolicy: Orphan\nserviceAccountName: web\n" +
				"decryption: {provider: sops, secretRef: {name: age}}\nhealthChecks: [{kind: Deployment, name: web, namespace: shop}]\n" +
				"healthCheckExprs: [{apiVersion: a/v1, kind: B, current: \"true\"}]\nbuildMetadata: [originAnnotations]\n",
			files: "-- apps/a.yaml --\n" + configMap, want: []string{"ConfigMap settings"},
		},
		"what the source leaves out": {
			spec:  "path: apps\n",
			files: "-- .sourceignore --\n# comment\n/apps/secret/\n!/apps/secret/kept.yaml\n*.skip.yaml\n-- apps/a.yaml --\n" + configMap + "-- apps/b.skip.yaml --\nnot read\n-- apps/.sops.yaml --\nnot: read\n-- apps/secret/x.yaml --\nnot: read\n-- apps/secret/kept.yaml --\napiVersion: v1\nkind: Secret\nmetadata: {name: kept}\n",
			want:  []string{"ConfigMap settings", "Secret kept"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archive := "-- cluster/apps.yaml --\n" + kustomization("apps", test.spec) + test.files
			result, err := renderer().Render(t.Context(), request(files(t, archive), "cluster"))
			if err != nil {
				t.Fatal(fullError(err))
			}
			if diff := cmp.Diff(test.want, names(result.Objects)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if len(test.text) == 0 {
				return
			}
			kind := "ConfigMap"
			if strings.HasPrefix(test.want[0], "Pod") {
				kind = "Pod"
			}
			got := text(t, result.Objects, kind, "settings")
			for _, want := range test.text {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
		})
	}
}

func podOf(images ...string) string {
	s := "apiVersion: v1\nkind: Pod\nmetadata: {name: settings}\nspec:\n  containers:\n"
	for _, image := range images {
		s += "    - {name: " + image + ", image: " + image + "}\n"
	}
	return s
}

// TestOwnKustomization: bootstrap writes a Kustomization into the folder that
// it builds; what people add to it counts for the folder.
func TestOwnKustomization(t *testing.T) {
	t.Parallel()
	archive := "-- clusters/prod/flux-system/gotk-sync.yaml --\n" + kustomization("flux-system", "path: ./clusters/prod\npostBuild: {substituteFrom: [{kind: ConfigMap, name: vars}]}\n") +
		"-- clusters/prod/flux-system/gotk-components.yaml --\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: helm-controller, namespace: flux-system, labels: {app.kubernetes.io/part-of: flux}}\n" +
		"-- clusters/prod/flux-system/kustomization.yaml --\nresources: [gotk-components.yaml, gotk-sync.yaml]\n" +
		"-- clusters/prod/vars.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars, namespace: flux-system}\ndata: {a: b}\n" +
		"-- clusters/prod/settings.yaml --\n" + configMap + "data: {a: \"${a}\"}\n"
	result, err := renderer().Render(t.Context(), request(files(t, archive), "clusters/prod"))
	if err != nil {
		t.Fatal(fullError(err))
	}
	if diff := cmp.Diff([]string{"ConfigMap flux-system/vars", "ConfigMap settings"}, names(result.Objects)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if got := text(t, result.Objects, "ConfigMap", "settings"); !strings.Contains(got, "a: b") {
		t.Errorf("got %s", got)
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "1 objects of Flux itself") {
		t.Errorf("warnings %q", result.Warnings)
	}
}

// TestOldVersions: v1beta2 with its old keys is read, with a warning.
func TestOldVersions(t *testing.T) {
	t.Parallel()
	spec := "path: apps\nvalidation: client\npatchesStrategicMerge:\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: merge}}\n" +
		"patchesJson6902:\n  - {target: {kind: ConfigMap, name: settings}, patch: [{op: add, path: /data/b, value: json}]}\n"
	archive := "-- cluster/apps.yaml --\n" + strings.Replace(kustomization("apps", spec), "/v1\n", "/v1beta2\n", 1) + "-- apps/a.yaml --\n" + configMap
	result, err := renderer().Render(t.Context(), request(files(t, archive), "cluster"))
	if err != nil {
		t.Fatal(fullError(err))
	}
	got := text(t, result.Objects, "ConfigMap", "settings")
	if !strings.Contains(got, "a: merge") || !strings.Contains(got, "b: json") {
		t.Errorf("got %s", got)
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "v1beta2 is old") {
		t.Errorf("warnings %q", result.Warnings)
	}
}

// TestNested: clusters name folders, which name folders. What depends on
// something comes in a later group, with all that it declares.
func TestNested(t *testing.T) {
	t.Parallel()
	object := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: x}\n"
	}
	archive := "-- cluster/all.yaml --\n" + kustomization("infra", "path: infra\nwait: true\n") + "---\n" +
		kustomization("apps", "path: apps\ndependsOn: [{name: infra}]\n") +
		"-- infra/a.yaml --\n" + object("infra") + "---\n" + kustomization("controllers", "path: controllers\n") + "---\n" + kustomization("configs", "path: configs\ndependsOn: [{name: controllers}]\n") +
		"-- controllers/a.yaml --\n" + object("controllers") + "-- configs/a.yaml --\n" + object("configs") +
		"-- apps/a.yaml --\n" + object("apps") + "---\n" + kustomization("more", "path: more\n") +
		"-- more/a.yaml --\n" + object("more")
	result, err := renderer().Render(t.Context(), request(files(t, archive), "cluster"))
	if err != nil {
		t.Fatal(fullError(err))
	}
	got := map[string]string{}
	for _, o := range result.Objects {
		got[o.Name()] = o.Annotation("tug.dev/group")
	}
	want := map[string]string{"infra": "", "controllers": "", "configs": "1", "apps": "2", "more": "2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// TestVariablesFromALaterKustomization: substituteFrom may name what another
// Kustomization brings, whatever their order in the file.
func TestVariablesFromALaterKustomization(t *testing.T) {
	t.Parallel()
	archive := "-- cluster/all.yaml --\n" + kustomization("apps", "path: apps\npostBuild: {substituteFrom: [{kind: ConfigMap, name: vars}, {kind: ConfigMap, name: late, optional: true}]}\n") + "---\n" +
		kustomization("vars", "path: vars\n") +
		"-- vars/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars, namespace: flux-system}\ndata: {a: b}\n---\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late, namespace: flux-system}\ndata: {c: d}\n" +
		"-- apps/a.yaml --\n" + configMap + "data: {a: \"${a}\", c: \"${c}\"}\n"
	result, err := renderer().Render(t.Context(), request(files(t, archive), "cluster"))
	if err != nil {
		t.Fatal(fullError(err))
	}
	if got := text(t, result.Objects, "ConfigMap", "settings"); !strings.Contains(got, "a: b") || !strings.Contains(got, "c: d") {
		t.Errorf("got %s", got)
	}
}

// TestArtifacts: an ArtifactGenerator puts folders of the repository together.
func TestArtifacts(t *testing.T) {
	t.Parallel()
	generator := `apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: {name: all, namespace: flux-system}
spec:
  sources: [{alias: repo, kind: GitRepository, name: flux-system}]
  artifacts:
    - name: apps
      copy:
        - {from: "@repo/src/base/**", to: "@artifact/base/", exclude: ["*.md", "left-out.yaml"]}
        - {from: "@repo/src/prod/", to: "@artifact/"}
        - {from: "@repo/src/values/one.yaml", to: "@artifact/prod/values.yaml"}
        - {from: "@repo/src/values/two.yaml", to: "@artifact/prod/values.yaml", strategy: Merge}
`
	k := strings.Replace(kustomization("apps", "path: ./prod\n"), "kind: GitRepository, name: flux-system", "kind: ExternalArtifact, name: apps", 1)
	archive := "-- cluster/all.yaml --\n" + generator + "---\n" + k +
		"-- src/base/a.yaml --\n" + configMap + "-- src/base/deep/b.yaml --\napiVersion: v1\nkind: Secret\nmetadata: {name: deep}\n" +
		"-- src/base/left-out.yaml --\nno: object\n-- src/base/kustomization.yaml --\nresources: [a.yaml, deep/b.yaml]\n" +
		"-- src/values/one.yaml --\na: {b: 1, c: 1}\n-- src/values/two.yaml --\na: {c: 2}\n" +
		"-- src/prod/kustomization.yaml --\nresources: [../base]\nconfigMapGenerator: [{name: gen, files: [values.yaml], options: {disableNameSuffixHash: true}}]\n"
	result, err := renderer().Render(t.Context(), request(files(t, archive), "cluster"))
	if err != nil {
		t.Fatal(fullError(err))
	}
	if diff := cmp.Diff([]string{"ConfigMap gen", "ConfigMap settings", "Secret deep"}, names(result.Objects)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if got := text(t, result.Objects, "ConfigMap", "gen"); !strings.Contains(got, `{"a":{"b":1,"c":2}}`) {
		t.Errorf("got %s", got)
	}
	if got := text(t, result.Objects, "ConfigMap", "settings"); !strings.Contains(got, "Source: src/base/a.yaml") {
		t.Errorf("got %s", got)
	}
}
