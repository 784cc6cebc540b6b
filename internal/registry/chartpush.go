package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// ChartUpload is a packed chart to publish.
type ChartUpload struct {
	Name, Version string
	Data          []byte // the archive
	// Metadata is Chart.yaml as JSON, Annotations describe the manifest in a
	// registry.
	Metadata    []byte
	Annotations map[string]string
	Created     time.Time
}

// archive is the name of the file that repositories keep.
func (u ChartUpload) archive() string { return u.Name + "-" + u.Version + ".tgz" }

// sum is the SHA-256 of the archive.
func (u ChartUpload) sum() string {
	sum := sha256.Sum256(u.Data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// CheckChartRepository refuses an address that charts cannot be published to.
func CheckChartRepository(repository string) error {
	if isOCI(repository) {
		return nil
	}
	_, address := uploadWay(repository)
	_, err := locateIndex(address)
	return err
}

// The ways to upload to a chart repository over HTTP.
const (
	wayMuseum = "chartmuseum" // POST /api/charts; Gitea, Harbor 1 and GitLab have it, too
	wayNexus  = "nexus"       // PUT of the archive
)

// uploadWay splits "nexus+https://…" into the way and the address. Plain
// addresses have ChartMuseum's.
func uploadWay(repository string) (way, address string) {
	for _, way := range []string{wayMuseum, wayNexus} {
		if rest, ok := strings.CutPrefix(repository, way+"+"); ok {
			return way, rest
		}
	}
	return wayMuseum, repository
}

// Publish puts a chart into a repository: a registry (oci://host/path),
// ChartMuseum or what has its API (https://…), Nexus (nexus+https://…) or a
// bucket (s3://…). A version is published once: the same archive again is fine
// (fresh is false), other content is a fault of kind Exists and changes
// nothing. digest is that of the manifest in a registry, else of the archive.
func (c *Charts) Publish(ctx context.Context, repository string, u ChartUpload) (digest string, fresh bool, err error) {
	if isOCI(repository) {
		return c.publishOCI(ctx, repository, u)
	}
	way, address := uploadWay(repository)
	if _, err := locateIndex(address); err != nil {
		return "", false, err
	}
	known, err := c.same(ctx, address, u)
	if known || err != nil {
		return u.sum(), false, err
	}
	if isBucket(address) {
		fresh, err = c.publishBucket(ctx, address, u)
		return u.sum(), fresh, err
	}
	taken, err := c.upload(ctx, way, address, u)
	if !taken || err != nil {
		return u.sum(), err == nil, err
	}
	// Somebody else was as fast, or the index is behind.
	known, err = c.same(ctx, address, u)
	if err == nil && !known {
		err = fault.New(fault.Exists, "chart repository %s has %s already, but its index does not list it", outbound.Clean(address), u.archive()).
			Hint("try again when the index was written anew")
	}
	return u.sum(), false, err
}

// same reports whether a repository has this very chart. The index is read
// anew: one that was read before may be behind.
func (c *Charts) same(ctx context.Context, repository string, u ChartUpload) (bool, error) {
	o := c.options
	o.Dir = ""
	data, _, err := NewCharts(o).Pull(ctx, repository, u.Name, u.Version)
	switch {
	case fault.Is(err, fault.NotFound):
		return false, nil // no such version, or no chart was ever published
	case err != nil:
		return false, err
	case !bytes.Equal(data, u.Data):
		return true, otherChart(outbound.Clean(repository), u)
	}
	return true, nil
}

func otherChart(repository string, u ChartUpload) error {
	return fault.New(fault.Exists, "chart %s %s exists in %s with other content", u.Name, u.Version, repository).
		Hint("a version is published once; make a new commit or tag for other content")
}
