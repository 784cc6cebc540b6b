package flux

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// generator is the spec of an ArtifactGenerator
// (source.extensions.fluxcd.io/v1beta1), as far as it is read here.
type generator struct {
	Sources []struct {
		Alias     string `json:"alias"`
		Kind      string `json:"kind"`
		Name      string `json:"name"`
		Namespace string `json:"namespace,omitempty"`
	} `json:"sources"`
	Artifacts []artifact `json:"artifacts"`
}

type artifact struct {
	Name           string     `json:"name"`
	PathPattern    string     `json:"pathPattern,omitempty"`
	Revision       string     `json:"revision,omitempty"`
	OriginRevision string     `json:"originRevision,omitempty"`
	Copy           []copyStep `json:"copy"`
}

// copyStep copies files of a source into an artifact, in the way of cp.
type copyStep struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Exclude  []string `json:"exclude,omitempty"`
	Strategy string   `json:"strategy,omitempty"`
}

// generatorOf finds what makes an ExternalArtifact.
func (r *run) generatorOf(ref object.Ref) (found, artifact, bool) {
	for at, o := range r.set.byRef {
		if at.Group != groupExtensions || at.Kind != kindGenerator || at.Namespace != ref.Namespace {
			continue
		}
		spec, err := generatorSpec(o)
		if err != nil {
			continue
		}
		for _, a := range spec.Artifacts {
			if a.Name == ref.Name {
				return o, a, true
			}
		}
	}
	return found{}, artifact{}, false
}

func generatorSpec(o found) (generator, error) {
	var g generator
	data, err := json.Marshal(o.Fields["spec"])
	if err != nil {
		return g, err
	}
	if err := json.Unmarshal(data, &g); err != nil {
		return g, mistyped(err)
	}
	return g, nil
}

// artifact puts an artifact together: a file tree whose files are those of its
// sources.
func (r *run) artifact(ctx context.Context, ref object.Ref) (*tree, error) {
	o, a, ok := r.generatorOf(ref)
	if !ok {
		return nil, fault.New(fault.Invalid, "ExternalArtifact %s/%s is made by no ArtifactGenerator that is rendered here", ref.Namespace, ref.Name)
	}
	r.treesMu.Lock()
	t := r.trees[ref.String()]
	r.treesMu.Unlock()
	if t != nil {
		return t, nil
	}
	fail := func(err error) error {
		return fmt.Errorf("ArtifactGenerator %s/%s (%s): artifact %s: %w", o.Namespace(), o.Name(), placeOf(o.Object), a.Name, err)
	}
	sources, err := r.artifactSources(ctx, o)
	if err != nil {
		return nil, fail(err)
	}
	files := map[string]content{}
	t = &tree{name: "artifact " + a.Name, files: overlay{files: files}, base: ".", origin: map[string]string{}}
	for i, step := range a.Copy {
		if err := t.copy(ctx, files, step, sources); err != nil {
			return nil, fail(fmt.Errorf("copy.%d: %w", i, err))
		}
	}
	r.treesMu.Lock()
	r.trees[ref.String()] = t
	r.treesMu.Unlock()
	return t, nil
}

func (r *run) artifactSources(ctx context.Context, o found) (map[string]*tree, error) {
	spec, err := generatorSpec(o)
	if err != nil {
		return nil, err
	}
	sources := map[string]*tree{}
	for _, s := range spec.Sources {
		ref := object.Ref{Group: groupSource, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}
		if ref.Namespace == "" {
			ref.Namespace = r.set.ref(o.Object).Namespace
		}
		if s.Kind == kindExternalArtifact {
			return nil, fault.New(fault.Invalid, "source %s: artifacts made of artifacts are not supported", s.Alias)
		}
		t, err := r.treeOf(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Alias, err)
		}
		sources[s.Alias] = t
	}
	return sources, nil
}

// copy does one step. A trailing slash of the target means "into"; a pattern
// keeps what lies below its part without wildcards.
func (t *tree) copy(ctx context.Context, files map[string]content, step copyStep, sources map[string]*tree) error {
	from, pattern, err := step.source(sources)
	if err != nil {
		return err
	}
	to, ok := strings.CutPrefix(step.To, "@artifact")
	into := to == "" || strings.HasSuffix(to, "/")
	to = path.Clean(strings.TrimLeft(to, "/"))
	if !ok || !validPath(to) {
		return fault.New(fault.Invalid, "to: %q is no path in the artifact", step.To).Hint("write @artifact/folder/ or @artifact/file.yaml")
	}
	root, fixed := from.rootOf(pattern)
	base, found, err := from.glob(ctx, root, pattern, step.Exclude)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fault.New(fault.NotFound, "from: %q fits no file in %s", step.From, from.label())
	}
	for _, name := range found {
		rel := strings.TrimPrefix(strings.TrimPrefix(name, base), "/")
		target := path.Join(to, rel)
		if fixed == name && !into {
			target = to
		}
		if err := t.put(files, target, from, name, step.Strategy); err != nil {
			return err
		}
	}
	return nil
}

// put adds one file to an artifact.
func (t *tree) put(files map[string]content, target string, from *tree, name, strategy string) error {
	next := content{fsys: from.files, name: name}
	switch strategy {
	case "", "Overwrite":
	case "Merge":
		before, there := files[target]
		if !there {
			break
		}
		data, err := mergedYAML(before, next)
		if err != nil {
			return fmt.Errorf("merge %s into %s: %w", name, target, err)
		}
		next = content{data: data}
	default:
		return fault.New(fault.Invalid, "strategy %q is not supported", strategy).Hint("use Overwrite or Merge, and keep the files unpacked")
	}
	if len(files) >= render.MaxEntries {
		return fault.New(fault.Invalid, "more than %d files", render.MaxEntries)
	}
	files[target] = next
	t.origin[target] = from.restore(object.Source{File: name}).File
	return nil
}

func mergedYAML(before, next content) ([]byte, error) {
	merged := map[string]any{}
	for _, c := range []content{before, next} {
		data, err := c.read()
		if err != nil {
			return nil, err
		}
		values, err := readValues(string(data))
		if err != nil {
			return nil, fault.New(fault.Invalid, "only maps in YAML can be merged")
		}
		merged = mergeMaps(merged, values)
	}
	return json.Marshal(merged)
}

func (c content) read() ([]byte, error) {
	if c.fsys == nil {
		return c.data, nil
	}
	return readFile(c.fsys, c.name)
}

// source splits "@alias/pattern".
func (s copyStep) source(sources map[string]*tree) (from *tree, pattern string, err error) {
	alias, pattern, ok := strings.Cut(strings.TrimPrefix(s.From, "@"), "/")
	from, known := sources[alias]
	if !ok || !strings.HasPrefix(s.From, "@") || !known {
		return from, "", fault.New(fault.Invalid, "from: %q names no source of the generator", s.From).
			Hint("write @alias/path, with one of: %s", strings.Join(sortedKeys(sources), ", "))
	}
	if !validPath(path.Clean(pattern)) {
		return from, "", fault.New(fault.Invalid, "from: %q leads out of the source", s.From)
	}
	return from, pattern, nil
}
