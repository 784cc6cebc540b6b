package kustomize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/tugops/tug/internal/object"
)

// Marks are annotations that objects carry through the library: where they
// come from, which object given as input they are, and what the library would
// forget between two stages. They are taken off all results.
const (
	sourceMark = "tug.dev/build-source"
	inputMark  = "tug.dev/build-input"
	wasMark    = "tug.dev/build-was"
	hashMark   = "tug.dev/build-hash"
)

// Annotations of the library, which it takes off by itself.
const (
	previousNames      = konfig.ConfigAnnoDomain + "/previousNames"
	previousNamespaces = konfig.ConfigAnnoDomain + "/previousNamespaces"
	previousKinds      = konfig.ConfigAnnoDomain + "/previousKinds"
	needsHashSuffix    = konfig.ConfigAnnoDomain + "/needsHashSuffix"
)

// mark is what is known about an object beside its content.
type mark struct {
	input int // index in Request.Input and 1; 0 for none
	// was is the identity that an object had when it was read, for what refers
	// to it by that: kind, namespace and name.
	was  []string
	hash bool // the name gets a hash in the end
	helm bool // it comes from a chart, and has a namespace by right
}

// takeMarks takes the marks off an object.
func takeMarks(o *object.Object) mark {
	var m mark
	if n, err := strconv.Atoi(takeAnnotation(o, inputMark)); err == nil {
		m.input = n
	}
	if text := takeAnnotation(o, wasMark); text != "" {
		m.was = strings.Split(text, " ")
	}
	m.hash = takeAnnotation(o, hashMark) != ""
	if text := takeAnnotation(o, sourceMark); text != "" {
		o.Source = readSource(text)
	}
	return m
}

func takeAnnotation(o *object.Object, key string) string {
	annotations, _ := o.Meta()["annotations"].(map[string]any)
	text, ok := annotations[key].(string)
	if !ok {
		return ""
	}
	delete(annotations, key)
	if len(annotations) == 0 {
		delete(o.Meta(), "annotations")
	}
	return text
}

// readSource reads "line file".
func readSource(text string) object.Source {
	line, file, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(line)
	if err != nil {
		return object.Source{File: text}
	}
	return object.Source{File: file, Line: n}
}

// encode writes objects for the library. In a staged build the marks stay
// marks; in the last one they become what the library knows them as.
func (m manifest) encode(staged bool) ([]byte, error) {
	var buf bytes.Buffer
	for i, o := range m.objects {
		o = o.Copy()
		var known mark
		if m.marks != nil {
			known = m.marks[i]
		}
		known.put(o, staged)
		if o.Source.File != "" {
			o.SetAnnotation(sourceMark, strconv.Itoa(o.Source.Line)+" "+o.Source.File)
		}
		data, err := json.Marshal(o.Fields)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", o.Ref(), err)
		}
		buf.WriteString("---\n")
		buf.Write(append(data, '\n'))
	}
	return buf.Bytes(), nil
}

func (m mark) put(o *object.Object, staged bool) {
	if m.input > 0 {
		o.SetAnnotation(inputMark, strconv.Itoa(m.input))
	}
	if m.helm {
		o.SetAnnotation(konfig.HelmGeneratedAnnotation, "true")
	}
	if staged {
		if m.was != nil {
			o.SetAnnotation(wasMark, strings.Join(m.was, " "))
		}
		if m.hash {
			o.SetAnnotation(hashMark, "yes")
		}
		return
	}
	if len(m.was) == 3 {
		o.SetAnnotation(previousKinds, m.was[0])
		o.SetAnnotation(previousNamespaces, m.was[1])
		o.SetAnnotation(previousNames, m.was[2])
	}
	if m.hash {
		o.SetAnnotation(needsHashSuffix, "enabled")
	}
}

// identity is what the library calls an object: kind, namespace, name.
func identity(o *object.Object) []string {
	namespace := o.Namespace()
	if namespace == "" {
		namespace = "default"
	}
	return []string{o.GVK().Kind, namespace, o.Name()}
}

// markGenerators makes the generators of a kustomization in a staged build
// leave names without a hash, and remember that they want one.
func markGenerators(data []byte) ([]byte, error) {
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return nil, err
	}
	if len(k.ConfigMapGenerator) == 0 && len(k.SecretGenerator) == 0 {
		return data, nil
	}
	plain := k.GeneratorOptions != nil && k.GeneratorOptions.DisableNameSuffixHash
	put := func(kind string, g *types.GeneratorArgs) {
		options := types.GeneratorOptions{}
		if g.Options != nil {
			options = *g.Options
		}
		annotations := map[string]string{}
		maps.Copy(annotations, options.Annotations)
		if !plain && !options.DisableNameSuffixHash {
			annotations[hashMark] = "yes"
		}
		if g.Behavior == "" || g.Behavior == "create" {
			namespace := g.Namespace
			if namespace == "" {
				namespace = "default"
			}
			annotations[wasMark] = strings.Join([]string{kind, namespace, g.Name}, " ")
		}
		options.Annotations, options.DisableNameSuffixHash = annotations, true
		g.Options = &options
	}
	for i := range k.ConfigMapGenerator {
		put("ConfigMap", &k.ConfigMapGenerator[i].GeneratorArgs)
	}
	for i := range k.SecretGenerator {
		put("Secret", &k.SecretGenerator[i].GeneratorArgs)
	}
	return encode(k)
}

// manifests puts objects into a file beside a kustomization, and gives its
// name there.
func (b *build) manifests(n *node, m manifest) string {
	b.files++
	name := fmt.Sprintf(".tug-objects-%d.yaml", b.files)
	n.at.mount.made[path.Join(n.at.path, name)] = m
	return name
}
