package chart

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/yamledit"
)

// write changes Chart.yaml and values.yaml among the files, and gives the paths
// of values that images were written to.
func (s Stamp) write(dir string, all map[string][]byte) ([]string, error) {
	var now metadata
	if err := yaml.Unmarshal(all["Chart.yaml"], &now); err != nil {
		return nil, fault.New(fault.Invalid, "%s: %w", path.Join(dir, "Chart.yaml"), err)
	}
	version := s.Version
	if strings.HasPrefix(now.Version, "v") {
		version = "v" + version // as the author writes it
	}
	var err error
	all["Chart.yaml"], err = yamledit.Set(path.Join(dir, "Chart.yaml"), all["Chart.yaml"],
		yamledit.Edit{Path: yamledit.Keys("version"), Value: yamledit.String(version)},
		yamledit.Edit{Path: yamledit.Keys("appVersion"), Value: yamledit.String(s.AppVersion)})
	if err != nil {
		return nil, err
	}
	text, ok := all["values.yaml"]
	if !ok {
		if len(s.Values) > 0 {
			return nil, fault.New(fault.NotFound, "%s: there is no values.yaml to write values to", dir)
		}
		return nil, nil
	}
	edits, err := s.edits(path.Join(dir, "values.yaml"), text)
	if err != nil {
		return nil, err
	}
	var stamped []string
	for _, e := range edits {
		stamped = append(stamped, e.Path.String())
	}
	edits = append(edits, valueEdits(nil, s.Values)...)
	all["values.yaml"], err = yamledit.Set(path.Join(dir, "values.yaml"), text, edits...)
	return stamped, err
}

// valueEdits are the values that the build file names. A path that is not there
// is an error: a chart that nobody reads the value of would be wrong unseen.
func valueEdits(at yamledit.Path, values map[string]any) []yamledit.Edit {
	var edits []yamledit.Edit
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch v := values[key].(type) {
		case map[string]any:
			edits = append(edits, valueEdits(at.Child(key), v)...)
		case string:
			edits = append(edits, yamledit.Edit{Path: at.Child(key), Value: yamledit.String(v), Existing: true})
		default:
			edits = append(edits, yamledit.Edit{Path: at.Child(key), Value: yamledit.Scalar(fmt.Sprint(v)), Existing: true})
		}
	}
	return edits
}

// edits finds the images in values.yaml: a map whose repository (or name) is
// that of an image gets its tag and digest, and a text that is the reference of
// one becomes the reference with the digest.
func (s Stamp) edits(file string, text []byte) ([]yamledit.Edit, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fault.New(fault.Invalid, "%s: %w", file, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return s.find(nil, doc.Content[0]), nil
}

func (s Stamp) find(at yamledit.Path, n *yaml.Node) []yamledit.Edit {
	var edits []yamledit.Edit
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			edits = append(edits, s.find(at.At(i), item)...)
		}
	case yaml.MappingNode:
		edits = s.inMap(at, n)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			if key == "image" && value.Kind == yaml.ScalarNode {
				edits = append(edits, s.reference(at.Child(key), value.Value)...)
				continue
			}
			edits = append(edits, s.find(at.Child(key), value)...)
		}
	}
	return edits
}

// inMap are the edits of a map that describes an image. Where there is a key
// for the digest, it gets it; else the tag carries it, which every template
// that writes "repository:tag" takes.
func (s Stamp) inMap(at yamledit.Path, n *yaml.Node) []yamledit.Edit {
	fields := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i+1].Kind == yaml.ScalarNode {
			fields[n.Content[i].Value] = n.Content[i+1].Value
		}
	}
	_, hasTag := fields["tag"]
	_, hasDigest := fields["digest"]
	for _, key := range []string{"repository", "name"} {
		i, ok := s.image(fields[key], fields["registry"])
		if !ok {
			continue
		}
		set := func(key, value string) yamledit.Edit {
			return yamledit.Edit{Path: at.Child(key), Value: yamledit.String(value)}
		}
		switch {
		case hasDigest && hasTag:
			return []yamledit.Edit{set("tag", i.Tag), set("digest", i.Digest)}
		case hasDigest:
			return []yamledit.Edit{set("digest", i.Digest)}
		case hasTag:
			return []yamledit.Edit{set("tag", i.Tag+"@"+i.Digest)}
		}
	}
	return nil
}

// reference is the edit of a text that names an image with its tag.
func (s Stamp) reference(at yamledit.Path, text string) []yamledit.Edit {
	repository, _, _ := strings.Cut(text, "@")
	if colon := strings.LastIndexByte(repository, ':'); colon > strings.LastIndexByte(repository, '/') {
		repository = repository[:colon]
	}
	i, ok := s.image(repository, "")
	if !ok {
		return nil
	}
	return []yamledit.Edit{{Path: at, Value: yamledit.String(repository + ":" + i.Tag + "@" + i.Digest)}}
}

// image is the one of a repository, which may be split into registry and the
// rest. Docker's own registry may be left out.
func (s Stamp) image(repository, registry string) (Image, bool) {
	if repository == "" {
		return Image{}, false
	}
	for _, i := range s.Images {
		want := short(i.Repository)
		if short(repository) == want || registry != "" && short(registry+"/"+repository) == want {
			return i, true
		}
	}
	return Image{}, false
}

func short(repository string) string {
	for _, prefix := range []string{"index.docker.io/", "docker.io/"} {
		if rest, ok := strings.CutPrefix(repository, prefix); ok {
			return strings.TrimPrefix(rest, "library/")
		}
	}
	return repository
}
