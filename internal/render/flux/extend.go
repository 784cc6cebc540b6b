package flux

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"

	"go.yaml.in/yaml/v3"

	fluxkustomize "github.com/fluxcd/pkg/apis/kustomize"

	"github.com/tugops/tug/internal/fault"
)

// addition is one key that a spec adds to a kustomization file.
type addition struct {
	key string
	// value replaces the key; list is added to it.
	value string
	list  []any
}

// additions are what the spec of an item says about its build.
func (it *item) additions() ([]addition, error) {
	spec := it.kustomization.Spec
	var add []addition
	for _, a := range []addition{
		{key: "namespace", value: spec.TargetNamespace},
		{key: "namePrefix", value: spec.NamePrefix},
		{key: "nameSuffix", value: spec.NameSuffix},
	} {
		if a.value != "" {
			add = append(add, a)
		}
	}
	if len(spec.Patches) > 0 {
		add = append(add, addition{key: "patches", list: patchList(spec.Patches)})
	}
	components, err := it.components()
	if err != nil {
		return nil, err
	}
	if len(components) > 0 {
		add = append(add, addition{key: "components", list: components})
	}
	if len(spec.Images) > 0 {
		add = append(add, addition{key: "images", list: imageList(spec.Images)})
	}
	return add, nil
}

// components are folders relative to spec.path.
func (it *item) components() ([]any, error) {
	spec := it.kustomization.Spec
	list := make([]any, 0, len(spec.Components))
	for i, c := range spec.Components {
		name := path.Join(it.folder, c)
		if path.IsAbs(c) || !validPath(name) {
			return nil, fault.New(fault.Invalid, "spec.components.%d: %q leads out of %s", i, c, it.from.label()).
				Hint("components are relative to spec.path")
		}
		if !exists(it.from.files, name) {
			if spec.IgnoreMissingComponents {
				continue
			}
			return nil, fault.New(fault.NotFound, "spec.components.%d: %q does not exist in %s", i, c, it.folder)
		}
		list = append(list, c)
	}
	return list, nil
}

func patchList(patches []fluxkustomize.Patch) []any {
	list := make([]any, 0, len(patches))
	for _, p := range patches {
		entry := map[string]any{"patch": p.Patch}
		if p.Target != nil {
			entry["target"] = asMap(p.Target)
		}
		list = append(list, entry)
	}
	return list
}

func imageList(images []fluxkustomize.Image) []any {
	list := make([]any, 0, len(images))
	for _, i := range images {
		list = append(list, asMap(i))
	}
	return list
}

// asMap is the JSON form of an API type; they always encode.
func asMap(v any) map[string]any {
	m := map[string]any{}
	if data, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(data, &m) // it was written just now
	}
	return m
}

// extend adds keys to a kustomization file. Keys that are not there yet are
// written below the text, so that lines in messages stay right; else the
// document is written anew.
func extend(name string, data []byte, add []addition) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return data, nil // the build reports it with its place
	}
	if len(doc.Content) == 0 {
		doc = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map"}}}
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fault.New(fault.Invalid, "%s: a kustomization is a map", name)
	}
	below := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	fresh := true
	for _, a := range add {
		target := below
		if child(root, a.key) != nil {
			fresh, target = false, root
		}
		if err := a.into(target); err != nil {
			return nil, err
		}
	}
	if fresh && len(root.Content) > 0 && root.Style&yaml.FlowStyle == 0 {
		text, err := encode(below)
		if err != nil {
			return nil, err
		}
		joined := append(append(bytes.TrimRight(bytes.Clone(data), "\n"), '\n'), text...)
		var check yaml.Node
		if yaml.Unmarshal(joined, &check) == nil && len(check.Content) == 1 && len(check.Content[0].Content) == len(root.Content)+len(below.Content) {
			return joined, nil
		}
	}
	root.Style, root.Content = 0, append(root.Content, below.Content...)
	return encode(root)
}

func encode(n *yaml.Node) ([]byte, error) {
	data, err := yaml.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("write the kustomization: %w", err)
	}
	return data, nil
}

// into writes an addition into a map.
func (a addition) into(root *yaml.Node) error {
	value := &yaml.Node{}
	if a.list == nil {
		value.SetString(a.value)
	} else if err := value.Encode(a.list); err != nil {
		return fmt.Errorf("write %s: %w", a.key, err)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != a.key {
			continue
		}
		old := root.Content[i+1]
		switch {
		case old.Kind != yaml.SequenceNode || a.list == nil:
			root.Content[i+1] = value
		case a.key == "images":
			mergeImages(old, value)
		default:
			old.Style = 0
			old.Content = append(old.Content, value.Content...)
		}
		return nil
	}
	key := &yaml.Node{}
	key.SetString(a.key)
	root.Content = append(root.Content, key, value)
	return nil
}

// mergeImages puts images over those of the same name. Tag and digest both
// choose a version: one that is given removes the other.
func mergeImages(old, add *yaml.Node) {
	old.Style = 0
	for _, image := range add.Content {
		var there *yaml.Node
		for _, o := range old.Content {
			if o.Kind == yaml.MappingNode && scalar(o, "name") == scalar(image, "name") {
				there = o
			}
		}
		if there == nil {
			old.Content = append(old.Content, image)
			continue
		}
		there.Style = 0
		if scalar(image, "newTag") != "" || scalar(image, "digest") != "" {
			remove(there, "newTag", "digest")
		}
		for i := 0; i+1 < len(image.Content); i += 2 {
			remove(there, image.Content[i].Value)
			there.Content = append(there.Content, image.Content[i], image.Content[i+1])
		}
	}
}

func remove(m *yaml.Node, keys ...string) {
	for _, key := range keys {
		for i := 0; i+1 < len(m.Content); i += 2 {
			if m.Content[i].Value == key {
				m.Content = append(m.Content[:i:i], m.Content[i+2:]...)
				break
			}
		}
	}
}
