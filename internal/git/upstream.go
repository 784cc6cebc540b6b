package git

import (
	"context"
	"io/fs"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/tugops/tug/internal/fault"
)

// Upstream is a repository elsewhere whose tips are read and moved. It holds
// the few objects that it needs in memory: the trees of a tip, files when they
// are read (all at once from a server that knows no partial clones), and what
// is built on top. There is no work tree and nothing to clean up.
//
// One goroutine uses an Upstream; the file systems that it gives may be used by
// several.
type Upstream struct {
	remotes *Remotes
	where   remote
	store   *store
	offered *packp.AdvRefs // what git-upload-pack said first
	have    []plumbing.Hash
	fetch   sync.Mutex
}

// Upstream opens no connection yet. URLs are those of Fetch, but for file://:
// a push needs a server that keeps others out while a ref moves.
func (r *Remotes) Upstream(url string) (*Upstream, error) {
	where, err := parseRemote(url)
	if err != nil {
		return nil, err
	}
	switch {
	case where.scheme == "file":
		return nil, fault.New(fault.Invalid, "repository %s is on this machine, and pushes go to servers only", where).
			Hint("name it by its https or ssh address")
	case r.Offline:
		return nil, fault.New(fault.Unavailable, "repository %s: the network is not to be used", where)
	}
	lru := cache.NewObjectLRU(objectCache)
	git := filesystem.NewStorage(memfs.New(), lru)
	s := &store{git: git, objects: []*filesystem.ObjectStorage{&git.ObjectStorage}, trees: map[plumbing.Hash]*tree{}}
	return &Upstream{remotes: r, where: where, store: s}, nil
}

// String is the URL without credentials.
func (u *Upstream) String() string { return u.where.String() }

// Refs are the branches of a repository at one moment, by their short names,
// and the hashes of their tips.
type Refs struct {
	Branches map[string]string
	// Default is the name of the default branch; empty when the server does
	// not say.
	Default string
}

// Refs asks the server anew.
func (u *Upstream) Refs(ctx context.Context) (Refs, error) {
	s, offered, err := u.converse(ctx, uploadPack)
	if err != nil {
		return Refs{}, err
	}
	s.close()
	u.offered = offered
	return refsOf(offered), nil
}

func refsOf(offered *packp.AdvRefs) Refs {
	refs := Refs{Branches: map[string]string{}}
	for name, h := range offered.References {
		if short, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			refs.Branches[short] = h.String()
		}
	}
	for _, link := range offered.Capabilities.Get(capability.SymRef) {
		if target, ok := strings.CutPrefix(link, "HEAD:refs/heads/"); ok {
			refs.Default = target
		}
	}
	return refs
}

func (u *Upstream) converse(ctx context.Context, service string) (session, *packp.AdvRefs, error) {
	s, err := u.remotes.session(ctx, u.where, service)
	if err != nil {
		return nil, nil, err
	}
	offered, err := s.refs(ctx)
	if err != nil {
		s.close()
		return nil, nil, err
	}
	return s, offered, nil
}

// Tree is the content of a commit, one that was fetched or one that was built.
type Tree struct {
	Commit Commit
	// Message is the whole one, Parents the commits that it is built on, and
	// Hash that of the content.
	Message string
	Parents []string
	Hash    string
	Files   fs.FS

	root plumbing.Hash
	made []plumbing.Hash // objects that the server does not have yet, its parents' too
}

// At is the tree of a commit that the server has: the tip of a branch, and any
// other where the server gives it. What a file system still fetches ends with
// ctx.
func (u *Upstream) At(ctx context.Context, hash string) (*Tree, error) {
	if !isHash(hash) {
		return nil, fault.New(fault.Internal, "commit %q of %s", hash, u.where)
	}
	u.store.lazy = nil
	h := plumbing.NewHash(hash)
	if _, err := u.store.commit(h); err != nil {
		if err := u.get(ctx, h, true); err != nil {
			return nil, err
		}
	}
	u.store.lazy = func(h plumbing.Hash) error { return u.get(ctx, h, false) }
	return u.tree(h)
}

func (u *Upstream) tree(h plumbing.Hash) (*Tree, error) {
	c, err := u.store.commit(h)
	if err != nil {
		return nil, err
	}
	files := &treeFS{store: u.store, root: c.TreeHash, time: c.Committer.When.UTC()}
	t := &Tree{Commit: commitOf(c, h.String()), Message: c.Message, Hash: c.TreeHash.String(), Files: files, root: c.TreeHash}
	for _, p := range c.ParentHashes {
		t.Parents = append(t.Parents, p.String())
	}
	return t, nil
}

// get fetches a commit with its trees, or one object of it.
func (u *Upstream) get(ctx context.Context, h plumbing.Hash, commit bool) error {
	u.fetch.Lock()
	defer u.fetch.Unlock()
	s, err := u.reader(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	req := packp.NewUploadPackRequestFromCapabilities(u.offered.Capabilities)
	for _, c := range []capability.Capability{capability.ThinPack, capability.MultiACK, capability.MultiACKDetailed} {
		req.Capabilities.Delete(c)
	}
	req.Wants = []plumbing.Hash{h}
	if commit {
		err = u.askCommit(req)
	}
	if err != nil {
		return err
	}
	if err := u.take(ctx, s, req); err != nil {
		return err
	}
	if commit {
		u.have = append(u.have, h)
	}
	return nil
}

// reader is a conversation in which objects can be asked for. Over HTTP each
// request stands alone, so that the offer of an earlier one will do.
func (u *Upstream) reader(ctx context.Context) (session, error) {
	if u.offered != nil && u.where.scheme != "ssh" {
		return u.remotes.session(ctx, u.where, uploadPack)
	}
	s, offered, err := u.converse(ctx, uploadPack)
	if err == nil {
		u.offered = offered
	}
	return s, err
}

// askCommit leaves out history, files, and what is here already.
func (u *Upstream) askCommit(req *packp.UploadPackRequest) error {
	caps := u.offered.Capabilities
	if caps.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		req.Shallows, req.Haves = append(req.Shallows, u.have...), append(req.Haves, u.have...)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
	}
	single := caps.Supports(capability.AllowReachableSHA1InWant)
	if !caps.Supports(capability.Filter) || !single {
		return nil
	}
	req.Filter = packp.FilterBlobNone()
	return req.Capabilities.Set(capability.Filter)
}

// take puts the objects of an answer into the store.
func (u *Upstream) take(ctx context.Context, s session, req *packp.UploadPackRequest) error {
	body, err := s.pack(ctx, req)
	if err != nil {
		return err
	}
	defer body.Close()
	answer := packp.NewUploadPackResponse(req)
	if err := answer.Decode(body); err != nil {
		return u.remotes.broken(ctx, u.where, err)
	}
	limit := u.remotes.MaxPack
	if limit == 0 {
		limit = defaultMaxPack
	}
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	err = packfile.UpdateObjectStorage(u.store.git, &limited{demux(req.Capabilities, answer), limit})
	if err != nil {
		return u.remotes.broken(ctx, u.where, err)
	}
	return nil
}
