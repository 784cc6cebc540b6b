package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/tugops/tug/internal/fault"
)

// The services of a server.
const (
	uploadPack  = "git-upload-pack"  // gives objects
	receivePack = "git-receive-pack" // takes them
)

// session is one conversation with a service of a server.
type session interface {
	// refs are what the server offers.
	refs(ctx context.Context) (*packp.AdvRefs, error)
	// pack asks for objects; the reader begins with the server's answer.
	pack(ctx context.Context, req *packp.UploadPackRequest) (io.ReadCloser, error)
	// update sends objects and asks to move refs; the reader gives the answer.
	update(ctx context.Context, req *packp.ReferenceUpdateRequest) (io.ReadCloser, error)
	close()
}

// download fetches one commit into the cache and gives its hash.
func (r *Remotes) download(ctx context.Context, where remote, ref string) (string, error) {
	s, err := r.session(ctx, where, uploadPack)
	if err != nil {
		return "", err
	}
	defer s.close()
	offered, err := s.refs(ctx)
	if err != nil {
		return "", err
	}
	want, err := wanted(where, offered, ref)
	if err != nil {
		return "", err
	}
	final := r.folder(where, want.commit.String())
	if _, err := os.Stat(filepath.Join(final, "HEAD")); err == nil {
		return want.commit.String(), nil
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o700); err != nil {
		return "", fmt.Errorf("cache of repositories: %w", err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(final), ".fetch-*")
	if err != nil {
		return "", fmt.Errorf("cache of repositories: %w", err)
	}
	defer os.RemoveAll(temporary)
	if err := r.receive(ctx, s, where, offered, want, temporary); err != nil {
		return "", err
	}
	if err := os.Rename(temporary, final); err != nil {
		if _, there := os.Stat(filepath.Join(final, "HEAD")); there != nil {
			return "", fmt.Errorf("cache of repositories: %w", err)
		}
	}
	return want.commit.String(), nil
}

func (r *Remotes) session(ctx context.Context, where remote, service string) (session, error) {
	if where.scheme == "ssh" {
		return r.SSH.session(ctx, where, service)
	}
	return newHTTPSession(r.HTTP, where, service)
}

// want is the object to ask for, and the commit that it leads to.
type want struct {
	object, commit plumbing.Hash
	all            bool // the server gives only what its refs lead to
}

// wanted finds a ref among those that are offered, in Git's order.
func wanted(where remote, offered *packp.AdvRefs, ref string) (want, error) {
	if isHash(ref) {
		return wantedCommit(offered, plumbing.NewHash(ref)), nil
	}
	if ref == "" || ref == "HEAD" {
		if offered.Head == nil {
			return want{}, fault.New(fault.NotFound, "repository %s has no default branch", where).Hint("name a branch or tag")
		}
		return want{object: *offered.Head, commit: *offered.Head}, nil
	}
	for _, rule := range refRules()[1:4] {
		name := strings.ReplaceAll(rule, "%", ref)
		if strings.HasPrefix(ref, "refs/") {
			name = ref
		}
		object, ok := offered.References[name]
		if !ok {
			continue
		}
		w := want{object: object, commit: object}
		if peeled, ok := offered.Peeled[name]; ok {
			w.commit = peeled
		}
		return w, nil
	}
	e := fault.New(fault.NotFound, "repository %s has no branch or tag %q", where, ref)
	var names []string
	for name := range offered.References {
		names = append(names, plumbing.ReferenceName(name).Short())
	}
	slices.Sort(names)
	for _, near := range fault.Nearest(ref, names, 3) {
		e.Hint("did you mean %q?", near)
	}
	return want{}, e.Hint("a commit is named with all its 40 digits")
}

// wantedCommit asks for a commit itself where the server allows it.
func wantedCommit(offered *packp.AdvRefs, h plumbing.Hash) want {
	for name, object := range offered.References {
		if object == h {
			return want{object: h, commit: h}
		}
		if offered.Peeled[name] == h {
			return want{object: object, commit: h}
		}
	}
	caps := offered.Capabilities
	direct := caps.Supports(capability.AllowReachableSHA1InWant) || caps.Supports(capability.AllowTipSHA1InWant)
	return want{object: h, commit: h, all: !direct}
}

// receive fetches into an empty folder and makes a bare repository of it.
func (r *Remotes) receive(ctx context.Context, s session, where remote, offered *packp.AdvRefs, w want, dir string) error {
	req := packp.NewUploadPackRequestFromCapabilities(offered.Capabilities)
	req.Capabilities.Delete(capability.ThinPack)
	req.Wants = []plumbing.Hash{w.object}
	if w.all {
		req.Wants = allWants(offered)
	} else if offered.Capabilities.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
	}
	body, err := s.pack(ctx, req)
	if err != nil {
		return err
	}
	defer body.Close()
	answer := packp.NewUploadPackResponse(req)
	if err := answer.Decode(body); err != nil {
		return r.broken(ctx, where, err)
	}
	defer func() { _ = answer.Close() }()
	store := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(objectCache))
	limit := r.MaxPack
	if limit == 0 {
		limit = defaultMaxPack
	}
	if err := packfile.UpdateObjectStorage(store, &limited{demux(req.Capabilities, answer), limit}); err != nil {
		return r.broken(ctx, where, err)
	}
	if err := store.SetShallow(answer.Shallows); err != nil {
		return fmt.Errorf("cache of repositories: %w", err)
	}
	_ = store.Close()
	if err := bare(dir, w.commit); err != nil {
		return fmt.Errorf("cache of repositories: %w", err)
	}
	if _, _, err := openCached(dir, w.commit.String()); err != nil {
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "repository %s has no commit %s", where, w.commit).
				Hint("no branch or tag leads to it any more: was it pushed?")
		}
		return err
	}
	return nil
}

// bare writes what makes a folder of objects a repository at one commit.
func bare(dir string, commit plumbing.Hash) error {
	if err := os.MkdirAll(filepath.Join(dir, "refs", "heads"), 0o700); err != nil {
		return err
	}
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "HEAD"), []byte(commit.String()+"\n"), 0o600)
}

func allWants(offered *packp.AdvRefs) []plumbing.Hash {
	var all []plumbing.Hash
	for name, object := range offered.References {
		if ref := plumbing.ReferenceName(name); ref.IsBranch() || ref.IsTag() {
			all = append(all, object)
		}
	}
	slices.SortFunc(all, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all)
}

func demux(caps *capability.List, r io.Reader) io.Reader {
	switch {
	case caps.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case caps.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	}
	return r
}

var errPackSize = errors.New("the pack is too large")

// limited fails where io.LimitReader would pretend that the end was reached.
type limited struct {
	io.Reader
	left int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errPackSize
	}
	return n, err
}

// broken says what went wrong on the way.
func (r *Remotes) broken(ctx context.Context, where remote, err error) error {
	switch {
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case errors.Is(err, errPackSize):
		limit := r.MaxPack
		if limit == 0 {
			limit = defaultMaxPack
		}
		return fault.New(fault.Invalid, "fetch %s: the pack is larger than %d MiB", where, limit>>20)
	case strings.Contains(err.Error(), "not our ref"):
		return fault.New(fault.NotFound, "repository %s does not have that commit", where)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return fault.New(fault.Unavailable, "fetch %s: %w", where, err).
		Hint("the server broke off or sent something else than Git; try again")
}
