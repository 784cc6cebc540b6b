package flux

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// substituteKey with the value "disabled", as label or annotation, keeps an
// object as it is.
const substituteKey = "kustomize.toolkit.fluxcd.io/substitute"

var variableName = regexp.MustCompile(`^[_[:alpha:]][_[:alpha:][:digit:]]*$`)

// maxSubstituted bounds an object after substitution: variables could double
// it again and again.
const maxSubstituted = 16 << 20

// substitute fills variables into the objects of a Kustomization as Flux does:
// in the text of each object, so that a value can become a number or a map.
// Without any variable nothing is touched.
func (r *run) substitute(it *item, b *built) error {
	variables, err := r.variables(it)
	if err != nil || variables == nil {
		return err
	}
	for i, o := range b.objects {
		if o.Label(substituteKey) == "disabled" || o.Annotation(substituteKey) == "disabled" {
			continue
		}
		filled, err := fillObject(o, variables)
		if err != nil {
			return fmt.Errorf("postBuild: %s (%s): %w", o.Ref(), r.place(it, o), err)
		}
		b.objects[i] = filled
	}
	return nil
}

// variables are those of an item: substituteFrom in order, then substitute.
// Line ends are taken out of values. It is nil when there are none.
func (r *run) variables(it *item) (map[string]string, error) {
	post := it.kustomization.Spec.PostBuild
	if post == nil {
		return nil, nil
	}
	values := map[string]string{}
	for _, s := range post.SubstituteFrom {
		ref := object.Ref{Kind: s.Kind, Namespace: it.namespace(), Name: s.Name}
		o, ok := r.set.get(ref)
		if !ok {
			continue // missing saw to those that must be there
		}
		data, err := dataOf(o.Object)
		if err != nil {
			return nil, fmt.Errorf("postBuild.substituteFrom: %s (%s): %w", ref, placeOf(o.Object), err)
		}
		for key, value := range data {
			values[key] = strings.ReplaceAll(value, "\n", "")
		}
	}
	for key, value := range post.Substitute {
		values[key] = strings.ReplaceAll(value, "\n", "")
	}
	if len(values) == 0 && post.SubstituteStrategy != "Always" {
		return nil, nil
	}
	for _, key := range sortedKeys(values) {
		if !variableName.MatchString(key) {
			return nil, fault.New(fault.Invalid, "postBuild: variable name %q: letters, digits and _ are allowed, and no digit at the start", key).
				Hint("rename the key, or keep it in another ConfigMap or Secret")
		}
	}
	return values, nil
}

// fillObject fills variables into one object.
func fillObject(o *object.Object, variables map[string]string) (*object.Object, error) {
	text, err := yaml.Marshal(o.Fields)
	if err != nil {
		return nil, fmt.Errorf("write the object: %w", err)
	}
	if !strings.ContainsRune(string(text), '$') {
		return o, nil
	}
	filled, err := fill(string(text), variables)
	if err != nil {
		return nil, err
	}
	docs, err := object.ReadDocuments(o.Source.File, []byte(filled))
	if err != nil || len(docs) != 1 {
		// Neither text nor cause: values may be confidential.
		return nil, fault.New(fault.Invalid, "is no valid YAML after substitution").
			Hint("put the place of the variable into quotes, or give the value without line ends and quotes")
	}
	return &object.Object{Fields: docs[0].Fields, Source: o.Source}, nil
}

// fill replaces ${name} and its forms with defaults, substrings and so on.
func fill(text string, variables map[string]string) (filled string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = badVariable()
		}
	}()
	size := 0
	filled, err = envsubst.Eval(text, func(name string) (string, bool) {
		value := variables[name]
		if size += len(value); size > maxSubstituted {
			panic("too much text")
		}
		return value, true
	})
	if err != nil || len(filled) > maxSubstituted {
		return "", badVariable()
	}
	return filled, nil
}

func badVariable() error {
	return fault.New(fault.Invalid, "a ${...} in it cannot be read, or expands to more than %d MiB", maxSubstituted>>20).
		Hint("write $${...} for text that is no variable, or annotate the object with %s: disabled", substituteKey)
}

// dataOf are the entries of a ConfigMap or Secret as text. stringData wins.
func dataOf(o *object.Object) (map[string]string, error) {
	values := map[string]string{}
	encoded := o.GVK().Kind == kindSecret
	data, _ := o.Fields["data"].(map[string]any)
	for _, key := range sortedKeys(data) {
		value, ok := data[key].(string)
		if !ok {
			return nil, fault.New(fault.Invalid, "data.%s is not text", key).Hint("put the value into quotes")
		}
		if encoded {
			plain, err := decodeBase64(value)
			if err != nil {
				return nil, fault.New(fault.Invalid, "data.%s is not base64", key).Hint("write plain text under stringData")
			}
			value = plain
		}
		values[key] = value
	}
	plain, _ := o.Fields["stringData"].(map[string]any)
	if !encoded {
		plain = nil
	}
	for _, key := range sortedKeys(plain) {
		value, ok := plain[key].(string)
		if !ok {
			return nil, fault.New(fault.Invalid, "stringData.%s is not text", key).Hint("put the value into quotes")
		}
		values[key] = value
	}
	return values, nil
}

// decodeBase64 reads an entry of a Secret. What SOPS has encrypted in place
// stays as it is, for renders without a key.
func decodeBase64(value string) (string, error) {
	if isEncrypted(value) {
		return value, nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	return string(data), err
}

func isEncrypted(value string) bool { return strings.HasPrefix(value, "ENC[AES256_GCM,") }
