package helm

import (
	"bytes"
	"context"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

const notesName = "NOTES.txt"

// takeNotes removes the notes of all charts from texts and gives the root's.
func (r *run) takeNotes(texts map[string]string) string {
	notes := texts[path.Join(r.chart.Name(), "templates", notesName)]
	for name := range texts {
		if strings.HasSuffix(name, notesName) {
			delete(texts, name)
		}
	}
	return notes
}

// text is one file to parse: a rendered template or a file of crds/.
type text struct {
	file string
	data string
	crd  bool

	objects []*object.Object
	hooks   []*object.Object
	skipped []string // hook annotations that Helm does not know
}

// objects parses everything once, in parallel, and puts it into Helm's order:
// CRDs, objects by kind, hooks by kind.
func (r *run) objects(ctx context.Context, rendered map[string]string) ([]*object.Object, error) {
	texts := r.crds(r.chart, nil)
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if strings.HasPrefix(path.Base(name), "_") || strings.TrimSpace(rendered[name]) == "" {
			continue
		}
		texts = append(texts, &text{file: r.path(name), data: rendered[name]})
	}
	if err := render.Parallel(ctx, len(texts), func(i int) error { return texts[i].parse() }); err != nil {
		return nil, err
	}
	return r.ordered(texts), nil
}

func (r *run) ordered(texts []*text) []*object.Object {
	var crds, plain, hooks []*object.Object
	for _, t := range texts {
		if t.crd {
			crds = append(crds, t.objects...)
			continue
		}
		plain = append(plain, t.objects...)
		hooks = append(hooks, t.hooks...)
		for _, hook := range t.skipped {
			r.warn("%s: left out, since Helm knows no hook %q", t.file, hook)
		}
	}
	sortByKind(plain)
	sortByKind(hooks)
	return slices.Concat(crds, plain, hooks)
}

// crds lists the files in crds/ of c and its subcharts.
func (r *run) crds(c *chart.Chart, texts []*text) []*text {
	for _, f := range c.Files {
		if strings.HasPrefix(f.Name, "crds/") && isManifest(f.Name) {
			texts = append(texts, &text{file: r.origin[f], data: string(f.Data), crd: true})
		}
	}
	for _, d := range c.Dependencies() {
		texts = r.crds(d, texts)
	}
	return texts
}

func isManifest(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// separator is Helm's idea of the line between documents
// (releaseutil.SplitManifests): it also splits "---apiVersion: v1".
var separator = regexp.MustCompile(`(?m)^---[ \t]*`)

// parse reads the documents of t. Lines count in the rendered text.
//
// Texts are cut and ended as Helm does it: white space before a document goes,
// even the indent of its first line, and a line end is added, which counts for
// a block of text at the very end.
func (t *text) parse() error {
	if t.crd {
		objects, err := object.ReadYAML(t.file, []byte(t.data+"\n"))
		t.objects = objects
		return err
	}
	data := strings.TrimLeftFunc(t.data, unicode.IsSpace)
	line := 1 + lines(t.data[:len(t.data)-len(data)])
	start := 0
	for _, b := range append(separator.FindAllStringIndex(data, -1), []int{len(data), len(data)}) {
		if err := t.document(data[start:b[0]], line); err != nil {
			return err
		}
		line += lines(data[start:b[1]])
		start = b[1]
	}
	return nil
}

// document parses one document that starts at a line of the rendered text.
func (t *text) document(raw string, line int) error {
	doc := strings.TrimLeftFunc(raw, unicode.IsSpace)
	if doc == "" {
		return nil
	}
	line += lines(raw[:len(raw)-len(doc)])
	doc += "\n"
	found, err := object.ReadDocuments(t.file, []byte(doc))
	if err != nil && line > 1 {
		// Once more, with the lines where they are in the text.
		_, err = object.ReadDocuments(t.file, append(bytes.Repeat([]byte("\n"), line-1), doc...))
	}
	if err != nil {
		return renderedFault(err)
	}
	for _, d := range found {
		d.Source.Line += line - 1
		if err := t.add(d); err != nil {
			return err
		}
	}
	return nil
}

func lines(s string) int { return strings.Count(s, "\n") }

func (t *text) add(d object.Document) error {
	if err := render.CheckHead(d); err != nil {
		return renderedFault(err)
	}
	objects, err := d.Objects()
	if err != nil {
		return renderedFault(err)
	}
	hook := (&object.Object{Fields: d.Fields}).Annotation(object.AnnotationHook)
	switch {
	case hook == "" && !hasHook(d):
		t.objects = append(t.objects, objects...)
	case knownHook(hook):
		t.hooks = append(t.hooks, objects...)
	default:
		t.skipped = append(t.skipped, hook)
	}
	return nil
}

func hasHook(d object.Document) bool {
	meta, _ := d.Fields["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	_, ok := annotations[object.AnnotationHook]
	return ok
}

// renderedFault says that a line is one of the rendered text, not of the
// template.
func renderedFault(err error) error {
	return fault.New(fault.Invalid, "%w (line of the rendered text)", err)
}

// knownHook reports whether every event of a hook annotation is one of Helm's;
// Helm leaves out the object otherwise.
func knownHook(value string) bool {
	for event := range strings.SplitSeq(value, ",") {
		switch strings.ToLower(strings.TrimSpace(event)) {
		case release.HookPreInstall.String(), release.HookPostInstall.String(),
			release.HookPreDelete.String(), release.HookPostDelete.String(),
			release.HookPreUpgrade.String(), release.HookPostUpgrade.String(),
			release.HookPreRollback.String(), release.HookPostRollback.String(),
			release.HookTest.String(), "test-success":
		default:
			return false
		}
	}
	return true
}

// sortByKind is Helm's install order: kinds it knows, then the others by name;
// equal kinds keep their order.
func sortByKind(objects []*object.Object) {
	rank := make(map[string]int, len(releaseutil.InstallOrder))
	for i, kind := range releaseutil.InstallOrder {
		rank[kind] = i + 1
	}
	slices.SortStableFunc(objects, func(a, b *object.Object) int {
		kindA, kindB := a.GVK().Kind, b.GVK().Kind
		rankA, rankB := rank[kindA], rank[kindB]
		switch {
		case rankA == 0 && rankB == 0:
			return strings.Compare(kindA, kindB)
		case rankA == 0:
			return 1
		case rankB == 0:
			return -1
		}
		return rankA - rankB
	})
}
