package git

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tugops/tug/internal/fault"
)

// Remotes gives the trees of repositories elsewhere. Each commit is fetched
// once, without history, into a bare repository of its own below Dir, which is
// complete before it gets its name and never changes afterwards: any number of
// processes can use one Dir. A branch or tag is resolved once in the life of a
// Remotes, so that one run sees one commit.
//
// The zero value of everything but Dir fetches over https without credentials
// and over ssh with none; a Remotes must not be copied.
type Remotes struct {
	// Dir is the cache.
	Dir string
	// HTTP makes requests; it adds credentials and bounds them.
	HTTP *http.Client
	// SSH is for ssh URLs.
	SSH SSH
	// Local allows file:// URLs: repositories on this machine.
	Local bool
	// Offline fetches nothing: only full commit hashes that are in Dir.
	Offline bool
	// OfflineHint says what to do about it; empty for a general one.
	OfflineHint string
	// MaxPack is the largest pack that is taken, in bytes; 1 GiB when zero.
	MaxPack int64
	// Progress, when set, is told about each fetch over the network.
	Progress func(url, ref string)

	mu    sync.Mutex
	calls map[string]*remoteCall
}

// AsOffline is a Remotes over the same cache that fetches nothing.
func (r *Remotes) AsOffline() *Remotes {
	return &Remotes{Dir: r.Dir, Local: r.Local, Offline: true, OfflineHint: r.OfflineHint}
}

// remoteCall is the one fetch of a URL and ref.
type remoteCall struct {
	once   sync.Once
	files  fs.FS
	commit Commit
	err    error
}

const defaultMaxPack = 1 << 30

// keepUnused is how long a commit stays in the cache that nobody asks for.
const keepUnused = 30 * 24 * time.Hour

// forget removes commits that were not asked for since a time, and what broken
// fetches left. A cache that cannot be tidied is still a cache.
func (r *Remotes) forget(before time.Time) {
	found, err := filepath.Glob(filepath.Join(r.Dir, "git", "*", "*"))
	if err != nil {
		return
	}
	for _, dir := range found {
		if info, err := os.Stat(dir); err == nil && info.ModTime().Before(before) {
			_ = os.RemoveAll(dir)
		}
	}
}

// Fetch gives the tree of a branch, tag or full commit hash; an empty ref is
// the default branch, "refs/heads/x" and "refs/tags/x" say which of two is
// meant. URLs are https://, ssh:// and user@host:path, http:// on loopback and
// with Local file://; a "git+" in front is ignored. The file system is
// read-only and cannot lead out of the tree.
func (r *Remotes) Fetch(ctx context.Context, url, ref string) (fs.FS, Commit, error) {
	where, err := parseRemote(url)
	if err != nil {
		return nil, Commit{}, err
	}
	if err := checkRef(ref); err != nil {
		return nil, Commit{}, err
	}
	r.mu.Lock()
	if r.calls == nil {
		r.calls = map[string]*remoteCall{}
	}
	key := where.String() + "\x00" + ref
	call := r.calls[key]
	if call == nil {
		call = &remoteCall{}
		r.calls[key] = call
	}
	r.mu.Unlock()
	call.once.Do(func() { call.files, call.commit, call.err = r.fetch(ctx, where, ref) })
	if call.err != nil {
		r.mu.Lock()
		if r.calls[key] == call {
			delete(r.calls, key) // the next call may have more luck
		}
		r.mu.Unlock()
	}
	return call.files, call.commit, call.err
}

func (r *Remotes) fetch(ctx context.Context, where remote, ref string) (fs.FS, Commit, error) {
	if where.scheme == "file" {
		return r.local(where, ref)
	}
	if isHash(ref) {
		if files, commit, err := openCached(r.folder(where, ref), ref); err == nil {
			return files, commit, nil
		}
	}
	if r.Offline {
		hint := r.OfflineHint
		if hint == "" {
			hint = "run it once without --hermetic, with the commit locked"
		}
		return nil, Commit{}, fault.New(fault.Unavailable, "repository %s at %s is not in the cache, and the network is not to be used", where, refName(ref)).Hint("%s", hint)
	}
	if r.Progress != nil {
		r.Progress(where.String(), ref)
	}
	r.forget(time.Now().Add(-keepUnused))
	hash, err := r.download(ctx, where, ref)
	if err != nil {
		return nil, Commit{}, err
	}
	files, commit, err := openCached(r.folder(where, hash), hash)
	if commit.Ref == hash && ref != "" {
		commit.Ref = ref
	}
	return files, commit, err
}

// local reads a repository on this machine where it is.
func (r *Remotes) local(where remote, ref string) (fs.FS, Commit, error) {
	if !r.Local {
		return nil, Commit{}, fault.New(fault.Denied, "repository %s is on this machine", where).
			Hint("file:// repositories are off, since a repository could name any other; TUG_ALLOW_LOCAL=true switches them on")
	}
	info, err := locate(filepath.FromSlash(where.path))
	if err != nil {
		return nil, Commit{}, err
	}
	if info.dirs.git == "" {
		return nil, Commit{}, fault.New(fault.NotFound, "%s is no repository", where)
	}
	repo, err := Open(filepath.FromSlash(where.path))
	if err != nil {
		return nil, Commit{}, err
	}
	if ref == "" {
		ref = "HEAD"
	}
	return repo.At(ref)
}

// folder is where one commit of a repository is kept.
func (r *Remotes) folder(where remote, commit string) string {
	return filepath.Join(r.Dir, "git", where.key(), commit)
}

func openCached(dir, hash string) (fs.FS, Commit, error) {
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err != nil {
		return nil, Commit{}, err
	}
	repo, err := Open(dir)
	if err != nil {
		return nil, Commit{}, err
	}
	now := time.Now()
	_ = os.Chtimes(dir, now, now) // when it was asked for last
	return repo.At(hash)
}

func refName(ref string) string {
	if ref == "" {
		return "its default branch"
	}
	return ref
}
