package check

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/check/problem"
	checkschema "github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/check/workload"
	"github.com/tugops/tug/internal/object"
)

// environment is what the apps of one environment have in common.
type environment struct {
	name    string
	version *checkschema.Version
	crds    map[schema.GroupKind]*checkschema.CRD
	// objects are all of the environment by kind, namespace and name.
	objects map[object.Ref]*object.Object
	sets    map[string]*appSet
	parts   []*workload.Set
	all     *workload.Set
	finder  *workload.Finder // over all
}

// appSet are the typed objects of one app.
type appSet struct {
	*workload.Set
	own map[*object.Object]bool
}

// environments sorts apps by environment. Apps of one environment may name
// different Kubernetes versions only by --kube-version, which is one for all.
func (c *checker) environments(ctx context.Context, crds map[*Repository][]*checkschema.CRD) (map[string]*environment, error) {
	envs := map[string]*environment{}
	for i := range c.in.Apps {
		app := &c.in.Apps[i]
		env := envs[app.Env]
		if env == nil {
			version, _, err := c.store.Version(app.KubeVersion)
			if err != nil {
				return nil, err
			}
			env = &environment{
				name: app.Env, version: version, crds: map[schema.GroupKind]*checkschema.CRD{},
				objects: map[object.Ref]*object.Object{}, sets: map[string]*appSet{},
			}
			for _, crd := range slices.Concat(crds[app.Repository], c.in.CRDs) {
				env.crds[crd.Kind] = crd
			}
			envs[app.Env] = env
		}
		c.join(ctx, env, app)
	}
	for _, env := range envs {
		env.all = workload.Join(env.parts...)
		env.finder = workload.NewFinder(env.all)
	}
	return envs, ctx.Err()
}

// join adds an app to its environment. Its definitions win over those that lie
// about in the repository.
func (c *checker) join(ctx context.Context, env *environment, app *App) {
	set := &appSet{Set: workload.Read(app.Objects, app.Namespace), own: map[*object.Object]bool{}}
	env.sets[app.Name] = set
	env.parts = append(env.parts, set.Set)
	for _, placed := range set.Objects {
		o := placed.Object
		set.own[o] = true
		if o.GVK() == checkschema.CRDKind() {
			c.definition(ctx, env, app, o)
		}
		ref := env.place(o, app.Namespace)
		first := env.objects[ref]
		if first == nil {
			env.objects[ref] = o
			continue
		}
		if !set.own[first] && o.Annotation(object.AnnotationHook) == "" {
			l := &look{checker: c, env: env, app: app, set: set}
			l.report(o, problem.New(RuleDuplicateObj, nil, "%s is declared by another app, too: %s", o.Ref(), first.Source).
				WithHint("remove or rename one of them; an object belongs to one app"))
		}
	}
}

// place is the identity of an object where it will live: cluster-scoped kinds
// have no namespace, others get that of their app.
func (e *environment) place(o *object.Object, namespace string) object.Ref {
	ref := o.Ref()
	switch namespaced, known := e.namespaced(o.GVK()); {
	case known && !namespaced:
		ref.Namespace = ""
	case ref.Namespace == "":
		ref.Namespace = namespace
	}
	return ref
}

// namespaced reports whether objects of a kind live in namespaces, as far as
// the kind is known.
func (e *environment) namespaced(k schema.GroupVersionKind) (namespaced, known bool) {
	if namespaced, known = e.version.Has(k); known {
		return namespaced, true
	}
	if crd := e.crds[k.GroupKind()]; crd != nil {
		return crd.Namespaced, true
	}
	return false, false
}

// definition takes a CustomResourceDefinition of an app.
func (c *checker) definition(ctx context.Context, env *environment, app *App, o *object.Object) {
	l := &look{checker: c, env: env, app: app}
	crd, err := checkschema.ReadCRD(o)
	if err != nil {
		l.report(o, problem.New(checkschema.RuleCRD, nil, "%v", err))
		return
	}
	env.crds[crd.Kind] = crd
	if !l.wanted(checkschema.RuleCRD) {
		return
	}
	// Environments share most definitions, and compiling their rules takes time.
	hash := o.Hash()
	problems, known := c.definitions[hash]
	if !known {
		problems = crd.Problems(ctx)
		c.definitions[hash] = problems
	}
	for _, p := range problems {
		l.report(o, p)
	}
}

// find gives an object of the environment, or nil.
func (e *environment) find(group, kind, namespace, name string) *object.Object {
	return e.objects[object.Ref{Group: group, Kind: kind, Namespace: namespace, Name: name}]
}

// named are the names of all objects of a kind in a namespace, for hints.
func (e *environment) named(group, kind, namespace string) []string {
	var list []string
	for ref := range e.objects {
		if ref.Group == group && ref.Kind == kind && ref.Namespace == namespace {
			list = append(list, ref.Name)
		}
	}
	slices.Sort(list)
	return list
}
