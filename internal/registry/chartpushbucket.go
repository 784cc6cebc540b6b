package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"go.yaml.in/yaml/v3"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// indexAttempts is how often an index is written when others write it as well.
const indexAttempts = 5

// publishBucket writes an archive that is not there yet, and adds it to the
// index. Buckets know "only if it is new" for the archive but not for the
// index: it is read again afterwards, and written again when somebody else's
// replaced it.
func (c *Charts) publishBucket(ctx context.Context, repository string, u ChartUpload) (fresh bool, err error) {
	b, base, err := c.openBucket(ctx, repository)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	key := path.Join(base, u.archive())
	fresh = true
	err = b.WriteAll(ctx, key, u.Data, &blob.WriterOptions{ContentType: "application/gzip", IfNotExist: true})
	if code := gcerrors.Code(err); code == gcerrors.FailedPrecondition || code == gcerrors.AlreadyExists {
		// Left by an upload that was interrupted before the index, perhaps.
		there, readErr := b.ReadAll(ctx, key)
		if readErr != nil {
			return false, bucketFault(ctx, repository, key, readErr)
		}
		if !bytes.Equal(there, u.Data) {
			return false, otherChart(outbound.Clean(repository), u)
		}
		fresh, err = false, nil
	}
	if err != nil {
		return false, bucketFault(ctx, repository, key, err)
	}
	for range indexAttempts {
		listed, err := addToIndex(ctx, b, path.Join(base, "index.yaml"), u)
		if err != nil {
			return false, bucketFault(ctx, repository, "index.yaml", err)
		}
		if listed {
			return fresh, nil
		}
	}
	return false, fault.New(fault.Conflict, "%s: others write index.yaml all the time", outbound.Clean(repository)).
		Hint("the archive is there; run it again to list it")
}

// addToIndex writes the index with the chart in it; true when it was there.
func addToIndex(ctx context.Context, b *blob.Bucket, key string, u ChartUpload) (listed bool, err error) {
	index := map[string]any{"apiVersion": "v1", "entries": map[string]any{}}
	data, err := b.ReadAll(ctx, key)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
	case err != nil:
		return false, err
	default:
		if err := yaml.Unmarshal(data, &index); err != nil {
			return false, fmt.Errorf("index.yaml: %w", err)
		}
	}
	entries, ok := index["entries"].(map[string]any)
	if !ok {
		entries = map[string]any{}
		index["entries"] = entries
	}
	versions, _ := entries[u.Name].([]any)
	for _, v := range versions {
		if fields, ok := v.(map[string]any); ok && fields["version"] == u.Version {
			return true, nil
		}
	}
	var fields map[string]any
	if err := yaml.Unmarshal(u.Metadata, &fields); err != nil {
		return false, err
	}
	fields["created"], fields["digest"], fields["urls"] = u.Created.UTC().Format(time.RFC3339), u.sum()[len("sha256:"):], []any{u.archive()}
	entries[u.Name] = append([]any{fields}, versions...)
	index["generated"] = u.Created.UTC().Format(time.RFC3339)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(index), enc.Close()); err != nil {
		return false, err
	}
	text, err := io.ReadAll(&out)
	if err != nil {
		return false, err
	}
	return false, b.WriteAll(ctx, key, text, &blob.WriterOptions{ContentType: "application/yaml"})
}
