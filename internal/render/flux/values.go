package flux

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

const defaultValuesKey = "values.yaml"

// releaseValues merges the values of a HelmRelease in Flux' order: valuesFrom
// one after the other, spec.values over them; an entry with a targetPath sets
// one value over everything before it. It is what fluxcd/pkg/chartutil does
// with a cluster at hand (the tests compare).
func (r *run) releaseValues(it *item) (map[string]any, error) {
	own := copyValues(it.values)
	result := map[string]any{}
	for i, v := range it.release.Spec.ValuesFrom {
		ref := object.Ref{Kind: v.Kind, Namespace: it.namespace(), Name: v.Name}
		text, ok, err := r.valuesText(v, ref)
		if err != nil {
			return nil, fmt.Errorf("valuesFrom.%d: %w", i, err)
		}
		if !ok {
			continue
		}
		if v.TargetPath != "" {
			result = mergeMaps(result, own)
			if err := setPath(result, v, text); err != nil {
				return nil, fmt.Errorf("valuesFrom.%d: %w", i, err)
			}
			continue
		}
		if isEncrypted(text) {
			// Whoever renders without keys (check, diff) compares the rest.
			it.sealed = append(it.sealed, fmt.Sprintf("valuesFrom.%d: %s is encrypted, and rendered without its values", i, ref))
			continue
		}
		values, err := readValues(text)
		if err != nil {
			return nil, fmt.Errorf("valuesFrom.%d: %w", i, badValues(ref, v))
		}
		result = mergeMaps(result, values)
	}
	return mergeMaps(result, own), nil
}

// valuesText is the entry that a reference names; ok is false where it is
// optional and absent.
func (r *run) valuesText(v helmv2.ValuesReference, ref object.Ref) (text string, ok bool, err error) {
	o, there := r.set.get(ref)
	if !there {
		return "", false, nil // missing saw to those that must be there
	}
	data, err := dataOf(o.Object)
	if err != nil {
		return "", false, fmt.Errorf("%s (%s): %w", ref, placeOf(o.Object), err)
	}
	key := v.ValuesKey
	if key == "" {
		key = defaultValuesKey
	}
	text, ok = data[key]
	if !ok && !v.Optional {
		f := fault.New(fault.NotFound, "%s (%s) has no key %q", ref, placeOf(o.Object), key)
		if keys := sortedKeys(data); len(keys) > 0 {
			f = f.Hint("its keys: %s", strings.Join(keys, ", "))
		}
		return "", false, f.Hint("name the key with valuesKey")
	}
	return text, ok, nil
}

// badValues says which values cannot be read. The text is never shown: a
// Secret holds it, or something that was decrypted.
func badValues(ref object.Ref, v helmv2.ValuesReference) error {
	key := v.ValuesKey
	if key == "" {
		key = defaultValuesKey
	}
	return fault.New(fault.Invalid, "%s: key %q holds no map of values in YAML", ref, key).
		Hint("set a single value with targetPath")
}

// readValues reads values as Helm does; empty text is no values.
func readValues(text string) (map[string]any, error) {
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var values map[string]any
	if err := dec.Decode(&values); err != nil {
		return nil, err
	}
	return values, nil
}

// copyValues is a deep copy: setPath writes into maps that are shared with the
// result.
func copyValues(values map[string]any) map[string]any {
	data, err := json.Marshal(values)
	if err != nil {
		return map[string]any{}
	}
	out, err := readValues(string(data))
	if err != nil || out == nil {
		return map[string]any{}
	}
	return out
}

// setPath sets one value in the grammar of --set. Text in quotes stays text;
// literal takes it as it is.
func setPath(values map[string]any, v helmv2.ValuesReference, text string) (err error) {
	defer func() {
		if p := recover(); p != nil || err != nil {
			err = fault.New(fault.Invalid, "%s %s: its value cannot be set at targetPath %q", v.Kind, v.Name, v.TargetPath).
				Hint(`the form of targetPath is a.b[0].c, with "\." for a dot in a key; literal: true takes commas and braces of the value as they are`)
		}
	}()
	quoted := len(text) > 0 && (strings.HasPrefix(text, "'") && strings.HasSuffix(text, "'") || strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`))
	switch {
	case v.Literal:
		return strvals.ParseIntoString(v.TargetPath+"="+verbatim(text), values)
	case quoted:
		return strvals.ParseIntoString(v.TargetPath+"="+strings.Trim(text, `'"`), values)
	}
	return strvals.ParseInto(v.TargetPath+"="+text, values)
}

// verbatim protects what the grammar of --set would read.
func verbatim(text string) string {
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`).Replace(text)
}

// mergeMaps puts b over a, maps key by key, into a new map. Maps that only one
// side has are shared with the result.
func mergeMaps(a, b map[string]any) map[string]any {
	out := make(map[string]any, len(a)+len(b))
	maps.Copy(out, a)
	for key, value := range b {
		below, isMap := value.(map[string]any)
		before, wasMap := out[key].(map[string]any)
		if isMap && wasMap {
			out[key] = mergeMaps(before, below)
			continue
		}
		out[key] = value
	}
	return out
}
