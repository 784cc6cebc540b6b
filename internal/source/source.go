// Package source gives renders what they need from outside the repository:
// charts and Git trees, by their lock. It resolves a version, fetches what it
// names, and compares the content with the hash that the lock holds; a content
// cache on disk makes the second time cheap and the hermetic time possible.
//
// Locks live in files that machines write (docs/adr/0008-source-locks.md).
// Helm's Chart.lock has versions and no hashes: an archive that is replaced
// under its version goes unnoticed there (helm#9662), and is an error here.
package source

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// Charts is where charts are published.
type Charts interface {
	// Versions lists the versions of a chart.
	Versions(ctx context.Context, repository, name string) ([]string, error)
	// Pull gives the packed chart. In a registry version may be a digest or
	// have one behind "@", and digest is that of the manifest.
	Pull(ctx context.Context, repository, name, version string) (data []byte, digest string, err error)
}

// Git is where trees come from.
type Git interface {
	// Fetch gives the files of a branch, tag or commit, and the commit.
	Fetch(ctx context.Context, url, ref string) (files fs.FS, commit string, err error)
}

// Options are what a Resolver works with.
type Options struct {
	Charts Charts
	Git    Git
	Cache  *Cache
	// Lock says what was agreed on; nil where there is none.
	Lock *Lock
	// LockFile is its name, for messages, also while there is none.
	LockFile string
	// Hermetic fetches nothing: what is wanted must be locked and cached.
	Hermetic bool
	// Update looks for newer versions of everything instead of those locked.
	Update bool
	// Complete asks engines for everything that is declared, also for what the
	// values of this render switch off: a lock holds for all values.
	Complete bool
	// Aliases are addresses of repositories by the names that Helm's
	// repositories.yaml gives them; nil for none.
	Aliases func() (map[string]string, error)
	// Command is what locks and fetches this app, for hints.
	Command string
	// Progress, when set, hears of each thing that is fetched.
	Progress func(Fetched)
}

// Fetched is one thing that came over the network.
type Fetched struct {
	What  string // "chart … from …"
	Bytes int
}

// Resolver gives sources to the renders of one run: everything is resolved
// and fetched once. It is safe for concurrent use.
type Resolver struct {
	options Options
	mu      sync.Mutex
	calls   map[string]*call
	used    Lock
	loose   []string // what was used without a lock
}

var _ render.Sources = (*Resolver)(nil)

// call is the one fetching of a thing.
type call struct {
	once  sync.Once
	chart LockedChart
	head  Head
	tree  LockedTree
	data  []byte
	files fs.FS
	err   error
}

// New makes a resolver.
func New(o Options) *Resolver {
	if o.Command == "" {
		o.Command = "tug vendor lock"
	}
	return &Resolver{options: o, calls: map[string]*call{}}
}

// Used is the lock of everything that was asked for, to be written.
func (r *Resolver) Used() Lock {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used.sorted()
}

// Warnings names what was used without a lock.
func (r *Resolver) Warnings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.loose) == 0 {
		return nil
	}
	loose := slices.Clone(r.loose)
	slices.Sort(loose)
	return []string{"not locked, so that the next render may differ: " + strings.Join(slices.Compact(loose), ", ") + "; " + r.options.Command + " locks them"}
}

// Complete tells engines to ask for what is switched off, too.
func (r *Resolver) Complete() bool { return r.options.Complete }

// once does the work for a key one time, for all that ask.
func (r *Resolver) once(key string, work func(*call)) *call {
	r.mu.Lock()
	c := r.calls[key]
	if c == nil {
		c = &call{}
		r.calls[key] = c
	}
	r.mu.Unlock()
	c.once.Do(func() { work(c) })
	return c
}

func (r *Resolver) progress(f Fetched) {
	if r.options.Progress != nil {
		r.options.Progress(f)
	}
}

func (r *Resolver) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// hermetic is the error for what is not at hand.
func (r *Resolver) hermetic(what, why string) error {
	return fault.New(fault.Unavailable, "%s %s, and the network is not to be used", what, why).
		Hint("run this where there is a network, and commit %s: %s", r.options.LockFile, r.options.Command)
}
