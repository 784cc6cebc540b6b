package kustomize

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render/krm"
)

// Annotations by which a generator says how its objects are to be treated.
const (
	hashAnnotation     = "kustomize.config.k8s.io/needs-hash"
	behaviorAnnotation = "kustomize.config.k8s.io/behavior"
)

// plugin is one generator, transformer or validator: a function, or something
// that the library brings along.
type plugin struct {
	config *object.Object
	fn     *krm.Function
}

// externals reads the generators, transformers and validators that a
// kustomization configures by objects, and runs the generators that are not
// the library's own.
func (b *build) externals(n *node, in inherited) error {
	generators, err := b.externalList(n, in, "generators", &n.k.Generators)
	if err != nil {
		return err
	}
	if special(generators) {
		n.k.Generators, n.changed = nil, true
		for _, g := range generators {
			if err := b.generate(n, g); err != nil {
				return err
			}
		}
	}
	if n.transformers, err = b.externalList(n, in, "transformers", &n.k.Transformers); err != nil {
		return err
	}
	n.validators, err = b.externalList(n, in, "validators", &n.k.Validators)
	return err
}

// externalList reads the plugins of one list, and writes the list as the
// library must read it.
func (b *build) externalList(n *node, in inherited, field string, list *[]string) ([]plugin, error) {
	if len(*list) == 0 {
		return nil, nil
	}
	found, entries, err := b.plugins(n, in, field, *list)
	if err != nil {
		return nil, err
	}
	n.changed = n.changed || !slices.Equal(entries, *list)
	*list = entries
	var plugins []plugin
	for _, o := range found {
		b.noteFiles(n, o.Fields)
		fn, err := krm.Find(o)
		if err != nil {
			return nil, err
		}
		if fn != nil && o.Fields["apiVersion"] == "builtin" {
			fn = nil // the library looks at that first
		}
		plugins = append(plugins, plugin{o, fn})
	}
	return plugins, nil
}

// noteFiles remembers every file that the configuration of a plugin may name.
func (b *build) noteFiles(n *node, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, below := range v {
			b.noteFiles(n, below)
		}
	case []any:
		for _, below := range v {
			b.noteFiles(n, below)
		}
	case string:
		if _, file, ok := strings.Cut(v, "="); ok {
			b.noteFiles(n, file)
		}
		if p, ok := n.at.join(v); ok && !strings.Contains(v, "\n") {
			b.others[fileKey{p.mount.tree, p.path}] = true
		}
	}
}

// special reports whether there is something in a list that the library must
// not do.
func special(list []plugin) bool {
	return slices.ContainsFunc(list, func(p plugin) bool { return p.fn != nil || isChart(p.config.Fields) })
}

// generate runs one generator, or leaves it to the library.
func (b *build) generate(n *node, g plugin) error {
	switch {
	case isChart(g.config.Fields):
		return b.chartPlugin(n, g.config)
	case g.fn == nil:
		text, err := inlined(g)
		n.k.Generators = append(n.k.Generators, text)
		return err
	}
	result, err := b.call(n, g.fn, nil)
	if err != nil {
		return err
	}
	m := manifest{objects: result.Objects}
	for _, o := range result.Objects {
		was := mark{was: identity(o)}
		switch hash := takeAnnotation(o, hashAnnotation); hash {
		case "", "false":
		case "true":
			was.hash = true
		default:
			return fault.New(fault.Invalid, "%s: annotation %s of %s is %q", g.config.Source, hashAnnotation, o.Ref(), hash).Hint("write \"true\" or \"false\"")
		}
		if behavior := takeAnnotation(o, behaviorAnnotation); behavior != "" && behavior != "create" {
			return fault.New(fault.Invalid, "%s: a function that generates %s with behavior %q is not supported", g.config.Source, o.Ref(), behavior).
				Hint("make it a transformer, which can change what is there")
		}
		m.marks = append(m.marks, was)
	}
	n.k.Resources = append(n.k.Resources, b.manifests(n, m))
	return nil
}

// inlined is a plugin of the library as an entry of a list.
func inlined(p plugin) (string, error) {
	data, err := sigsyaml.Marshal(p.config.Fields)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", p.config.Source, err)
	}
	return string(data), nil
}

// call runs a function over objects.
func (b *build) call(n *node, fn *krm.Function, objects []*object.Object) (krm.Result, error) {
	runner := krm.Runner{Files: n.at.mount.fsys, Folder: n.at.path, Allow: b.request.Allow, Programs: b.programs}
	result, err := runner.Run(b.ctx, fn, objects)
	b.warnings = append(b.warnings, result.Warnings...)
	return result, err
}

