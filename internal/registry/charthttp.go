package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// indexPlace is where the index of a repository is.
type indexPlace struct {
	url    string
	bucket bool
}

// locateIndex checks the address of a chart repository.
func locateIndex(repository string) (indexPlace, error) {
	u, err := url.Parse(repository)
	if err != nil || u.Host == "" {
		return indexPlace{}, badRepository(repository, "this is no URL of a chart repository")
	}
	if u.User != nil {
		return indexPlace{}, badRepository(repository, "credentials do not belong into a URL")
	}
	switch u.Scheme {
	case "http", "https":
		at := *u
		at.RawPath, at.Fragment = "", ""
		at.Path = strings.TrimSuffix(u.Path, "/") + "/index.yaml"
		return indexPlace{url: at.String()}, nil
	case "s3", "gs", "azblob":
		return indexPlace{bucket: true}, nil
	}
	return indexPlace{}, badRepository(repository, "protocol "+u.Scheme+" is not one for charts")
}

func badRepository(repository, why string) error {
	return fault.New(fault.Invalid, "chart repository %q: %s", outbound.Clean(repository), why).
		Hint("use https://…, oci://…, s3://…, gs://…, azblob://…, git+https://…, git+ssh://… or file://…; credentials come from where docs/sources.md says")
}

// pullEntry downloads one version and checks it against the index.
func (c *Charts) pullEntry(ctx context.Context, repository, name string, e entry) ([]byte, string, error) {
	at, err := resolveURL(repository, e.URLs[0])
	if err != nil {
		return nil, "", fault.New(fault.Invalid, "index of %s: chart %q %s: %w", outbound.Clean(repository), name, e.Version, err)
	}
	if isOCI(at) {
		return c.pullOCI(ctx, at, "", "")
	}
	var data []byte
	if isBucket(at) {
		data, err = c.bucketData(ctx, repository, at)
	} else {
		data, _, err = c.options.HTTP.Data(ctx, outbound.Request{URL: at, Limit: maxChart})
	}
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(data)
	got := hex.EncodeToString(sum[:])
	if want := strings.TrimPrefix(strings.ToLower(e.Digest), "sha256:"); want != "" && want != got {
		return nil, "", fault.New(fault.Invalid, "chart %q %s from %s has sha256 %s, but the index says %s", name, e.Version, outbound.Clean(repository), got, want).
			Hint("either the archive was replaced after the index was written, or somebody tampered with one of them")
	}
	return data, "", nil
}

// resolveURL makes the URL of an archive absolute. One that is relative lies
// below the repository, with the repository's query (as Helm has it).
func resolveURL(repository, ref string) (string, error) {
	r, err := url.Parse(ref)
	if err != nil {
		return "", err
	}
	base, err := url.Parse(repository)
	if err != nil {
		return "", err
	}
	if !r.IsAbs() {
		base.Path, base.RawPath = strings.TrimSuffix(base.Path, "/")+"/", ""
		query := base.RawQuery
		r = base.ResolveReference(r)
		r.RawQuery = query
	}
	switch {
	case r.User != nil:
		return "", fault.New(fault.Invalid, "the URL of the archive has credentials in it")
	case r.Scheme == base.Scheme, r.Scheme == "https", r.Scheme == "oci":
		return r.String(), nil
	case r.Scheme == "http":
		return "", fault.New(fault.Invalid, "the archive is at %s, less protected than the repository", outbound.Clean(r.String()))
	}
	return "", fault.New(fault.Invalid, "the archive is at %s, which is no place to fetch from", outbound.Clean(r.String()))
}
