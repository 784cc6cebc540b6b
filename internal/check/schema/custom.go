package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/fault"
)

// Validate compares a custom resource with the schema of one version of its
// definition, in the order of an API server: unknown fields, defaults, values,
// lists, CEL rules. Rules that cost more than a server allows are a problem,
// too, so that no definition can keep a check busy.
func (c *CRD) Validate(ctx context.Context, fields map[string]any, version string) ([]problem.Problem, error) {
	v := c.versions[version]
	if v == nil {
		return nil, fmt.Errorf("%s has no version %q", c.Kind, version)
	}
	validator, err := v.make()
	if err != nil {
		return nil, fmt.Errorf("%s: schema of %s %s: %w", c.Source, c.Kind, version, err)
	}
	if validator.schema == nil {
		return nil, nil // no schema: everything goes
	}
	value, err := plain(fields)
	if err != nil {
		return nil, err
	}
	// The server fills status in by itself and ignores one that is given.
	if len(c.subresources(version)) > 0 {
		delete(value, "status")
	}
	return validator.validate(ctx, value), nil
}

// subresources names those of a version that take a part of the object away.
func (c *CRD) subresources(version string) []string {
	for i := range c.definition.Spec.Versions {
		d := &c.definition.Spec.Versions[i]
		if d.Name != version {
			continue
		}
		s := d.Subresources
		if s == nil {
			s = c.definition.Spec.Subresources
		}
		if s != nil && s.Status != nil {
			return []string{"status"}
		}
	}
	return nil
}

func (v *crdValidator) validate(ctx context.Context, value map[string]any) []problem.Problem {
	var problems []problem.Problem
	unknown := pruning.PruneWithOptions(value, v.schema, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		problems = append(problems, v.unknown(problem.ParsePath(path)))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(value, v.schema)
	defaulting.Default(value, v.schema)
	var errs field.ErrorList
	errs = append(errs, objectmeta.Validate(ctx, nil, value, v.schema, true)...)
	errs = append(errs, validation.ValidateCustomResource(nil, value, v.values)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, v.schema, value)...)
	for _, e := range errs {
		problems = append(problems, fromField(e))
	}
	if v.rules == nil || blocking(errs) {
		return problems
	}
	broken, _ := v.rules.Validate(ctx, nil, v.schema, value, nil, celconfig.RuntimeCELCostBudget)
	for _, e := range broken {
		p := fromField(e)
		p.Rule = RuleCEL
		problems = append(problems, p)
	}
	return problems
}

// blocking reports whether rules would make no sense of the values; the API
// server leaves them out for the same errors.
func blocking(errs field.ErrorList) bool {
	return slices.ContainsFunc(errs, func(e *field.Error) bool {
		switch e.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
		return false
	})
}

// unknown names the nearest field of the schema at the path.
func (v *crdValidator) unknown(at problem.Path) problem.Problem {
	name := last(at)
	p := problem.New(RuleUnknownField, at, "unknown field %q", name)
	s := v.schema
	for _, step := range at[:len(at)-1] {
		if s == nil {
			return p
		}
		key, isKey := step.(string)
		switch next, ok := s.Properties[key]; {
		case !isKey:
			s = s.Items
		case ok:
			s = &next
		case s.AdditionalProperties != nil:
			s = s.AdditionalProperties.Structural
		default:
			return p
		}
	}
	if s == nil {
		return p
	}
	var known []string
	for k := range s.Properties {
		known = append(known, k)
	}
	slices.Sort(known)
	if near := fault.Nearest(name, known, 1); len(near) > 0 {
		return p.WithHint("did you mean %q?", near[0])
	}
	if len(known) > 0 && len(known) <= 12 {
		return p.WithHint("fields here: %s", joined(known))
	}
	return p
}

// fromField translates an error of Kubernetes' validation.
func fromField(e *field.Error) problem.Problem {
	at := problem.ParsePath(strings.TrimPrefix(e.Field, "<nil>"))
	switch e.Type {
	case field.ErrorTypeRequired:
		return problem.New(RuleRequired, at, "%s is missing%s", last(at), detail(e))
	case field.ErrorTypeTypeInvalid:
		return problem.New(RuleType, at, "%s has the wrong type%s", last(at), detail(e))
	case field.ErrorTypeDuplicate:
		return problem.New(RuleDuplicate, at, "%s is there twice%s", last(at), detail(e))
	case field.ErrorTypeNotSupported:
		return problem.New(RuleValue, at, "%s cannot be %q%s", last(at), fmt.Sprint(e.BadValue), detail(e))
	}
	text := e.Detail
	if text == "" {
		text = string(e.Type)
	}
	return problem.New(RuleValue, at, "%s: %s", last(at), text)
}

func detail(e *field.Error) string {
	if e.Detail == "" {
		return ""
	}
	return ": " + e.Detail
}

// plain is a copy with the number types that Kubernetes' libraries expect.
func plain(fields map[string]any) (map[string]any, error) {
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errors.New("no fields")
	}
	return v, nil
}
