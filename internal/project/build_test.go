package project_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/project"
)

const buildFile = `apiVersion: tug.dev/v1alpha1
kind: Build
registry: registry.example/team
chartRepository: oci://registry.example/charts
images:
  shop: {go: ./cmd/shop, platforms: [linux/amd64, linux/arm64], ldflags: "-X main.version=${version}"}
  web:
    dockerfile: web/Dockerfile
    args: {MODE: fast, LEVEL: 3}
charts:
  shop: {path: charts/shop, values: {image.tag: "${version}"}}
`

func TestLoadBuild(t *testing.T) {
	t.Parallel()
	b, err := project.LoadBuild(fstest.MapFS{"sub/tug.build.yaml": {Data: []byte(buildFile)}}, "sub")
	if err != nil {
		t.Fatal(err)
	}
	if b.Images["shop"].Go != "./cmd/shop" || b.Images["web"].Args["LEVEL"] != 3 || b.Charts["shop"].Path != "charts/shop" {
		t.Errorf("%+v", b)
	}
	var schema, document any
	if err := yaml.Unmarshal(project.BuildSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(buildFile), &document); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("build.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("build.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(document); err != nil {
		t.Error(err)
	}
}

func TestLoadBuildRefuses(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: tug.dev/v1alpha1\nkind: Build\n"
	for name, tc := range map[string]struct{ text, want string }{
		"unknown key":   {head + "images:\n  shop: {goo: ./cmd/shop}\n", `tug.build.yaml:4:10: unknown key "goo"`},
		"two sources":   {head + "images:\n  shop: {go: ., dockerfile: Dockerfile}\n", `tug.build.yaml:4:3: image "shop" has 2 sources`},
		"no source":     {head + "images:\n  shop: {tags: [latest]}\n", `image "shop" has 0 sources`},
		"wrong partner": {head + "images:\n  shop: {dockerfile: Dockerfile, base: alpine}\n", `image "shop": base is for images with go`},
		"nothing":       {head, "nothing to build"},
		"chart":         {head + "charts:\n  shop: {}\n", "path is missing"},
		"other kind":    {"apiVersion: tug.dev/v1alpha1\nkind: Project\n", `kind "Project" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := project.LoadBuild(fstest.MapFS{"tug.build.yaml": {Data: []byte(tc.text)}}, ".")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
