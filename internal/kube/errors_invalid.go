package kube

import (
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// unchangeable are the texts by which validation says that a field is never
// changed, as the validation packages of Kubernetes 1.30-1.36 word them.
var unchangeable = regexp.MustCompile(`field is immutable|is immutable after|is immutable when|may not change once set|` +
	`cannot change roleRef|updates to \w+ spec for fields other than|updates to (provisioner|parameters|reclaimPolicy) are forbidden|` +
	`may not be (changed|updated|modified)|can not be changed|cannot be changed|Value is immutable`)

// typedPatch is how a server-side apply reports a field that the schema does
// not know or that has another type. Some servers call it an internal error.
var typedPatch = regexp.MustCompile(`(?s)failed to (?:create typed (?:patch|live) object|convert new object) \([^)]*\)(?: to proper version)?: (?:unable to convert unstructured object to [^:]*: )?(.*)`)

// unknownField is how strict validation reports a field.
var unknownField = regexp.MustCompile(`(unknown|duplicate) field "([^"]+)"`)

func isTypedPatch(st v1.Status) bool { return typedPatch.MatchString(st.Message) }

// invalidFault translates the refusals of a body.
func invalidFault(s subject, st v1.Status) error {
	if policy := policyFault(s, st); policy != nil {
		return policy
	}
	if strings.Contains(st.Message, "does not support dry run") {
		return fault.New(fault.Invalid, "%s: %s", s, s.message(st)).
			Hint("the webhook must declare sideEffects None, or skip the dry run for this kind")
	}
	if f := immutableFault(s, st); f != nil {
		return f
	}
	if s.guarded && len(causes(st)) == 0 {
		return fault.New(fault.Conflict, "%s: it is not as the patch expects", s).
			Hint("somebody changed or replaced it meanwhile: try again")
	}
	if fields := unknownField.FindAllStringSubmatch(st.Message, -1); fields != nil {
		var names []string
		for _, f := range fields {
			names = append(names, f[1]+" field "+fieldPath(f[2]))
		}
		return fault.New(fault.Invalid, "%s: %s", s, list(names)).
			Hint("correct the name or remove it; the API server knows no such field in %s", s.gvk.GroupVersion())
	}
	if m := typedPatch.FindStringSubmatch(st.Message); m != nil {
		return typedFault(s, m[1])
	}
	if texts := causeTexts(s, st); len(texts) > 0 {
		return fault.New(fault.Invalid, "%s: %s", s, list(texts)).Hint(mendHint)
	}
	return fault.New(fault.Invalid, "%s: %s", s, s.message(st)).Hint(mendHint)
}

// mendHint fits what no more special hint is for.
const mendHint = "correct it where the object is declared; `tug check` finds most such mistakes, with their line, before a deploy"

// typedFault reports fields of the wrong name or type, one per line:
// ".spec.replicas: expected numeric (int or float), got ...".
func typedFault(s subject, text string) error {
	if bad := badBase64(s.sent); strings.Contains(text, "illegal base64") && len(bad) > 0 {
		return fault.New(fault.Invalid, "%s: not base64: %s", s, list(bad)).
			Hint("encode the value, or move it to stringData")
	}
	var problems []string
	unknown := false
	for line := range strings.Lines(strings.TrimPrefix(text, "errors:")) {
		path, problem, ok := strings.Cut(strings.Join(strings.Fields(line), " "), ": ")
		if path == "" {
			continue
		}
		problem, _, _ = strings.Cut(problem, ", got ") // the rest quotes the value
		switch {
		case !ok:
			problems = append(problems, s.scrub(path))
		case strings.Contains(problem, "field not declared in schema"):
			unknown = true
			problems = append(problems, "unknown field "+fieldPath(path))
		default:
			problems = append(problems, fieldPath(path)+": "+s.scrub(problem))
		}
	}
	f := fault.New(fault.Invalid, "%s: %s", s, list(problems))
	if unknown {
		return f.Hint("correct the name or remove it; the API server knows no such field in %s", s.gvk.GroupVersion())
	}
	return f.Hint(mendHint)
}

// badBase64 names the values of a Secret that are not base64.
func badBase64(o *object.Object) []string {
	if o == nil {
		return nil
	}
	data, _ := o.Fields["data"].(map[string]any)
	var bad []string
	for _, key := range slices.Sorted(maps.Keys(data)) {
		value, _ := data[key].(string)
		if _, err := base64.StdEncoding.DecodeString(value); err != nil {
			bad = append(bad, "data."+key)
		}
	}
	return bad
}

// causeTexts are "field: problem"; for Secrets the field and the kind of
// problem only, since problems quote values.
func causeTexts(s subject, st v1.Status) []string {
	var texts []string
	for _, cause := range causes(st) {
		problem := strings.Join(strings.Fields(cause.Message), " ")
		if s.secret() {
			problem = withoutValue(cause.Type)
		}
		// "[]" is the object as a whole, which is too large.
		if cause.Field != "" && cause.Field != "<nil>" && cause.Field != "[]" {
			problem = fieldPath(cause.Field) + ": " + problem
		}
		texts = append(texts, problem)
	}
	return texts
}

// withoutValue says what is wrong with a value that must not be told.
func withoutValue(t v1.CauseType) string {
	switch t {
	case v1.CauseTypeFieldValueRequired:
		return "a value is required"
	case v1.CauseTypeFieldValueNotSupported:
		return "this value is not supported (it is not shown)"
	case v1.CauseTypeFieldValueInvalid:
		return "this value is invalid (it is not shown)"
	default:
		return string(t)
	}
}

// immutableFault names the fields that are never changed, or is nil.
func immutableFault(s subject, st v1.Status) error {
	var fields []string
	for _, cause := range causes(st) {
		path := fieldPath(cause.Field)
		if path == "metadata.uid" {
			return fault.New(fault.Conflict, "%s: it was replaced: its UID is another one now", s).
				Hint("somebody deleted and created it meanwhile: try again")
		}
		if !unchangeable.MatchString(cause.Message) {
			continue
		}
		if path == "spec" && !s.secret() { // only the text says what may change
			text, _, _ := strings.Cut(strings.TrimPrefix(cause.Message, "Forbidden: "), "\n")
			path += " (" + text + ")"
		}
		if !slices.Contains(fields, path) {
			fields = append(fields, path)
		}
	}
	switch {
	case len(fields) == 0 && !unchangeable.MatchString(st.Message):
		return nil
	case len(fields) == 0:
		fields = []string{s.message(st)}
	}
	return fault.New(fault.Immutable, "%s: cannot be changed in place: %s", s, list(fields)).
		Hint("keep the old value, give the object another name, or delete it so that it is created anew (%s)", loss(s.gvk.Kind))
}

// loss says what a re-creation costs.
func loss(kind string) string {
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet", "Job":
		return "its pods stop meanwhile"
	case "CustomResourceDefinition", "Namespace":
		return "everything of it is deleted"
	case "PersistentVolumeClaim":
		return "its data may be lost"
	case "Service":
		return "its address changes"
	default:
		return "it is absent meanwhile"
	}
}
