package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Chart implements render.Sources.
func (r *Resolver) Chart(ctx context.Context, ref render.ChartRef) (render.Package, error) {
	repository, err := r.repository(ref.Repository)
	if err != nil {
		return render.Package{}, at(ref.From, err)
	}
	if isGit(repository) {
		return r.gitChart(ctx, repository, ref)
	}
	key := strings.Join([]string{"chart", repository, ref.Name, ref.Version}, "\x00")
	c := r.once(key, func(c *call) { c.chart, c.head, c.data, c.err = r.chart(ctx, repository, ref) })
	if c.err != nil {
		return render.Package{}, at(ref.From, c.err)
	}
	r.note(func() { r.used.addChart(c.chart, ref.From.File) })
	file := fmt.Sprintf("%s-%s.tgz", c.head.Name, c.head.Version)
	return render.Package{
		Files: packed{name: file, data: c.data}, Path: file,
		Version: c.head.Version, Digest: "sha256:" + c.chart.SHA256,
	}, nil
}

// repository resolves the names of Helm's repositories.yaml and tidies.
func (r *Resolver) repository(text string) (string, error) {
	name, short := strings.CutPrefix(text, "@")
	if !short {
		name, short = strings.CutPrefix(text, "alias:")
	}
	if !short {
		return strings.TrimSuffix(text, "/"), nil
	}
	// The lock knows the address too, so that a job needs no helm repo add.
	url, ok := "", false
	if r.options.Lock != nil && !r.options.Update {
		url, ok = r.options.Lock.Aliases[name]
	}
	aliases := map[string]string{}
	if !ok && r.options.Aliases != nil {
		var err error
		if aliases, err = r.options.Aliases(); err != nil {
			return "", err
		}
		url, ok = aliases[name]
	}
	if ok {
		url = strings.TrimSuffix(url, "/")
		r.note(func() { r.used.addAlias(name, url) })
		return url, nil
	}
	var known []string
	for alias := range aliases {
		known = append(known, alias)
	}
	e := fault.New(fault.NotFound, "repository %q is not among those of Helm's repositories.yaml", text)
	for _, near := range fault.Nearest(name, known, 3) {
		e.Hint("did you mean %q?", "@"+near)
	}
	return "", e.Hint("run helm repo add %s URL, or write the address into Chart.yaml", name)
}

// chart gives one chart, from the cache where the lock and it agree.
func (r *Resolver) chart(ctx context.Context, repository string, ref render.ChartRef) (LockedChart, Head, []byte, error) {
	want := LockedChart{Repository: repository, Name: ref.Name, Constraint: ref.Version}
	what := describe(want)
	locked, ok := r.lockedChart(want)
	if ok {
		if data, err := r.options.Cache.Get(locked.SHA256); err == nil {
			head, err := locked.check(data)
			return locked, head, data, err
		}
	}
	fail := func(err error) (LockedChart, Head, []byte, error) { return want, Head{}, nil, err }
	switch {
	case r.options.Hermetic && !ok:
		return fail(r.hermetic(what, "is not locked"))
	case r.options.Hermetic:
		return fail(r.hermetic(what, "is locked, but its content is not in the cache"))
	case r.options.Charts == nil:
		return fail(fault.New(fault.Unavailable, "%s: charts from elsewhere are not to be had here", what))
	case ok:
		return r.fetchLocked(ctx, locked)
	}
	found, head, data, err := r.fetchChart(ctx, want)
	if err == nil {
		r.note(func() { r.loose = append(r.loose, describe(found)) })
	}
	return found, head, data, err
}

func (r *Resolver) lockedChart(want LockedChart) (LockedChart, bool) {
	if r.options.Lock == nil || r.options.Update {
		return LockedChart{}, false
	}
	return r.options.Lock.chart(want)
}

// fetchLocked fetches what the lock names, and nothing else.
func (r *Resolver) fetchLocked(ctx context.Context, locked LockedChart) (LockedChart, Head, []byte, error) {
	version := locked.Version
	if locked.Digest != "" {
		version += "@" + locked.Digest
	}
	data, _, err := r.options.Charts.Pull(ctx, locked.Repository, locked.Name, version)
	if err != nil {
		return locked, Head{}, nil, err
	}
	if sum := Sum(data); sum != locked.SHA256 {
		return locked, Head{}, nil, fault.New(fault.Invalid, "%s has content sha256:%s, but %s locks sha256:%s", describe(locked), sum, r.options.LockFile, locked.SHA256).
			Hint("the archive was replaced under its version: ask its publisher why, and lock the new one only if that is right: %s --update", r.options.Command)
	}
	head, err := r.keep(locked, data)
	return locked, head, data, err
}

// fetchChart resolves a version and fetches it.
func (r *Resolver) fetchChart(ctx context.Context, want LockedChart) (LockedChart, Head, []byte, error) {
	version, err := r.version(ctx, want)
	if err != nil {
		return want, Head{}, nil, err
	}
	data, digest, err := r.options.Charts.Pull(ctx, want.Repository, want.Name, version)
	if err != nil {
		return want, Head{}, nil, err
	}
	found := want
	found.Version, found.Digest, found.SHA256 = version, digest, Sum(data)
	// Only the archive knows the version behind a digest.
	if plain, _, pinned := strings.Cut(version, "@"); pinned {
		found.Version = plain
	} else if version == "" || strings.HasPrefix(version, "sha256:") {
		head, err := CheckArchive(data)
		if err != nil {
			return want, Head{}, nil, fault.New(fault.Invalid, "%s: %w", describe(want), err)
		}
		found.Version = head.Version
	}
	head, err := r.keep(found, data)
	return found, head, data, err
}

// keep checks an archive that was fetched and puts it into the cache.
func (r *Resolver) keep(c LockedChart, data []byte) (Head, error) {
	head, err := c.check(data)
	if err != nil {
		return Head{}, err
	}
	r.progress(Fetched{What: describe(c), Bytes: len(data)})
	return head, r.options.Cache.Put(c.SHA256, data)
}

// check compares an archive with what it is said to be.
func (c LockedChart) check(data []byte) (Head, error) {
	head, err := CheckArchive(data)
	switch {
	case err != nil:
		return Head{}, fault.New(fault.Invalid, "%s: %w", describe(c), err)
	case c.Name != "" && head.Name != c.Name:
		return Head{}, fault.New(fault.Invalid, "%s: the archive holds chart %q", describe(c), head.Name)
	case !sameVersion(c.Version, head.Version):
		return Head{}, fault.New(fault.Invalid, "%s: the archive holds version %s", describe(c), head.Version)
	}
	return head, nil
}

// sameVersion lets a leading v come and go, as Helm's own comparison does.
func sameVersion(a, b string) bool {
	return strings.TrimPrefix(a, "v") == strings.TrimPrefix(b, "v")
}

// Sum is the SHA-256 of content, as a lock holds it.
func Sum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// describe names a chart for people.
func describe(c LockedChart) string {
	text := "chart"
	if c.Name != "" {
		text += fmt.Sprintf(" %q", c.Name)
	}
	version := c.Version
	if version == "" {
		version = c.Constraint
	}
	if version != "" {
		text += " " + version
	}
	return text + " from " + c.Repository
}

// at puts the place that asks in front of an error.
func at(from object.Source, err error) error {
	if from.File == "" {
		return err
	}
	return fault.New(fault.KindOf(err), "%s: %w", from, err)
}