// functions runs the functions among the transformers and validators of a
// kustomization.
func (b *build) functions(n *node, in inherited) error {
	for _, p := range slices.Concat(n.transformers, n.validators) {
		if isChart(p.config.Fields) {
			return fault.New(fault.Invalid, "%s: a chart is a generator", p.config.Source).Hint("list it under generators")
		}
	}
	if err := b.parts(n, in); err != nil {
		return err
	}
	if in.component || !n.withFunctions() {
		return nil // those of a component run in what uses it
	}
	return b.stage(n)
}

// stage builds a kustomization up to its first function, runs that, and goes
// on. What is left for those that use it is a kustomization of the result.
func (b *build) stage(n *node) error {
	final := types.Kustomization{
		TypeMeta: n.k.TypeMeta, MetaData: n.k.MetaData, OpenAPI: n.k.OpenAPI, Crds: n.k.Crds, Vars: n.k.Vars,
		SortOptions: n.k.SortOptions, BuildMetadata: n.k.BuildMetadata,
	}
	for _, c := range n.configurations {
		final.Configurations = append(final.Configurations, n.at.to(c))
	}
	m, err := b.transformed(n)
	if err != nil {
		return err
	}
	if final.Validators, err = b.validated(n, m); err != nil {
		return err
	}
	final.Resources = []string{b.manifests(n, m)}
	n.k, n.changed = final, true
	return nil
}

// transformed gives the objects of a kustomization after its last transformer.
func (b *build) transformed(n *node) (manifest, error) {
	k := n.k
	k.Transformers, k.Validators, k.Vars = nil, nil, nil
	var m manifest
	var err error
	pending := true // k is not built yet
	for _, p := range n.transformers {
		if p.fn == nil {
			text, err := inlined(p)
			if err != nil {
				return manifest{}, err
			}
			k.Transformers, pending = append(k.Transformers, text), true
			continue
		}
		if pending {
			if m, err = b.partial(n, k); err != nil {
				return manifest{}, err
			}
		}
		if m, err = b.transform(n, p.fn, m); err != nil {
			return manifest{}, err
		}
		k = types.Kustomization{TypeMeta: n.k.TypeMeta, OpenAPI: n.k.OpenAPI, Resources: []string{b.manifests(n, m)}}
		pending = false
	}
	if pending {
		return b.partial(n, k)
	}
	return m, nil
}

// validated runs the validators that are functions, and gives the others for
// the library.
func (b *build) validated(n *node, m manifest) (others []string, err error) {
	for _, p := range n.validators {
		if p.fn != nil {
			if err := b.validate(n, p.fn, m); err != nil {
				return nil, err
			}
			continue
		}
		text, err := inlined(p)
		if err != nil {
			return nil, err
		}
		others = append(others, text)
	}
	return others, nil
}

// partial builds a kustomization that is not the whole one.
func (b *build) partial(n *node, k types.Kustomization) (manifest, error) {
	if len(k.OpenAPI) == 0 {
		k.OpenAPI = b.openapi
	}
	k.SortOptions = &types.SortOptions{Order: types.FIFOSortOrder}
	k.BuildMetadata = nil
	marked := node{file: n.file, k: k}
	marked.markSources()
	data, err := encode(k)
	if err != nil {
		return manifest{}, err
	}
	m := b.alias(n.at.mount)
	m.over[n.file.path] = data
	objects, marks, err := b.run(place{m, n.at.path}, true)
	return manifest{objects, marks}, err
}

// transform runs a transformer; what is known about objects stays with them.
func (b *build) transform(n *node, fn *krm.Function, m manifest) (manifest, error) {
	result, err := b.call(n, fn, m.objects)
	if err != nil {
		return manifest{}, err
	}
	out := manifest{objects: result.Objects, marks: make([]mark, len(result.Objects))}
	for i, from := range result.From {
		if from >= 0 {
			out.marks[i] = m.marks[from]
		}
	}
	return out, nil
}

// validate runs a validator, which must leave all objects as they are.
func (b *build) validate(n *node, fn *krm.Function, m manifest) error {
	result, err := b.call(n, fn, m.objects)
	if err != nil {
		return err
	}
	if !slices.Equal(result.Objects, m.objects) {
		return fault.New(fault.Invalid, "%s: a validator changes objects", fn.Config.Source).
			Hint("list it under transformers, or let it report results only")
	}
	return nil
}
