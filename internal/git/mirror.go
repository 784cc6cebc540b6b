package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/tugops/tug/internal/fault"
)

const (
	// maxPacks is how many fetches a mirror takes before it is made anew in
	// one piece.
	maxPacks = 50
	// maxHaves is how many of the commits that were fetched last are offered to
	// a server, so that it sends what is new only.
	maxHaves = 16
)

// Mirror follows one repository with its history: what a branch or tag names
// now, and the commits that were fetched so far. It is what a process uses
// that looks at one repository again and again; Remotes.Fetch is for one look.
//
// Commits are added to a bare repository below Dir of its Remotes; trees of
// earlier commits stay readable while it grows. It is safe for concurrent use.
type Mirror struct {
	remotes *Remotes
	where   remote

	mu    sync.Mutex
	dir   string // of the present generation; "" before the first fetch
	old   string // of the generation before
	repo  *Repo
	haves []plumbing.Hash
	packs int
}

// Follow makes a mirror of a repository; it reads nothing yet.
func (r *Remotes) Follow(url string) (*Mirror, error) {
	where, err := parseRemote(url)
	if err != nil {
		return nil, err
	}
	if where.scheme == "file" && !r.Local {
		_, _, err := r.local(where, "")
		return nil, err
	}
	return &Mirror{remotes: r, where: where}, nil
}

// URL is the address, without credentials.
func (m *Mirror) URL() string { return m.where.String() }

// Tip asks the server what t names now: the full hash of a commit and the name
// that led to it. It costs one request and fetches nothing.
func (m *Mirror) Tip(ctx context.Context, t Tip) (hash, name string, err error) {
	if m.where.scheme == "file" {
		return m.localTip(t)
	}
	s, err := m.remotes.session(ctx, m.where, uploadPack)
	if err != nil {
		return "", "", err
	}
	defer s.close()
	offered, err := s.refs(ctx)
	if err != nil {
		return "", "", err
	}
	want, name, err := t.among(m.where, offered)
	return want.commit.String(), name, err
}

func (m *Mirror) localTip(t Tip) (hash, name string, err error) {
	repo, err := Open(filepath.FromSlash(m.where.path))
	if err != nil {
		return "", "", err
	}
	name = t.ref()
	if t.Semver != "" {
		names, err := repo.Names()
		if err != nil {
			return "", "", err
		}
		if name, err = newest(m.where, t.Semver, names); err != nil {
			return "", "", err
		}
		name = "refs/tags/" + name
	}
	if name == "" {
		name = "HEAD"
	}
	_, commit, err := repo.At(name)
	return commit.Hash, name, err
}

// Commit gives the repository with a commit that Tip named in it, fetched if
// need be.
func (m *Mirror) Commit(ctx context.Context, hash string) (*Repo, error) {
	if !isHash(hash) {
		return nil, fault.New(fault.Invalid, "%q is no full hash of a commit", hash)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.where.scheme == "file" {
		return Open(filepath.FromSlash(m.where.path))
	}
	if m.repo != nil {
		if _, err := m.repo.store.commit(plumbing.NewHash(hash)); err == nil {
			return m.repo, nil
		}
	}
	if m.packs >= maxPacks {
		m.old, m.dir, m.repo, m.haves, m.packs = m.retire(), "", nil, nil, 0
	}
	if err := m.fetch(ctx, hash); err != nil {
		return nil, err
	}
	return m.repo, nil
}

// retire removes the generation before the present one: nobody reads trees
// that are that old.
func (m *Mirror) retire() string {
	if m.old != "" {
		_ = os.RemoveAll(m.old)
	}
	return m.dir
}

// fetch adds a commit and what is behind it.
func (m *Mirror) fetch(ctx context.Context, hash string) error {
	s, err := m.remotes.session(ctx, m.where, uploadPack)
	if err != nil {
		return err
	}
	defer s.close()
	offered, err := s.refs(ctx)
	if err != nil {
		return err
	}
	dir := m.dir
	if dir == "" {
		if dir, err = m.generation(); err != nil {
			return err
		}
	}
	want := wantedCommit(offered, plumbing.NewHash(hash))
	err = m.receive(ctx, s, offered, want, dir)
	if err == nil && m.repo == nil {
		m.repo, err = Open(dir)
	}
	if err == nil {
		_, err = m.repo.store.commit(want.commit)
	}
	if err != nil {
		if m.dir == "" {
			m.repo = nil
			_ = os.RemoveAll(dir)
		}
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "repository %s has no commit %s any more", m.where, hash).
				Hint("its history was rewritten while it was read; the next look finds what it has now")
		}
		return err
	}
	m.dir = dir
	m.packs++
	m.haves = append([]plumbing.Hash{want.commit}, m.haves[:min(len(m.haves), maxHaves-1)]...)
	return nil
}

// generation makes the folder of a new one, and removes what earlier processes
// left.
func (m *Mirror) generation() (string, error) {
	base := filepath.Join(m.remotes.Dir, "git", "mirrors", m.where.key())
	if m.old == "" {
		_ = os.RemoveAll(base)
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", fmt.Errorf("cache of repositories: %w", err)
	}
	dir, err := os.MkdirTemp(base, "")
	if err != nil {
		return "", fmt.Errorf("cache of repositories: %w", err)
	}
	return dir, nil
}

// receive fetches a commit with its history into a bare repository, less what
// is there.
func (m *Mirror) receive(ctx context.Context, s session, offered *packp.AdvRefs, w want, dir string) error {
	req := packp.NewUploadPackRequestFromCapabilities(offered.Capabilities)
	for _, c := range []capability.Capability{capability.ThinPack, capability.MultiACK, capability.MultiACKDetailed, capability.Shallow} {
		req.Capabilities.Delete(c)
	}
	req.Wants = []plumbing.Hash{w.object}
	if w.all {
		req.Wants = allWants(offered)
	}
	req.Haves = slices.Clone(m.haves)
	body, err := s.pack(ctx, req)
	if err != nil {
		return err
	}
	defer body.Close()
	answer := packp.NewUploadPackResponse(req)
	if err := answer.Decode(body); err != nil {
		return m.remotes.broken(ctx, m.where, err)
	}
	defer func() { _ = answer.Close() }()
	store := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(objectCache))
	limit := m.remotes.MaxPack
	if limit == 0 {
		limit = defaultMaxPack
	}
	err = packfile.UpdateObjectStorage(store, &limited{demux(req.Capabilities, answer), limit})
	_ = store.Close()
	if err != nil {
		return m.remotes.broken(ctx, m.where, err)
	}
	if m.repo == nil {
		if err := bare(dir, w.commit); err != nil {
			return fmt.Errorf("cache of repositories: %w", err)
		}
	}
	return nil
}

// shortName is a ref as people write it.
func shortName(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			return name
		}
	}
	return ref
}
