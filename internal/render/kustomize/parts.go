package kustomize

import (
	"reflect"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/tugops/tug/internal/fault"
)

// withFunctions reports whether a kustomization or component has functions.
func (n *node) withFunctions() bool { return special(n.transformers) || special(n.validators) }

// parts runs the functions among the components of a kustomization. A
// component works on the objects of the one that uses it, before the fields of
// that one do: so it is built up to each function, and goes on from the result.
func (b *build) parts(n *node, in inherited) error {
	found := false
	for _, part := range n.components {
		found = found || part.withFunctions()
	}
	if !found {
		return nil
	}
	if in.component {
		return fault.New(fault.Invalid, "%s: functions in a component of a component are not supported", n.file).
			Hint("list the inner component in the kustomization that uses this one")
	}
	run := parts{build: b, n: n, head: types.Kustomization{
		TypeMeta: n.k.TypeMeta, OpenAPI: n.k.OpenAPI, Configurations: n.k.Configurations, Crds: n.k.Crds,
		Resources: n.k.Resources, Generators: n.k.Generators, GeneratorOptions: n.k.GeneratorOptions,
		ConfigMapGenerator: n.k.ConfigMapGenerator, SecretGenerator: n.k.SecretGenerator,
	}}
	for i, part := range n.components {
		if !part.withFunctions() {
			run.head.Components = append(run.head.Components, n.k.Components[i])
			continue
		}
		if err := run.component(part); err != nil {
			return err
		}
	}
	n.k.Resources, n.k.Components, n.k.Configurations = run.head.Resources, run.head.Components, run.head.Configurations
	n.k.Generators, n.k.ConfigMapGenerator, n.k.SecretGenerator = run.head.Generators, run.head.ConfigMapGenerator, run.head.SecretGenerator
	n.changed = true
	return nil
}

// parts is a kustomization on its way through its components: head is what the
// library has to build next.
type parts struct {
	*build
	n    *node
	head types.Kustomization
}

// component goes through one component with functions.
func (r *parts) component(part *node) error {
	rest := part.k
	rest.Transformers, rest.Validators = nil, nil
	for _, p := range part.transformers {
		if p.fn == nil {
			text, err := inlined(p)
			if err != nil {
				return err
			}
			rest.Transformers = append(rest.Transformers, text)
			continue
		}
		m, err := r.upTo(part, rest)
		if err != nil {
			return err
		}
		if m, err = r.transform(part, p.fn, m); err != nil {
			return err
		}
		r.goOn(m)
		rest = types.Kustomization{TypeMeta: part.k.TypeMeta}
	}
	for _, p := range part.validators {
		if p.fn == nil {
			text, err := inlined(p)
			if err != nil {
				return err
			}
			rest.Validators = append(rest.Validators, text)
			continue
		}
		m, err := r.upTo(part, rest)
		if err != nil {
			return err
		}
		if err := r.validate(part, p.fn, m); err != nil {
			return err
		}
		r.goOn(m)
		rest = types.Kustomization{TypeMeta: part.k.TypeMeta}
	}
	return r.use(part, rest)
}

// use lists what is left of a component.
func (r *parts) use(part *node, rest types.Kustomization) error {
	if reflect.DeepEqual(rest, types.Kustomization{TypeMeta: rest.TypeMeta}) {
		return nil
	}
	data, err := encode(rest)
	if err != nil {
		return err
	}
	m := r.alias(part.file.mount)
	m.over[part.file.path] = data
	r.head.Components = append(r.head.Components, r.n.at.to(place{m, part.at.path}))
	return nil
}

// upTo builds what there is so far.
func (r *parts) upTo(part *node, rest types.Kustomization) (manifest, error) {
	if err := r.use(part, rest); err != nil {
		return manifest{}, err
	}
	return r.partial(r.n, r.head)
}

// goOn makes the result of a function the resources of what comes next.
func (r *parts) goOn(m manifest) {
	r.head = types.Kustomization{
		TypeMeta: r.n.k.TypeMeta, OpenAPI: r.n.k.OpenAPI, Crds: r.n.k.Crds, Resources: []string{r.manifests(r.n, m)},
	}
	for _, c := range r.n.configurations {
		r.head.Configurations = append(r.head.Configurations, r.n.at.to(c))
	}
}
