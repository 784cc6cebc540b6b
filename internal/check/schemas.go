package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// schemas validates every object against the schema of its kind.
func (l *look) schemas(ctx context.Context) error {
	for _, placed := range l.set.Objects {
		o := placed.Object
		l.lifecycle(o)
		problems, err := l.validate(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Ref(), err)
		}
		for _, p := range problems {
			l.report(o, p)
		}
	}
	return nil
}

func (l *look) validate(ctx context.Context, o *object.Object) ([]problem.Problem, error) {
	k := o.GVK()
	if _, known := l.env.version.Has(k); known {
		return l.env.version.Validate(o.Fields, k)
	}
	meta, err := l.env.version.ValidateMeta(o.Fields)
	if err != nil {
		return nil, err
	}
	crd := l.env.crds[k.GroupKind()]
	if crd == nil {
		return append(meta, l.unknownKind(o)), nil
	}
	if slices.Contains(crd.Versions(), k.Version) {
		return l.customResource(ctx, o, crd, meta), nil
	}
	return []problem.Problem{problem.New(RuleAPIUnknown, problem.Path{"apiVersion"}, "the definition of %s (%s) has no version %q", crd.Kind, crd.Source, k.Version).
		WithHint("it has: %s", some(crd.Versions()))}, nil
}

// customResource validates an object by its definition. What is wrong with its
// metadata is said once.
func (l *look) customResource(ctx context.Context, o *object.Object, crd *schema.CRD, meta []problem.Problem) []problem.Problem {
	k := o.GVK()
	problems, err := crd.Validate(ctx, o.Fields, k.Version)
	if err != nil {
		// A definition that cannot be used is a finding about it, not here.
		return append(meta, problem.New(RuleSchemaMissing, nil, "the schema of %s cannot be used: %v", k.Kind, err))
	}
	if len(meta) > 0 {
		problems = slices.DeleteFunc(problems, func(p problem.Problem) bool { return len(p.Path) > 0 && p.Path[0] == "metadata" })
	}
	if warning := crd.Deprecated(k.Version); warning != "" {
		problems = append(problems, problem.New(RuleAPIDeprecated, problem.Path{"apiVersion"}, "%s", warning))
	}
	return append(meta, problems...)
}

// unknownKind says why there is no schema: the version is gone, the kind is
// misspelt, or the definition is elsewhere.
func (l *look) unknownKind(o *object.Object) problem.Problem {
	k, v := o.GVK(), l.env.version
	at := problem.Path{"apiVersion"}
	release := fmt.Sprintf("Kubernetes 1.%d", v.Minor)
	life := v.Lifecycle(k)
	if life.Removed > 0 && life.Removed <= v.Minor {
		p := problem.New(RuleAPIRemoved, at, "%s of %s is gone since Kubernetes 1.%d", k.GroupVersion(), k.Kind, life.Removed)
		if life.Replacement != "" {
			return p.WithHint("use %s", apiVersion(life.Replacement))
		}
		return p
	}
	if served := v.Served(k.GroupKind()); len(served) > 0 {
		return problem.New(RuleAPIUnknown, at, "%s has no %s in version %q", release, k.Kind, k.Version).
			WithHint("use apiVersion: %s", join2(k.Group, served[len(served)-1]))
	}
	if v.BuiltinGroup(k.Group) {
		p := problem.New(RuleAPIUnknown, problem.Path{"kind"}, "%s has no kind %q in %s", release, k.Kind, k.GroupVersion())
		if versions := v.KindVersions(k.Kind); len(versions) > 0 {
			return p.WithHint("%s is in %s", k.Kind, some(versions))
		}
		if near := fault.Nearest(k.Kind, v.Kinds(k.GroupVersion()), 1); len(near) > 0 {
			return p.WithHint("did you mean %q?", near[0])
		}
		return p
	}
	return problem.New(RuleSchemaMissing, at, "the schema of %s %s is not known, so that the object was not validated", k.GroupVersion(), k.Kind).
		WithHint("put its CustomResourceDefinition into the repository, or name it with --crds or in %s", ConfigFile)
}

// apiVersion takes the kind off "group/version/Kind".
func apiVersion(key string) string {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] == '/' {
			return "apiVersion: " + trimSlash(key[:i])
		}
	}
	return key
}

func trimSlash(s string) string {
	if s != "" && s[0] == '/' {
		return s[1:]
	}
	return s
}

func join2(group, version string) string { return trimSlash(group + "/" + version) }

// lifecycle warns of versions that are served now and will not be for long.
func (l *look) lifecycle(o *object.Object) {
	k, minor := o.GVK(), l.env.version.Minor
	if _, served := l.env.version.Has(k); !served {
		return
	}
	life := l.env.version.Lifecycle(k)
	deprecated := life.Deprecated > 0 && life.Deprecated <= minor
	if !deprecated && life.Removed == 0 {
		return
	}
	text := fmt.Sprintf("%s of %s is deprecated", k.GroupVersion(), k.Kind)
	if life.Deprecated > 0 {
		text += fmt.Sprintf(" since Kubernetes 1.%d", life.Deprecated)
	}
	if life.Removed > 0 {
		text += fmt.Sprintf(" and gone from 1.%d on", life.Removed)
	}
	p := problem.New(RuleAPIDeprecated, problem.Path{"apiVersion"}, "%s", text)
	if life.Replacement != "" {
		p = p.WithHint("use %s", apiVersion(life.Replacement))
	}
	l.report(o, p)
}
