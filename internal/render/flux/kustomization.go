package flux

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

func kustomizationNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// built is what a Kustomization gave.
type built struct {
	objects  []*object.Object
	warnings []string
}

// sourceRef is the source of a Kustomization.
func (it *item) sourceRef() object.Ref {
	ref := it.kustomization.Spec.SourceRef
	return it.source(ref.Kind, ref.Namespace, ref.Name)
}

// source is the identity of a source object; without a namespace it is that
// of the item.
func (it *item) source(kind, namespace, name string) object.Ref {
	if namespace == "" {
		namespace = it.namespace()
	}
	group := groupSource
	return object.Ref{Group: group, Kind: kind, Namespace: namespace, Name: name}
}

func (r *run) missingSource(m *missing, it *item, kind, namespace, name string) {
	switch kind {
	case kindGitRepository, kindOCIRepository, kindBucket, kindExternalArtifact:
	default:
		m.required = append(m.required, fault.New(fault.Invalid, "sourceRef: kind %q is not known", kind).
			Hint("sources are GitRepository, OCIRepository, Bucket and ExternalArtifact"))
		return
	}
	if err := r.absentSource(it.source(kind, namespace, name)); err != nil {
		m.required = append(m.required, err)
	}
}

// buildItem builds a Kustomization that was found among objects.
func (r *run) buildItem(ctx context.Context, it *item) (built, error) {
	from, err := r.treeOf(ctx, it.sourceRef())
	if err != nil {
		return built{}, err
	}
	it.from = from
	if it.folder, err = from.find(it.kustomization.Spec.Path); err != nil {
		return built{}, atPath(err)
	}
	if err := it.checkCycle(); err != nil {
		return built{}, err
	}
	b, err := r.buildFolder(ctx, it)
	if err != nil {
		return built{}, err
	}
	return b, r.finish(it, &b)
}

func atPath(err error) error { return fmt.Errorf("spec.path: %w", err) }

// checkCycle refuses a Kustomization that builds a folder which an outer one
// is building already: it would declare itself without end.
func (it *item) checkCycle() error {
	way := []string{it.folder}
	for up := it.parent; up != nil; up = up.parent {
		if up.kustomization == nil && up.release != nil {
			continue
		}
		way = append([]string{up.folder}, way...)
		if up.from == it.from && up.folder == it.folder {
			return fault.New(fault.Invalid, "Kustomizations lead in a circle: %s", strings.Join(way, " -> ")).
				Hint("let spec.path of %s name another folder, or remove it", it.ref.Name)
		}
	}
	return nil
}

// buildFolder runs kustomize over the folder of an item, with what the spec
// adds to its kustomization; Flux writes one where there is none.
func (r *run) buildFolder(ctx context.Context, it *item) (built, error) {
	files := it.from.files
	info, err := fs.Stat(files, it.folder)
	if err != nil {
		return built{}, fault.New(fault.NotFound, "%s does not exist", it.folder)
	}
	if !info.IsDir() {
		return built{}, fault.New(fault.Invalid, "%s is a file", it.folder).Hint("Flux builds folders: name the one it is in")
	}
	name, data, err := r.kustomizationFile(ctx, it)
	if err != nil {
		return built{}, err
	}
	if data != nil {
		files = over(files, name, data)
	}
	request := r.request
	request.Files, request.Path = files, it.folder
	result, err := r.engines.Kustomize.Render(ctx, request)
	if err != nil {
		return built{}, r.inTree(it.from, err)
	}
	for _, o := range result.Objects {
		o.Source = it.from.restore(o.Source)
	}
	return built{result.Objects, result.Warnings}, nil
}

// inTree says in which tree an error's paths are to be read.
func (r *run) inTree(t *tree, err error) error {
	if t.name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", t.name, err)
}

// kustomizationFile gives the file to put over the folder of an item; data is
// nil when what is there will do.
func (r *run) kustomizationFile(ctx context.Context, it *item) (name string, data []byte, err error) {
	changed := false
	for _, base := range kustomizationNames() {
		name = path.Join(it.folder, base)
		if info, statErr := fs.Stat(it.from.files, name); statErr == nil && !info.IsDir() {
			if data, err = readFile(it.from.files, name); err != nil {
				return "", nil, err
			}
			break
		}
	}
	if data == nil {
		name, changed = path.Join(it.folder, kustomizationNames()[0]), true
		if data, err = generate(ctx, it.from, it.folder); err != nil {
			return "", nil, err
		}
	}
	if it.kustomization != nil {
		add, err := it.additions()
		if err != nil {
			return "", nil, err
		}
		if len(add) > 0 {
			changed = true
			if data, err = extend(name, data, add); err != nil {
				return "", nil, err
			}
		}
	}
	if !changed {
		return name, nil, nil
	}
	return name, data, nil
}

// finish does what Flux does after the build: substitution and metadata.
func (r *run) finish(it *item, b *built) error {
	if err := r.substitute(it, b); err != nil {
		return err
	}
	if common := it.kustomization.Spec.CommonMetadata; common != nil {
		for _, o := range b.objects {
			setMetadata(o, common.Labels, common.Annotations)
		}
	}
	return nil
}

func setMetadata(o *object.Object, labels, annotations map[string]string) {
	for _, key := range sortedKeys(labels) {
		o.SetLabel(key, labels[key])
	}
	for _, key := range sortedKeys(annotations) {
		o.SetAnnotation(key, annotations[key])
	}
}

// ownKustomization finds the Kustomization that builds the very folder it
// stands in; nil when there is none.
func (r *run) ownKustomization(objects []*object.Object) (*item, error) {
	var own *item
	for _, o := range objects {
		ref := r.set.ref(o)
		if ref.Group != groupKustomize || ref.Kind != kindKustomization {
			continue
		}
		said := len(r.warnings)
		it := &item{ref: ref, from: r.home, folder: r.folder}
		it.at = r.place(it, o)
		if _, err := r.decodeKustomization(it, o); err != nil {
			r.warnings = r.warnings[:said]
			continue // reported when it is its turn
		}
		folder, err := r.home.find(it.kustomization.Spec.Path)
		if err != nil || folder != r.folder || !r.isHome(it.sourceRef(), find(objects, r.set, it.sourceRef())) {
			r.warnings = r.warnings[:said]
			continue
		}
		if own != nil {
			return nil, fault.New(fault.Invalid, "%s and %s both build the folder they stand in", own, it).
				Hint("keep one of them")
		}
		own = it
	}
	return own, nil
}

// find looks for an object by identity.
func find(objects []*object.Object, s *set, ref object.Ref) *object.Object {
	for _, o := range objects {
		if s.ref(o) == ref {
			return o
		}
	}
	return nil
}

// buildAgain builds the folder with the spec of its own Kustomization. Its
// variables may stand in objects of the folder itself.
func (r *run) buildAgain(ctx context.Context, it *item, plain built) (built, error) {
	b, err := r.buildFolder(ctx, it)
	if err != nil {
		return built{}, err
	}
	if it.kustomization.Spec.PostBuild != nil {
		for _, o := range plain.objects {
			if kind := o.GVK().Kind; kind != kindConfigMap && kind != kindSecret {
				continue
			}
			if _, err := r.set.add(it, o); err != nil {
				return built{}, err
			}
		}
		defer func() { r.set.byRef = map[object.Ref]found{} }()
		if m := r.missing(it); len(m.required) > 0 {
			return built{}, m.required[0]
		}
	}
	return b, r.finish(it, &b)
}
