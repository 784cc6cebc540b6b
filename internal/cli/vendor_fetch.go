package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/outbound"
	sources "github.com/tugops/tug/internal/source"
	"github.com/tugops/tug/internal/vendoring"
)

// helmConfig is the media type of the configuration of a chart in a registry.
const helmConfig = "application/vnd.cncf.helm.config.v1+json"

var commitPattern = regexp.MustCompile(`\A[0-9a-f]{40}\z`)

// vendorFetcher brings packages over the network.
type vendorFetcher struct {
	env    *Env
	limits vendoring.Limits
	net    *network // made for the first package that is fetched
}

var _ vendoring.Fetcher = (*vendorFetcher)(nil)

// Fetch implements vendoring.Fetcher.
func (f *vendorFetcher) Fetch(ctx context.Context, s vendoring.Source) (vendoring.Fetched, error) {
	var err error
	if f.net, err = f.env.network(); err != nil {
		return vendoring.Fetched{}, err
	}
	switch s.Type {
	case vendoring.Git:
		return f.tree(ctx, s)
	case vendoring.Chart:
		return f.chart(ctx, s)
	case vendoring.OCI:
		return f.artifact(ctx, s)
	}
	return f.archive(ctx, s)
}

func (f *vendorFetcher) tree(ctx context.Context, s vendoring.Source) (vendoring.Fetched, error) {
	files, commit, err := f.commit(ctx, s)
	if err != nil {
		return vendoring.Fetched{}, err
	}
	tree, err := vendoring.ReadTree(files, s.Directory, f.limits)
	if err != nil {
		return vendoring.Fetched{}, fault.New(fault.KindOf(err), "%s: %w", s, err)
	}
	if len(tree) == 0 {
		return vendoring.Fetched{}, fault.New(fault.NotFound, "%s has no files", s)
	}
	return vendoring.Fetched{Tree: tree, Resolved: vendoring.Resolved{Commit: commit.Hash}}, nil
}

// commit resolves a ref as kpt does: a tag of the package itself comes first
// ("nginx/v1.0" for the folder nginx), then those of the folders around it,
// then the ref as it is.
func (f *vendorFetcher) commit(ctx context.Context, s vendoring.Source) (fs.FS, git.Commit, error) {
	if s.Ref != "" && !commitPattern.MatchString(s.Ref) {
		for dir := s.Directory; dir != "."; dir = path.Dir(dir) {
			files, commit, err := f.net.git.Fetch(ctx, s.URL, "refs/tags/"+dir+"/"+s.Ref)
			if !fault.Is(err, fault.NotFound) {
				return files, commit, err
			}
		}
	}
	return f.net.git.Fetch(ctx, s.URL, s.Ref)
}

func (f *vendorFetcher) chart(ctx context.Context, s vendoring.Source) (vendoring.Fetched, error) {
	version := s.Version
	if !strings.HasPrefix(s.URL, "oci://") || version == "" || strings.ContainsAny(version, "^~<>=*x ") {
		versions, err := f.net.charts.Versions(ctx, s.URL, s.Name)
		if err != nil {
			return vendoring.Fetched{}, err
		}
		best, err := sources.Newest(versions, s.Version)
		if err != nil {
			return vendoring.Fetched{}, fault.New(fault.Usage, "%s: version %q: %w", s, s.Version, err).Hint("write an exact version, or a range like ^1.2.0")
		}
		if best == "" {
			e := fault.New(fault.NotFound, "%s: no version fits", s)
			if newest, _ := sources.Newest(versions, ""); newest != "" {
				e.Hint("the newest is %s", newest)
			}
			return vendoring.Fetched{}, e
		}
		version = best
	}
	data, digest, err := f.net.charts.Pull(ctx, s.URL, s.Name, version)
	if err != nil {
		return vendoring.Fetched{}, err
	}
	tree, err := vendoring.Unpack(data, false, f.limits)
	if err != nil {
		return vendoring.Fetched{}, fault.New(fault.KindOf(err), "%s: %w", s, err)
	}
	if digest == "" {
		digest = sumOf(data)
	}
	return vendoring.Fetched{Tree: tree, Resolved: vendoring.Resolved{Version: version, Digest: digest}}, nil
}

func (f *vendorFetcher) artifact(ctx context.Context, s vendoring.Source) (vendoring.Fetched, error) {
	a, err := f.net.charts.Artifact(ctx, s.URL, s.Ref)
	if err != nil {
		return vendoring.Fetched{}, err
	}
	var tree vendoring.Tree
	if a.Config == helmConfig && len(a.Layers) > 0 {
		tree, err = vendoring.Unpack(a.Layers[0], false, f.limits)
	} else {
		tree, err = vendoring.Layers(a.Layers, f.limits)
	}
	if err != nil {
		return vendoring.Fetched{}, fault.New(fault.KindOf(err), "%s: %w", s, err)
	}
	return vendoring.Fetched{Tree: tree, Resolved: vendoring.Resolved{Digest: a.Digest}}, nil
}

func (f *vendorFetcher) archive(ctx context.Context, s vendoring.Source) (vendoring.Fetched, error) {
	data, _, err := f.net.http.Data(ctx, outbound.Request{URL: s.URL, Limit: f.limits.Total})
	if err != nil {
		return vendoring.Fetched{}, err
	}
	digest := sumOf(data)
	if s.SHA256 != "" && digest != "sha256:"+s.SHA256 {
		return vendoring.Fetched{}, fault.New(fault.Conflict, "%s has %s, not sha256:%s", outbound.Clean(s.URL), digest, s.SHA256).
			Hint("the archive is not the one that was meant; look at it before you change --sha256")
	}
	tree, err := vendoring.Unpack(data, false, f.limits)
	if err != nil {
		return vendoring.Fetched{}, fault.New(fault.KindOf(err), "%s: %w", outbound.Clean(s.URL), err)
	}
	return vendoring.Fetched{Tree: tree, Resolved: vendoring.Resolved{Digest: digest}}, nil
}

func sumOf(data []byte) string {
	h := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(h[:])
}

func isNoRepository(err error) bool { return errors.Is(err, git.ErrNoRepository) }
