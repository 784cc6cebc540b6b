package kustomize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// schema guards the OpenAPI schema that the library keeps in global variables
// (kubernetes-sigs/kustomize#4824), for all renderers of the process. Builds
// with the built-in schema only read it and run side by side, once it has been
// parsed; one that brings its own (openapi:) runs alone and leaves the built-in
// one behind. The library itself would leave its own behind, for all later
// builds.
//
//nolint:gochecknoglobals // what it guards is global, too
var schema sync.RWMutex

// run builds the kustomization at a place and reads the result. A staged run
// gives objects with marks, for the functions that come next.
func (b *build) run(at place, staged bool) ([]*object.Object, []mark, error) {
	built, err := b.make(at, staged)
	if err != nil {
		return nil, nil, b.explain(at, err)
	}
	// Writing a resource asks the schema, too.
	schema.RLock()
	defer schema.RUnlock()
	openapi.Schema()
	return b.objects(at, built)
}

func (b *build) make(at place, staged bool) (built resmap.ResMap, err error) {
	if b.schemas {
		schema.Lock()
		defer schema.Unlock()
		openapi.ResetOpenAPI()
		defer openapi.ResetOpenAPI()
	} else {
		schema.RLock()
		defer schema.RUnlock()
		openapi.Schema() // parses it unless that is done; the library does so without the care that readers need
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone
	options.PluginConfig = types.DisabledPluginConfig()
	return krusty.MakeKustomizer(options).Run(view{b, staged}, at.abs())
}

// objects reads what was built. Marks are taken off again; they say where
// objects are from.
func (b *build) objects(at place, built resmap.ResMap) ([]*object.Object, []mark, error) {
	var objects []*object.Object
	var marks []mark
	for _, res := range built.Resources() {
		d, err := document(res, object.Source{File: at.String()})
		if err != nil {
			return nil, nil, b.explain(at, err)
		}
		if err := render.CheckHead(d); err != nil {
			return nil, nil, err
		}
		found, err := d.Objects()
		if err != nil {
			return nil, nil, err
		}
		for _, o := range found {
			objects, marks = append(objects, o), append(marks, takeMarks(o))
		}
	}
	return objects, marks, nil
}

// document is a resource as data.
func document(res *resource.Resource, from object.Source) (object.Document, error) {
	data, err := res.MarshalJSON()
	if err != nil {
		return object.Document{}, fmt.Errorf("write %s: %w", res.CurId(), err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return object.Document{}, fmt.Errorf("read %s: %w", res.CurId(), err)
	}
	return object.Document{Fields: object.Numbers(fields), Source: from}, nil
}
