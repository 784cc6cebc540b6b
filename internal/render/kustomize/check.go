package kustomize

import (
	"errors"
	"io/fs"
	"net/url"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/tugops/tug/internal/fault"
)

// reference is one path in a kustomization.
type reference struct {
	field string
	value string
	// folder says that the library takes it for a folder, and so for a Git
	// repository, when it is not a file.
	folder bool
}

// references lists the paths of files in a kustomization. Inline content,
// which some fields allow instead, has several lines.
func references(k *types.Kustomization) []reference {
	var refs []reference
	add := func(field string, values ...string) {
		for _, v := range values {
			if v != "" && !strings.Contains(v, "\n") {
				refs = append(refs, reference{field: field, value: v})
			}
		}
	}
	add("configurations", k.Configurations...)
	add("crds", k.Crds...)
	add("openapi", k.OpenAPI["path"])
	for _, p := range k.PatchesStrategicMerge {
		if !inline(string(p)) {
			add("patchesStrategicMerge", string(p))
		}
	}
	for _, p := range k.Patches {
		add("patches", p.Path)
	}
	for _, p := range k.PatchesJson6902 {
		add("patchesJson6902", p.Path)
	}
	for _, r := range k.Replacements {
		add("replacements", r.Path)
	}
	for _, g := range k.ConfigMapGenerator {
		add("configMapGenerator", sources(g.KvPairSources)...)
	}
	for _, g := range k.SecretGenerator {
		add("secretGenerator", sources(g.KvPairSources)...)
	}
	return refs
}

// inline reports whether a patch is content on one line rather than a path.
func inline(patch string) bool {
	return strings.HasPrefix(patch, "{") || strings.HasPrefix(patch, "[") || strings.Contains(patch, "\n")
}

// sources gives the files of a generator; an entry is "path" or "key=path".
func sources(s types.KvPairSources) []string {
	out := append([]string{s.EnvSource}, s.EnvSources...)
	for _, entry := range s.FileSources {
		if _, file, ok := strings.Cut(entry, "="); ok {
			entry = file
		}
		out = append(out, entry)
	}
	return out
}

// checkFile checks a reference to a file: it must be there, in the same tree.
func (b *build) checkFile(n *node, ref reference) error {
	if isURL(ref.value) {
		return remoteFile(n.position(ref.value), ref)
	}
	target, ok := n.at.join(ref.value)
	if !ok {
		return outside(n.position(ref.value), ref.value)
	}
	if real, err := resolve(target.mount.fsys, target.path); err == nil {
		b.others[fileKey{target.mount.tree, real}] = true
	}
	info, err := fs.Stat(target.mount.fsys, target.path)
	if err != nil {
		return absent(n.position(ref.value), ref, err)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return fault.New(fault.Invalid, "%s: %s: %q is neither a file nor a folder", n.position(ref.value), ref.field, ref.value)
	}
	return nil
}

// target finds the file or folder that a reference names, in this tree or in
// one from outside.
func (b *build) target(n *node, ref reference) (place, error) {
	if isURL(ref.value) {
		return b.remote(n, ref)
	}
	target, ok := n.at.join(ref.value)
	if !ok {
		if isGit(ref.value) {
			return b.remote(n, ref)
		}
		return place{}, outside(n.position(ref.value), ref.value)
	}
	info, err := fs.Stat(target.mount.fsys, target.path)
	switch {
	case err == nil && !info.IsDir():
		return target, nil
	case isGit(ref.value):
		return b.remote(n, ref)
	case err != nil:
		return place{}, absent(n.position(ref.value), ref, err)
	}
	return target, nil
}

func absent(at string, ref reference, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "%s: %s: %q does not exist", at, ref.field, ref.value).
			Hint("paths are relative to the folder of the kustomization that names them")
	}
	return fault.New(fault.Invalid, "%s: %s: %q cannot be read: %w", at, ref.field, ref.value, err)
}

// outside is the fault for a path that leaves the repository.
func outside(at, name string) error {
	return fault.New(fault.Invalid, "%s: %q leads out of the repository", at, name).
		Hint("a kustomization reads only what lies in its own repository")
}

// isURL is the library's test for files to be fetched over HTTP.
func isURL(value string) bool {
	u, err := url.Parse(value)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

var gitForm = regexp.MustCompile(`(?i)^(git::|ssh://|https?://|file://|github\.com[/:]|[a-z][a-z0-9-]*@)`)

// isGit is at least as broad as the library's test for Git repositories.
func isGit(value string) bool { return gitForm.MatchString(value) }
