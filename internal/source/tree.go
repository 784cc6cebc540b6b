package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// Tree implements render.Sources.
func (r *Resolver) Tree(ctx context.Context, ref render.TreeRef) (render.Package, error) {
	address := strings.TrimPrefix(ref.URL, "git+")
	c := r.once(strings.Join([]string{"git", address, ref.Ref}, "\x00"), func(c *call) {
		c.tree, c.files, c.err = r.tree(ctx, address, ref.Ref)
	})
	if c.err != nil {
		return render.Package{}, at(ref.From, c.err)
	}
	r.note(func() { r.used.addTree(c.tree, ref.From.File) })
	return render.Package{Files: c.files, Path: ".", Commit: c.tree.Commit, Digest: "sha256:" + c.tree.SHA256}, nil
}

func (r *Resolver) tree(ctx context.Context, address, ref string) (LockedTree, fs.FS, error) {
	want := LockedTree{URL: address, Ref: ref}
	what := describeTree(want)
	locked, ok := LockedTree{}, false
	if r.options.Lock != nil && !r.options.Update {
		locked, ok = r.options.Lock.tree(want)
	}
	if r.options.Hermetic && !ok {
		return want, nil, r.hermetic(what, "is not locked")
	}
	asked := ref
	if ok {
		asked = locked.Commit
	}
	if r.options.Git == nil {
		return want, nil, fault.New(fault.Unavailable, "%s: Git repositories elsewhere are not to be had here", what)
	}
	files, commit, err := r.options.Git.Fetch(ctx, address, asked)
	if err != nil {
		return want, nil, err
	}
	sum, err := HashTree(ctx, files)
	if err != nil {
		return want, nil, fault.New(fault.KindOf(err), "%s: %w", what, err)
	}
	if ok && (sum != locked.SHA256 || commit != locked.Commit) {
		return want, nil, fault.New(fault.Invalid, "%s has content sha256:%s at %s, but %s locks sha256:%s at %s", what, sum, commit, r.options.LockFile, locked.SHA256, locked.Commit).
			Hint("the cache or the server gives something else than was locked; remove the cache and try again")
	}
	if !ok && commit != ref {
		r.note(func() { r.loose = append(r.loose, what) })
	}
	want.Commit, want.SHA256 = commit, sum
	return want, files, nil
}

func describeTree(t LockedTree) string {
	if t.Ref == "" {
		return "repository " + t.URL
	}
	return "repository " + t.URL + " at " + t.Ref
}

// maxTree bounds the files of a tree that is hashed, in number.
const maxTree = 200_000

// HashTree is the SHA-256 over the names, kinds and contents of all files,
// sorted by name: "<mode> <sha256> <path>\n" for each, mode being Git's.
func HashTree(ctx context.Context, files fs.FS) (string, error) {
	all, n := sha256.New(), 0
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return err
		}
		if n++; n > maxTree {
			return fault.New(fault.Invalid, "more than %d files", maxTree)
		}
		mode, data, err := contentOf(files, name, d)
		if err != nil {
			return err
		}
		fmt.Fprintf(all, "%s %s %s\n", mode, Sum(data), name)
		return nil
	})
	return hex.EncodeToString(all.Sum(nil)), err
}

// contentOf is what a file holds; of a symbolic link and a submodule its name
// alone counts where there is nothing else to read.
func contentOf(files fs.FS, name string, d fs.DirEntry) (string, []byte, error) {
	switch kind := d.Type(); {
	case kind == fs.ModeSymlink:
		target, err := fs.ReadLink(files, name)
		return "120000", []byte(target), err
	case kind != 0:
		return "160000", nil, nil
	}
	info, err := d.Info()
	if err != nil {
		return "", nil, err
	}
	data, err := fs.ReadFile(files, name)
	if info.Mode()&0o111 != 0 {
		return "100755", data, err
	}
	return "100644", data, err
}

func isGit(repository string) bool { return strings.HasPrefix(repository, "git+") }

// gitChart gives a chart that stands in a Git repository, in the notation of
// the helm-git plugin: git+https://host/repository@path/in/it?ref=branch.
func (r *Resolver) gitChart(ctx context.Context, repository string, ref render.ChartRef) (render.Package, error) {
	address, folder, rev, err := splitGit(repository)
	if err != nil {
		return render.Package{}, at(ref.From, err)
	}
	p, err := r.Tree(ctx, render.TreeRef{URL: address, Ref: rev, From: ref.From})
	if err != nil {
		return render.Package{}, err
	}
	for _, dir := range []string{folder, path.Join(folder, ref.Name)} {
		name, version, err := chartAt(p.Files, dir)
		if errors.Is(err, fs.ErrNotExist) || err == nil && ref.Name != "" && name != ref.Name {
			continue
		}
		if err != nil {
			return render.Package{}, at(ref.From, fault.New(fault.Invalid, "%s: %s: %w", repository, path.Join(dir, "Chart.yaml"), err))
		}
		fits, err := Newest([]string{version}, ref.Version)
		if err != nil || fits == "" {
			return render.Package{}, at(ref.From, fault.New(fault.NotFound, "chart %q in %s has version %s, which does not fit %q", ref.Name, repository, version, ref.Version))
		}
		p.Path, p.Version = dir, version
		return p, nil
	}
	return render.Package{}, at(ref.From, fault.New(fault.NotFound, "%s has no chart %q in %s", address, ref.Name, folder).
		Hint("write the folder behind @: git+https://host/repository@path?ref=branch"))
}

// chartAt reads what Chart.yaml in a folder says.
func chartAt(files fs.FS, dir string) (name, version string, err error) {
	data, err := fs.ReadFile(files, path.Join(dir, "Chart.yaml"))
	if err != nil {
		return "", "", err
	}
	var head Head
	err = yaml.Unmarshal(data, &head)
	return head.Name, head.Version, err
}

// splitGit takes the notation apart. A user before the host has an @ too.
func splitGit(repository string) (address, folder, ref string, err error) {
	text, query, _ := strings.Cut(strings.TrimPrefix(repository, "git+"), "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return "", "", "", fault.New(fault.Invalid, "repository %q: %w", repository, err)
	}
	for option := range options {
		if option != "ref" {
			return "", "", "", fault.New(fault.Invalid, "repository %q: option %q has no meaning here", repository, option).
				Hint("the form is git+https://host/repository@path?ref=branch")
		}
	}
	start := strings.Index(text, "://")
	start = max(start+len("://"), 0)
	slash := strings.IndexByte(text[start:], '/')
	folder = "."
	if slash >= 0 {
		if i := strings.LastIndexByte(text[start+slash:], '@'); i >= 0 {
			text, folder = text[:start+slash+i], path.Clean(text[start+slash+i+1:])
		}
	}
	if !fs.ValidPath(folder) {
		return "", "", "", fault.New(fault.Invalid, "repository %q: path %q leads out of it", repository, folder)
	}
	return text, folder, options.Get("ref"), nil
}
