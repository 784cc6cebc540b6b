package snapshot

import (
	"context"
	"fmt"
	"io/fs"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/readset"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/rendercache"
)

// Cached builds snapshots, or finds those that were built before from the same
// inputs: every file, listing and missing name that was read, the app as
// tug.yaml declares it, versions, flags and the version of tug itself.
//
// Not kept are snapshots that hold a decrypted value, a hash of a Secret
// (restartOn, which is masked as the Secret is), real random values or
// content from outside the repository that no lock fixes: what was decrypted
// never reaches the disk, and the others can differ next time.
type Cached struct {
	Builder Builder
	Cache   *rendercache.Cache
	// Tool is the version of tug with its commit. Empty means that nothing is
	// found or kept: two builds without a version cannot be told apart.
	Tool string

	rendered atomic.Int64
	memos    sync.Map // fs.FS -> *readset.Memo
}

// Rendered is how many snapshots had to be built so far.
func (c *Cached) Rendered() int { return int(c.rendered.Load()) }

// memo is what is known of files. They count as unchanged for as long as c is
// in use: one command.
func (c *Cached) memo(files fs.FS) *readset.Memo {
	if !reflect.TypeOf(files).Comparable() {
		return readset.NewMemo(files)
	}
	m, _ := c.memos.LoadOrStore(files, readset.NewMemo(files))
	return m.(*readset.Memo) //nolint:forcetypeassert // only memos are stored
}

// Found is a snapshot that may not be loaded yet.
type Found struct {
	// Name is equal for equal content; "" where that is not known.
	Name string

	cached *Cached
	in     Input
	built  *Snapshot
}

// Build gives the snapshot of in, as Builder.Build does.
func (c *Cached) Build(ctx context.Context, in Input) (*Snapshot, error) {
	f, err := c.Find(ctx, in)
	if err != nil {
		return nil, err
	}
	return f.Load(ctx)
}

// Find gives the snapshot of in, built when it has to be.
func (c *Cached) Find(ctx context.Context, in Input) (Found, error) {
	keys, ok := c.keys(in)
	if !ok {
		return c.build(ctx, in)
	}
	for _, k := range keys {
		if name, ok := c.Cache.Find(k, c.memo(in.raw())); ok {
			return Found{Name: name, cached: c, in: in}, nil
		}
	}
	return c.buildAndKeep(ctx, in, keys)
}

// Load gives the objects of f.
func (f Found) Load(ctx context.Context) (*Snapshot, error) {
	if f.built != nil {
		return f.built, nil
	}
	if data, ok := f.cached.Cache.Load(f.Name); ok {
		s := f.cached.Builder.empty(f.in)
		if f.in.Random == Record {
			s.Generated = map[string]string{} // none were asked for
		}
		if s.decode(data) == nil {
			return s, nil
		}
	}
	// Another process removed it, or it is damaged.
	built, err := f.cached.build(ctx, f.in)
	return built.built, err
}

func (c *Cached) build(ctx context.Context, in Input) (Found, error) {
	c.rendered.Add(1)
	s, err := c.Builder.Build(ctx, in)
	return Found{cached: c, in: in, built: s}, err
}

// buildAndKeep builds from files whose reads are noted. A snapshot that cannot
// be kept is as good as any; so is one that there is no room for.
func (c *Cached) buildAndKeep(ctx context.Context, in Input, keys [2]rendercache.Key) (Found, error) {
	trace := readset.New(in.Files)
	traced := in
	traced.Files = trace
	f, err := c.build(ctx, traced)
	f.in = in
	if err != nil || !f.built.keepable() || in.decrypted() {
		return f, err
	}
	reads, err := trace.Set()
	if err != nil {
		return f, nil //nolint:nilerr // the render got along with it
	}
	data, err := f.built.encode()
	if err != nil {
		return f, err
	}
	key := keys[0]
	if f.built.timed {
		key = keys[1]
	}
	if name, err := c.Cache.Store(key, reads, data); err == nil {
		f.Name = name
	}
	return f, nil
}

// cacheKey is everything but files that a snapshot depends on.
type cacheKey struct {
	Format      string
	Tool        string
	Spec        project.Spec
	KubeVersion string
	Values      []render.NamedValues
	Set         []string
	Hermetic    bool
	KeepImages  bool
	Ciphertext  bool
	SourceLock  string
	Repository  string
	Time        string
}

// keys are the key of a snapshot that does not depend on the time of its
// commit, and that of one that does. ok is false for inputs whose snapshots
// are not kept.
func (c *Cached) keys(in Input) (keys [2]rendercache.Key, ok bool) {
	if c.Cache == nil || c.Tool == "" || in.Upgrade || in.Private || in.Spec.RestartOn != "" || in.Allow != (render.Allow{}) || in.Number > 1 || len(in.Locks.Locks)+len(in.Locks.Rules) > 0 {
		return keys, false
	}
	k := cacheKey{
		Format: "snapshot 2", Tool: c.Tool, Spec: in.Spec, KubeVersion: c.Builder.KubeVersion,
		Values: in.Values, Set: in.Set, Hermetic: in.Hermetic, KeepImages: in.KeepImages, Ciphertext: in.Ciphertext,
		SourceLock: in.SourceLock,
	}
	if in.Spec.Engine == project.Flux {
		k.Repository = in.Revision.Repository // decides which sources are in.Files
	}
	// Where tug.yaml names the app changes with every line above it.
	k.Spec.Declared = project.Position{}
	var err error
	if keys[0], err = rendercache.KeyOf(k); err != nil {
		return keys, false
	}
	k.Time = fmt.Sprint(in.Revision.Time.UnixNano())
	keys[1], err = rendercache.KeyOf(k)
	return keys, err == nil
}

// noteRandom remembers which functions a render called that can give something
// else the next time.
func (s *Snapshot) noteRandom(uses []render.RandomUse) {
	for _, u := range uses {
		if u.Function == "now" {
			s.timed = true
		} else {
			s.random = true
		}
	}
}

// keepable reports whether s may be kept. Placeholders for random values are
// always the same; real ones are in Generated.
func (s *Snapshot) keepable() bool {
	return len(s.unlocked) == 0 && (s.Generated == nil || !s.random && !s.timed)
}

// Decrypter is a file system that decrypts what is read through it.
type Decrypter interface {
	// Decrypted reports whether anything that was read so far was encrypted.
	Decrypted() bool
}

func (in Input) decrypted() bool {
	d, ok := in.Files.(Decrypter)
	return ok && d.Decrypted()
}

// raw are the files as the repository has them. Where nothing was encrypted,
// they are what was read.
func (in Input) raw() fs.FS {
	if in.Raw != nil {
		return in.Raw
	}
	return in.Files
}

// Built reports whether f was rendered for it, and not known before.
func (f Found) Built() bool { return f.built != nil }

// Lean is f without its objects in memory, where they can be loaded again.
func (f Found) Lean() Found {
	if f.Name != "" {
		f.built = nil
	}
	return f
}

// Forget drops what is known of files that are not used any more: a process
// that looks at many revisions calls it for each.
func (c *Cached) Forget(files fs.FS) {
	if reflect.TypeOf(files).Comparable() {
		c.memos.Delete(files)
	}
}

// Rendered are the objects of f if they were rendered for it, and nil if they
// were known.
func (f Found) Rendered() []*object.Object {
	if f.built == nil {
		return nil
	}
	return f.built.Objects
}
