package vendoring

import (
	"maps"
	"path"
	"strings"
)

// Layers puts the packed layers of an artifact over each other. A file named
// ".wh.NAME" deletes NAME of the layers below, ".wh..wh..opq" all of its folder
// (OCI image specification, layer.md).
func Layers(layers [][]byte, limits Limits) (Tree, error) {
	all := Tree{}
	for _, data := range layers {
		t, err := Unpack(data, true, limits)
		if err != nil {
			return nil, err
		}
		for p := range t {
			hidden, is := strings.CutPrefix(path.Base(p), ".wh.")
			if !is {
				continue
			}
			delete(t, p)
			cover(all, path.Dir(p), hidden)
		}
		maps.Copy(all, t)
	}
	return all, nil
}

// cover deletes what a mark in a folder hides.
func cover(t Tree, dir, hidden string) {
	name := path.Join(dir, hidden)
	if hidden == ".wh..opq" {
		name = dir
	}
	for p := range t {
		if p == name || strings.HasPrefix(p, name+"/") || name == "." {
			delete(t, p)
		}
	}
}
