package promote

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

// Target says where an app keeps its versions: slash-separated paths in the
// repository.
type Target struct {
	// Lock is its machine-owned file, which may not be there yet; Format is
	// that of a new one.
	Lock   string
	Format imagelock.Format
	// LockUnread says that no render reads Lock: images in it would pin nothing.
	LockUnread bool
	// Chart is the folder of its chart, Kustomize that of its kustomization;
	// Manifests are files and folders of YAML, Flux objects among them.
	Chart, Kustomize string
	Manifests        []string
	// ValueFiles of the chart, the one of the environment last.
	ValueFiles []string
	// Shared are files and folders that other environments use too, with the
	// name of one of them: a promotion into one does not change the other.
	Shared map[string]string
}

// shared is the other environment that a file serves, empty without.
func (t Target) shared(name string) string {
	for at := name; at != "." && at != "/"; at = path.Dir(at) {
		if env := t.Shared[at]; env != "" {
			return env
		}
	}
	return t.Shared["."]
}

const (
	maxFile  = 4 << 20 // bytes of a file that is looked through
	maxFiles = 2000    // files of a target
)

// yamlFiles are all files of YAML that a target may have versions in, sorted.
func (t Target) yamlFiles(files fs.FS) ([]string, error) {
	var list []string
	add := func(name string) {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, name := range t.ValueFiles {
		add(name)
	}
	roots := slices.Clone(t.Manifests)
	if t.Kustomize != "" {
		roots = append(roots, t.Kustomize)
	}
	for _, root := range roots {
		err := fs.WalkDir(files, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if d.Type().IsRegular() && slices.Contains([]string{".yaml", ".yml"}, path.Ext(name)) {
				add(name)
			}
			if len(list) > maxFiles {
				return fault.New(fault.Invalid, "%s: more than %d files of YAML", root, maxFiles)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if t.Chart != "" {
		for _, name := range []string{"Chart.yaml", "requirements.yaml"} {
			if file := path.Join(t.Chart, name); exists(files, file) {
				add(file)
			}
		}
	}
	return list, nil
}

func exists(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && !info.IsDir()
}

// readSmall reads a file; nil when it is not there, or is too large for a file
// of versions.
func readSmall(files fs.FS, name string) ([]byte, error) {
	data, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.KindOf(err), "read %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, nil
	}
	return data, nil
}

// shortName is the last segment of an image or chart name, without tag and
// digest.
func shortName(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	ref = ref[strings.LastIndexByte(ref, '/')+1:]
	ref, _, _ = strings.Cut(ref, ":")
	return ref
}

// repositoryOf is an image reference without tag and digest.
func repositoryOf(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	slash := strings.LastIndexByte(ref, '/')
	if colon := strings.LastIndexByte(ref, ':'); colon > slash {
		ref = ref[:colon]
	}
	return ref
}

func digestOf(ref string) string {
	_, digest, _ := strings.Cut(ref, "@")
	return digest
}

func shortDigest(ref string) string {
	d := digestOf(ref)
	return d[:min(len(d), len("sha256:")+12)]
}
