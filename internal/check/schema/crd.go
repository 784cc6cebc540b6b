package schema

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// CRDKind is the kind of definitions.
func CRDKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: apiextensionsv1.GroupName, Version: "v1", Kind: "CustomResourceDefinition"}
}

// CRD is a CustomResourceDefinition. It may be used by several goroutines.
type CRD struct {
	Source object.Source
	// Kind is the kind it defines, Namespaced whether its objects live in
	// namespaces.
	Kind       schema.GroupKind
	Namespaced bool

	definition *apiextensions.CustomResourceDefinition
	versions   map[string]*crdVersion
}

// crdVersion is one served version; what validates it is made at its first
// use, since compiling CEL rules takes its time.
type crdVersion struct {
	deprecated string // warning; empty for versions that are not
	make       func() (*crdValidator, error)
}

// crdValidator are the parts of an API server that validate a custom resource.
type crdValidator struct {
	schema *structural.Structural
	values validation.SchemaCreateValidator
	rules  *cel.Validator
}

// ReadCRD reads a definition. One that cannot be used is an Invalid fault with
// its place; what else is wrong with it says Problems.
func ReadCRD(o *object.Object) (*CRD, error) {
	if o.GVK() != CRDKind() {
		return nil, fault.New(fault.Invalid, "%s: %s is no definition of %s", o.Source, o.GVK().Kind, CRDKind().GroupVersion())
	}
	data, err := json.Marshal(o.Fields)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: %s: %w", o.Source, o.Ref(), err)
	}
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := json.Unmarshal(data, &v1); err != nil {
		return nil, fault.New(fault.Invalid, "%s: %s: %w", o.Source, o.Ref(), err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, internal, nil); err != nil {
		return nil, fault.New(fault.Invalid, "%s: %s: %w", o.Source, o.Ref(), err)
	}
	c := &CRD{
		Source: o.Source, definition: internal, versions: map[string]*crdVersion{},
		Kind:       schema.GroupKind{Group: v1.Spec.Group, Kind: v1.Spec.Names.Kind},
		Namespaced: v1.Spec.Scope == apiextensionsv1.NamespaceScoped,
	}
	for i := range v1.Spec.Versions {
		version := &v1.Spec.Versions[i]
		if !version.Served {
			continue
		}
		c.versions[version.Name] = &crdVersion{
			deprecated: deprecation(version, c.Kind),
			make:       sync.OnceValues(func() (*crdValidator, error) { return c.validator(version.Name) }),
		}
	}
	return c, nil
}

func deprecation(v *apiextensionsv1.CustomResourceDefinitionVersion, k schema.GroupKind) string {
	switch {
	case !v.Deprecated:
		return ""
	case v.DeprecationWarning != nil && *v.DeprecationWarning != "":
		return *v.DeprecationWarning
	}
	return fmt.Sprintf("%s/%s %s is deprecated", k.Group, v.Name, k.Kind)
}

// Versions are the served versions.
func (c *CRD) Versions() []string {
	var names []string
	for name := range c.versions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Deprecated is the warning of a version that is deprecated, or "".
func (c *CRD) Deprecated(version string) string {
	if v := c.versions[version]; v != nil {
		return v.deprecated
	}
	return ""
}

// Problems says what an API server would refuse about the definition itself:
// names, schemas that are not structural, CEL rules that do not compile or cost
// too much.
func (c *CRD) Problems(ctx context.Context) []problem.Problem {
	var problems []problem.Problem
	for _, e := range crdvalidation.ValidateCustomResourceDefinition(ctx, c.definition) {
		if e.Field == "status.storedVersions" {
			continue // the server fills it in
		}
		p := fromField(e)
		p.Rule, p.Path = RuleCRD, written(p.Path)
		problems = append(problems, p)
	}
	return problems
}

// written is the path as it is in the definition: what all versions have in
// common stands at the top in the form that is validated.
func written(p problem.Path) problem.Path {
	if len(p) < 2 || p[0] != "spec" {
		return p
	}
	first := problem.Path{"spec", "versions", 0}
	switch p[1] {
	case "validation":
		return first.At("schema").At(p[2:]...)
	case "subresources", "additionalPrinterColumns", "selectableFields":
		return first.At(p[1:]...)
	}
	return p
}

func (c *CRD) validator(version string) (*crdValidator, error) {
	props, err := apiextensions.GetSchemaForVersion(c.definition, version)
	if err != nil || props == nil || props.OpenAPIV3Schema == nil {
		return &crdValidator{}, err
	}
	s, err := structural.NewStructural(props.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	values, _, err := validation.NewSchemaValidator(props.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	return &crdValidator{schema: s, values: values, rules: cel.NewValidator(s, true, celconfig.PerCallLimit)}, nil
}
