package kustomize

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// The library's errors tell by which way it came to a file, and that it tried
// to read every folder as a file first. These forms peel that off.
var (
	way     = regexp.MustCompile(`^(accumulating (resources|components)|accumulateDirectory): `)
	recurse = regexp.MustCompile(`^.*recursed (?:accumulation of|merging from) path '([^']*)': `)
	asFile  = regexp.MustCompile(`^accumulation err='(.*)': (?:must build at directory|not a valid directory): .*$`)
	triedIt = regexp.MustCompile(`^accumulation err='.*?file does not exist': `)
	ofFile  = regexp.MustCompile(`^accumulating resources from '([^']*)': `)
)

// peel reduces an error of the library to the folder or file it is about and
// what is wrong there.
func peel(at, text string) (where, what string) {
	if m := recurse.FindStringSubmatch(text); m != nil {
		at, text = m[1], text[len(m[0]):]
	}
	for {
		switch {
		case way.MatchString(text):
			text = text[len(way.FindString(text)):]
		case asFile.MatchString(text):
			text = asFile.FindStringSubmatch(text)[1]
		case triedIt.MatchString(text):
			text = text[len(triedIt.FindString(text)):]
		case ofFile.MatchString(text):
			m := ofFile.FindStringSubmatch(text)
			at, text = path.Join(at, m[1]), text[len(m[0]):]
		default:
			return at, text
		}
	}
}

// explain makes a fault of a failed build: what check refused, YAML that does
// not parse (with its line), or the library's own words.
func (b *build) explain(at place, err error) error {
	if ctxErr := b.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	if b.refused != nil {
		return b.refused
	}
	if found, ok := errors.AsType[*fault.Error](err); ok {
		return found
	}
	for _, p := range b.read {
		data := b.loaded[fileKey{p.mount.tree, p.path}]
		if _, bad := object.ReadDocuments(p.String(), data); bad != nil && strings.Contains(err.Error(), "yaml") {
			return bad
		}
	}
	text := b.readable(err.Error())
	where, what := peel(at.String(), text)
	return fault.New(fault.Invalid, "%s: kustomize: %s", where, what)
}

// readable puts the paths of the repository for those that the library saw.
func (b *build) readable(text string) string {
	for _, m := range slices.Backward(b.mounts) {
		label := ""
		if m.label != "" {
			label = m.label + "//"
		}
		text = strings.ReplaceAll(text, m.prefix+"/", label)
	}
	return mountExp.ReplaceAllString(text, ".")
}

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// unreadable is the fault for a kustomization that cannot be decoded.
func unreadable(name string, data []byte, err error) error {
	if _, found := object.ReadDocuments(name, data); found != nil {
		return found
	}
	m := unknownField.FindStringSubmatch(err.Error())
	if m == nil {
		return fault.New(fault.Invalid, "%s: %w", name, err)
	}
	f := fault.New(fault.Invalid, "%s: unknown key %q", position(name, data, m[1]), m[1])
	if near := fault.Nearest(m[1], keys(), 1); len(near) > 0 {
		return f.Hint("did you mean %q?", near[0])
	}
	return f.Hint("remove it, or correct its name and the keys above it")
}

// keys are those of a kustomization.
func keys() []string {
	var names []string
	for field := range reflect.TypeFor[types.Kustomization]().Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// position finds where a key or value stands: "file:line:col", or "file".
func position(name string, data []byte, text string) string {
	if n := locate(data, text); n != nil {
		return fmt.Sprintf("%s:%d:%d", name, n.Line, n.Column)
	}
	return name
}

func locate(data []byte, text string) *yaml.Node {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil
	}
	return search(&root, text)
}

func search(n *yaml.Node, text string) *yaml.Node {
	if n.Kind == yaml.ScalarNode && (n.Value == text || strings.HasSuffix(n.Value, "="+text)) {
		return n
	}
	for _, below := range n.Content {
		if found := search(below, text); found != nil {
			return found
		}
	}
	return nil
}
