package registry

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// maxIndex bounds an index, in bytes.
const maxIndex = 1 << 30

// The file of a parsed index: what was kept of each chart, one after the
// other; then table as JSON, its length (8 bytes), and indexMagic.
const indexMagic = "tugindex1\n"

// table says what a parsed index is of, and where its charts stand in the file.
type table struct {
	URL string `json:"url"`
	// ETag and Modified are what the server calls this content.
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	// Charts are offset, length and SHA-256 of each chart's part.
	Charts map[string]part `json:"charts"`
}

type part struct {
	At   int64  `json:"a"`
	Size int64  `json:"n"`
	Sum  string `json:"s"`
}

// index is a parsed index on disk; its table is in memory.
type index struct {
	table
	file io.ReaderAt
}

// names are the charts, sorted.
func (x *index) names() []string { return slices.Sorted(maps.Keys(x.Charts)) }

// chart gives the versions of one chart; nil when there is no such chart.
func (x *index) chart(name string) ([]entry, error) {
	p, ok := x.Charts[name]
	if !ok {
		return nil, nil
	}
	data := make([]byte, p.Size)
	if _, err := x.file.ReadAt(data, p.At); err != nil && !(errors.Is(err, io.EOF) && p.Size == 0) {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != p.Sum {
		return nil, errors.New("the cached index is damaged")
	}
	entries := []entry{}
	if err := yaml.Unmarshal(data, &entries); err != nil {
		return nil, err
	}
	return entries, nil
}

// loadIndex asks the server whether the index that is known is still current,
// and reads it anew otherwise.
func (c *Charts) loadIndex(ctx context.Context, repository string) (*index, error) {
	where, err := locateIndex(repository)
	if err != nil {
		return nil, err
	}
	file := c.indexFile(repository)
	known := openIndex(file, repository)
	var body io.ReadCloser
	fresh := table{URL: repository, Charts: map[string]part{}}
	if where.bucket {
		body, fresh.ETag, err = c.bucketIndex(ctx, repository, known)
	} else {
		body, fresh.ETag, fresh.Modified, err = c.httpIndex(ctx, where.url, known)
	}
	if err != nil {
		return nil, err
	}
	if body == nil {
		return known, nil
	}
	defer body.Close()
	x, err := writeIndex(file, fresh, body)
	if err != nil {
		return nil, fmt.Errorf("index of %s: %w", outbound.Clean(repository), err)
	}
	return x, nil
}

// httpIndex gives no body when the known index is current.
func (c *Charts) httpIndex(ctx context.Context, url string, known *index) (body io.ReadCloser, etag, modified string, err error) {
	r := outbound.Request{URL: url, Limit: maxIndex, Accept: "application/yaml, application/json, */*"}
	if known != nil {
		r.ETag, r.Modified = known.ETag, known.Modified
	}
	res, err := c.options.HTTP.Get(ctx, r)
	if fault.Is(err, fault.NotFound) {
		return nil, "", "", fault.New(fault.NotFound, "%w", err).Hint("a chart repository has an index.yaml; is the address right?")
	}
	if err != nil {
		return nil, "", "", err
	}
	if res.NotModified {
		_ = res.Body.Close()
		return nil, "", "", nil
	}
	return res.Body, res.ETag, res.Modified, nil
}

func (c *Charts) indexFile(repository string) string {
	if c.options.Dir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(repository))
	return filepath.Join(c.options.Dir, "index", hex.EncodeToString(sum[:16]))
}

// openIndex gives the index in a file, nil when there is none or it cannot be
// used: it is only a cache.
func openIndex(file, repository string) *index {
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	x, err := readTable(f)
	if err != nil || x.URL != repository {
		_ = f.Close()
		return nil
	}
	return x
}

func readTable(f *os.File) (*index, error) {
	const foot = 8 + int64(len(indexMagic))
	info, err := f.Stat()
	if err != nil || info.Size() < foot {
		return nil, errors.New("too short")
	}
	end := make([]byte, foot)
	if _, err := f.ReadAt(end, info.Size()-foot); err != nil || string(end[8:]) != indexMagic {
		return nil, errors.New("no index")
	}
	length := int64(binary.BigEndian.Uint64(end))
	if length < 0 || length > info.Size()-foot {
		return nil, errors.New("no index")
	}
	data := make([]byte, length)
	if _, err := f.ReadAt(data, info.Size()-foot-length); err != nil {
		return nil, err
	}
	x := &index{file: f}
	if err := json.Unmarshal(data, &x.table); err != nil {
		return nil, err
	}
	for _, p := range x.Charts {
		if p.At < 0 || p.Size < 0 || p.Size > maxEntry || p.At > info.Size() {
			return nil, errors.New("no index")
		}
	}
	return x, nil
}

// writeIndex parses an index into a file, which gets its name when it is whole.
func writeIndex(file string, t table, body io.Reader) (*index, error) {
	dir := ""
	if file != "" {
		dir = filepath.Dir(file)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	f, err := os.CreateTemp(dir, ".index-*")
	if err != nil {
		return nil, err
	}
	named := false
	defer func() {
		if !named {
			_ = os.Remove(f.Name()) // the open file lives on where that is possible
		}
	}()
	out := bufio.NewWriterSize(f, 256<<10)
	var at int64
	err = scanIndex(body, func(name string, chunk []byte) error {
		sum := sha256.Sum256(chunk)
		t.Charts[name] = part{At: at, Size: int64(len(chunk)), Sum: hex.EncodeToString(sum[:])}
		at += int64(len(chunk))
		_, err := out.Write(chunk)
		return err
	})
	if err == nil {
		err = writeTable(out, t)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	if file != "" && (t.ETag != "" || t.Modified != "") {
		if err := os.Rename(f.Name(), file); err != nil {
			_ = f.Close()
			return nil, err
		}
		named = true
	}
	return &index{table: t, file: f}, nil
}

func writeTable(out *bufio.Writer, t table) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	data = binary.BigEndian.AppendUint64(data, uint64(len(data)))
	if _, err := out.Write(append(data, indexMagic...)); err != nil {
		return err
	}
	return out.Flush()
}
