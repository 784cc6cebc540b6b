package project

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// BuildFileName is the name of the file that says what a code repository
// builds (docs/build.md). Most need none.
const BuildFileName = "tug.build.yaml"

// Build is what a code repository builds: images and charts.
type Build struct {
	APIVersion      string                `yaml:"apiVersion" rule:"required" enum:"tug.dev/v1alpha1" doc:"Version of this format."`
	Kind            string                `yaml:"kind" rule:"required" enum:"Build" doc:"Always Build."`
	Registry        string                `yaml:"registry" rule:"filled" doc:"Where images go that name no destination: host and path, to which the name of the image is added. --registry goes first."`
	ChartRepository string                `yaml:"chartRepository" rule:"filled" doc:"Where charts go: oci://host/path, https://… (ChartMuseum's upload), nexus+https://… or s3://bucket/path. --charts goes first."`
	TagPrefix       string                `yaml:"tagPrefix" rule:"filled" doc:"Prefix of the version tags of this part of the repository: with shop/ the tag shop/v1.2.3 is version 1.2.3."`
	Images          map[string]BuildImage `yaml:"images" doc:"Images by name."`
	Charts          map[string]BuildChart `yaml:"charts" doc:"Charts by name."`
}

// BuildImage is one image.
type BuildImage struct {
	Go          string   `yaml:"go" rule:"filled" doc:"Folder of a Go main package, built without Docker."`
	Dockerfile  string   `yaml:"dockerfile" rule:"filled" doc:"A Dockerfile, built by buildah, podman, BuildKit or Docker, whichever is there."`
	Prebuilt    string   `yaml:"prebuilt" rule:"filled" doc:"An image that something else built and pushed, by digest: registry/name@sha256:…"`
	Context     string   `yaml:"context" rule:"filled" doc:"Folder that a Dockerfile sees. Default: its own."`
	Target      string   `yaml:"target" rule:"filled" doc:"Stage of the Dockerfile to stop at."`
	Args        Values   `yaml:"args" doc:"Build arguments of the Dockerfile. ${version} and ${commit} are filled in."`
	Base        string   `yaml:"base" rule:"filled" doc:"Image below a Go program. Default: none but the certificates of public authorities."`
	Ldflags     string   `yaml:"ldflags" rule:"filled" doc:"Flags for the linker of a Go program. ${version} and ${commit} are filled in."`
	BuildTags   []string `yaml:"buildTags" rule:"filled" doc:"Build tags of a Go program."`
	Platforms   []string `yaml:"platforms" rule:"filled" doc:"Platforms of a Go program, like linux/arm64. Default: linux/amd64. More than one makes an index."`
	User        string   `yaml:"user" rule:"filled" doc:"User and group that a Go program runs as. Default: 65532:65532, or that of base."`
	Destination string   `yaml:"destination" rule:"filled" doc:"Repository in a registry that the image goes to: registry.example/team/shop."`
	Tags        []string `yaml:"tags" rule:"filled" doc:"More tags, which move with every build. The version is always a tag, and never moves."`
	Image       string   `yaml:"image" rule:"filled" doc:"The reference that manifests have for the image. Default: any tag of its destination."`
}

// BuildChart is one chart.
type BuildChart struct {
	Path       string `yaml:"path" rule:"required" doc:"Folder of the chart."`
	Repository string `yaml:"repository" rule:"filled" doc:"Where it goes, instead of chartRepository."`
	Values     Values `yaml:"values" doc:"Values of values.yaml that are written when the chart is packed, by path. ${version}, ${commit}, ${image.NAME} and ${digest.NAME} are filled in."`
}

// LoadBuild reads tug.build.yaml in the folder root of files. Errors are those
// of Load.
func LoadBuild(files fs.FS, root string) (*Build, error) {
	file := path.Join(root, BuildFileName)
	data, err := readFile(files, file)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: file}
	tree := d.parse(data)
	if tree == nil {
		return nil, d.problems.fault()
	}
	var b Build
	d.value(tree, reflect.ValueOf(&b).Elem(), field{name: "the document"})
	for _, name := range slices.Sorted(maps.Keys(b.Images)) {
		b.Images[name].check(d, keyAt(tree, "images", name))
	}
	if len(d.problems) == 0 && len(b.Images)+len(b.Charts) == 0 {
		d.report(tree, "list images: or charts:", "nothing to build")
	}
	if err := d.problems.fault(); err != nil {
		return nil, err
	}
	return &b, nil
}

// check reports keys that do not go together.
func (i BuildImage) check(d *decoder, at *yaml.Node) {
	kinds := 0
	for _, text := range []string{i.Go, i.Dockerfile, i.Prebuilt} {
		if text != "" {
			kinds++
		}
	}
	if kinds != 1 {
		d.report(at, "write one of go: FOLDER, dockerfile: FILE and prebuilt: IMAGE@DIGEST", "image %q has %d sources", at.Value, kinds)
		return
	}
	of := func(kind string, keys map[string]bool) {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if keys[key] {
				d.report(at, "", "image %q: %s is for images with %s", at.Value, key, kind)
			}
		}
	}
	if i.Go == "" {
		of("go", map[string]bool{
			"base": i.Base != "", "ldflags": i.Ldflags != "", "buildTags": i.BuildTags != nil,
			"platforms": i.Platforms != nil, "user": i.User != "",
		})
	}
	if i.Dockerfile == "" {
		of("dockerfile", map[string]bool{"context": i.Context != "", "target": i.Target != "", "args": i.Args != nil})
	}
}

// keyAt is the key at a path of a document.
func keyAt(n *yaml.Node, keys ...string) *yaml.Node {
	at := n
	for _, key := range keys {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				at, n = n.Content[i], n.Content[i+1]
				break
			}
		}
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
	}
	return at
}

// BuildSchema is the JSON Schema of tug.build.yaml.
func BuildSchema() []byte {
	s := mapSchema(reflect.TypeFor[Build]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = BuildFileName
	s["description"] = "What a code repository builds with tug."
	image := mapSchema(reflect.TypeFor[BuildImage]())
	image["type"] = "object"
	image["oneOf"] = []any{required("go"), required("dockerfile"), required("prebuilt")}
	s["$defs"] = map[string]any{"BuildImage": image, "BuildChart": mapSchema(reflect.TypeFor[BuildChart]())}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // as in Schema
	}
	return append(data, '\n')
}
