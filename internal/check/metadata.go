package check

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/object"
)

// metadata compares names, labels and annotations with what an API server
// accepts.
func (l *look) metadata(context.Context) error {
	for _, placed := range l.set.Objects {
		o := placed.Object
		at := problem.Path{"metadata"}
		for _, text := range badName(o, l.env.version.Minor) {
			l.report(o, problem.New(RuleMetadata, at.At("name"), "name %q of the %s: %s", o.Name(), o.GVK().Kind, text))
		}
		if ns := o.Namespace(); ns != "" {
			for _, text := range trim(apivalidation.ValidateNamespaceName(ns, false)) {
				l.report(o, problem.New(RuleMetadata, at.At("namespace"), "namespace %q: %s", ns, text))
			}
		}
		l.labels(o, at)
	}
	for _, p := range l.set.Pods {
		if len(p.Path) > 0 {
			l.labels(p.Object, p.Path.At("metadata"))
		}
	}
	return nil
}

// labels looks at the labels and annotations below a path. Values that are not
// text have a finding of the schema.
func (l *look) labels(o *object.Object, at problem.Path) {
	report := func(errs field.ErrorList, where problem.Path) {
		for _, e := range errs {
			l.report(o, problem.New(RuleMetadata, where, "%v: %s", last(where), trim([]string{e.Detail})[0]))
		}
	}
	labels := textMap(at.At("labels"), o)
	for _, key := range names(labels) {
		report(metavalidation.ValidateLabels(map[string]string{key: labels[key]}, nil), at.At("labels", key))
	}
	annotations := textMap(at.At("annotations"), o)
	for _, key := range names(annotations) {
		report(apivalidation.ValidateAnnotations(map[string]string{key: ""}, nil), at.At("annotations", key))
	}
	if err := apivalidation.ValidateAnnotationsSize(annotations); err != nil {
		l.report(o, problem.New(RuleMetadata, at.At("annotations"), "%v", err))
	}
}

func last(p problem.Path) any { return p[len(p)-1] }

func textMap(at problem.Path, o *object.Object) map[string]string {
	v, _ := at.Get(o.Fields)
	m, _ := v.(map[string]any)
	texts := map[string]string{}
	for k, v := range m {
		if s, ok := v.(string); ok {
			texts[k] = s
		}
	}
	return texts
}

// relaxedServiceNames is the minor from which on a Service may be called like
// any other object (RelaxedServiceNameValidation).
const relaxedServiceNames = 36

// badName says what is wrong with the name of an object.
func badName(o *object.Object, minor int) []string {
	name := o.Name()
	if name == "" {
		return nil
	}
	k := o.GVK()
	switch k.Group + "/" + k.Kind {
	case "/Namespace":
		return apivalidation.ValidateNamespaceName(name, false)
	case "/Service":
		if minor < relaxedServiceNames {
			return apivalidation.NameIsDNS1035Label(name, false)
		}
		return apivalidation.NameIsDNSLabel(name, false)
	case "/ServiceAccount":
		return apivalidation.ValidateServiceAccountName(name, false)
	case "batch/CronJob":
		// The controller adds 11 characters to name its jobs.
		if len(name) > 52 {
			return []string{"must be no more than 52 characters"}
		}
	}
	if k == schema.CRDKind() {
		return nil // the name is compared with group and plural elsewhere
	}
	if k.Group == "rbac.authorization.k8s.io" || k.Group == "apiregistration.k8s.io" {
		return content.IsPathSegmentName(name)
	}
	return trim(apivalidation.NameIsDNSSubdomain(name, false))
}

// trim takes the long list of examples off Kubernetes' messages.
func trim(texts []string) []string {
	for i, t := range texts {
		texts[i], _, _ = strings.Cut(t, " (e.g.")
	}
	return texts
}
