package registry

import (
	"context"
	"errors"
	"io"
	"net/url"
	"path"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"gocloud.dev/gcerrors"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// isBucket reports whether a URL names something in a bucket.
func isBucket(at string) bool {
	for _, scheme := range []string{"s3://", "gs://", "azblob://"} {
		if strings.HasPrefix(at, scheme) {
			return true
		}
	}
	return false
}

// bucketIndex gives no body when the known index is current.
func (c *Charts) bucketIndex(ctx context.Context, repository string, known *index) (io.ReadCloser, string, error) {
	b, key, err := c.openBucket(ctx, repository)
	if err != nil {
		return nil, "", err
	}
	name := path.Join(key, "index.yaml")
	about, err := b.Attributes(ctx, name)
	if err != nil {
		_ = b.Close()
		return nil, "", bucketFault(ctx, repository, "index.yaml", err)
	}
	if known != nil && about.ETag != "" && about.ETag == known.ETag {
		return nil, "", b.Close()
	}
	if about.Size > maxIndex {
		_ = b.Close()
		return nil, "", fault.New(fault.Invalid, "index of %s: larger than %d MiB", outbound.Clean(repository), maxIndex>>20)
	}
	r, err := b.NewReader(ctx, name, nil)
	if err != nil {
		_ = b.Close()
		return nil, "", bucketFault(ctx, repository, "index.yaml", err)
	}
	return bucketBody{r, b}, about.ETag, nil
}

type bucketBody struct {
	io.ReadCloser
	bucket *blob.Bucket
}

// Close implements io.Closer.
func (b bucketBody) Close() error { return errors.Join(b.ReadCloser.Close(), b.bucket.Close()) }

// bucketData reads an archive. It must be in the bucket of its repository: the
// identity that reads one may read others that the chart's author may not.
func (c *Charts) bucketData(ctx context.Context, repository, at string) ([]byte, error) {
	b, base, err := c.openBucket(ctx, repository)
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }()
	where, err := url.Parse(at)
	if err != nil {
		return nil, badRepository(at, "this is no URL")
	}
	of, err := url.Parse(repository)
	if err != nil || of.Host != where.Host || of.Scheme != where.Scheme {
		return nil, fault.New(fault.Invalid, "chart at %s is in another bucket than its index %s", outbound.Clean(at), outbound.Clean(repository))
	}
	key := strings.TrimPrefix(path.Clean("/"+where.Path), "/")
	if base != "" && !strings.HasPrefix(key, base+"/") {
		return nil, fault.New(fault.Invalid, "chart at %s is outside of its repository %s", outbound.Clean(at), outbound.Clean(repository))
	}
	r, err := b.NewReader(ctx, key, nil)
	if err != nil {
		return nil, bucketFault(ctx, repository, key, err)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, maxChart+1))
	if err != nil {
		return nil, bucketFault(ctx, repository, key, err)
	}
	if len(data) > maxChart {
		return nil, fault.New(fault.Invalid, "chart at %s is larger than %d MiB", outbound.Clean(at), maxChart>>20)
	}
	return data, nil
}

// openBucket opens the bucket of a repository and gives the path inside it. Of
// the options that the library reads from a URL only the region is let
// through: the others change where requests and their signatures go.
func (c *Charts) openBucket(ctx context.Context, repository string) (*blob.Bucket, string, error) {
	u, err := url.Parse(repository)
	if err != nil {
		return nil, "", badRepository(repository, "this is no URL")
	}
	for option := range u.Query() {
		if option != "region" {
			return nil, "", badRepository(repository, "option "+option+" is not let through")
		}
	}
	open := c.options.OpenBucket
	if open == nil {
		open = blob.OpenBucket
	}
	bucket := url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: u.RawQuery}
	b, err := open(ctx, bucket.String())
	if err != nil {
		return nil, "", bucketFault(ctx, repository, "", err)
	}
	return b, strings.TrimPrefix(path.Clean("/"+u.Path), "/"), nil
}

// bucketFault says what a cloud's refusal means. Its own text is kept short:
// it quotes requests, headers included.
func bucketFault(ctx context.Context, repository, key string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	at := strings.TrimSuffix(outbound.Clean(repository), "/")
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fault.New(fault.NotFound, "%s: bucket or %s is not there", at, key)
	case gcerrors.PermissionDenied:
		return fault.New(fault.Denied, "%s: the identity of this machine may not read %s", at, key).
			Hint("credentials of buckets come from where the cloud's own tools look: environment, shared files, instance")
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return fault.New(fault.Unavailable, "%s: %s", at, text).
		Hint("credentials of buckets come from where the cloud's own tools look: environment, shared files, instance")
}
