package inventory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/tugops/tug/internal/fault"
)

// FormatVersion is the version of everything that is stored: heads, item
// lists and snapshots. A reader refuses any other one, so that an old tug
// never rewrites, and thereby damages, what a newer one wrote.
const FormatVersion = 1

// Limits of what is read back. A record is input like any other: whoever may
// write Secrets in the namespace may have written it.
const (
	// maxChunk is the size of one chunk in bytes; a Secret holds 1 MiB.
	maxChunk = 900 << 10
	// maxChunks bounds the chunks of one value.
	maxChunks = 64
	// maxPlain is the size of a decompressed value in bytes.
	maxPlain = 128 << 20
	// maxItems and maxReleases bound the lists.
	maxItems    = 100_000
	maxReleases = 1_000
)

// itemList is the stored form of an inventory.
type itemList struct {
	Version int    `json:"version"`
	Items   []Item `json:"items"`
}

// storedHead is the stored form of a head.
type storedHead struct {
	Version int `json:"version"`
	Head
}

// encodeItems is the uncompressed stored form of items: compact JSON, sorted,
// so that equal inventories have equal chunks.
func encodeItems(items []Item) ([]byte, error) {
	if len(items) > maxItems {
		return nil, fault.New(fault.Invalid, "inventory has %d objects, more than %d", len(items), maxItems)
	}
	sorted := slices.Clone(items)
	slices.SortFunc(sorted, compareItems)
	if sorted == nil {
		sorted = []Item{}
	}
	return json.Marshal(itemList{Version: FormatVersion, Items: sorted})
}

// decodeItems reads what encodeItems wrote.
func decodeItems(data []byte) ([]Item, error) {
	if err := checkVersion("inventory", data); err != nil {
		return nil, err
	}
	var list itemList
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fault.New(fault.Invalid, "decode inventory: %w", err)
	}
	if len(list.Items) > maxItems {
		return nil, fault.New(fault.Invalid, "inventory has %d objects, more than %d", len(list.Items), maxItems)
	}
	slices.SortFunc(list.Items, compareItems)
	for i := range list.Items {
		if list.Items[i].Kind == "" || list.Items[i].Name == "" {
			return nil, fault.New(fault.Invalid, "inventory entry %d has no kind or name", i)
		}
		if i > 0 && compareItems(list.Items[i-1], list.Items[i]) == 0 {
			return nil, fault.New(fault.Invalid, "inventory names %s twice", list.Items[i].Ref)
		}
	}
	return list.Items, nil
}

// encodeHead is the stored form of h. It is not compressed: people can read
// it with kubectl.
func encodeHead(h Head) ([]byte, error) {
	if h.Items == nil {
		h.Items = []string{}
	}
	if h.Releases == nil {
		h.Releases = []Release{}
	}
	data, err := json.Marshal(storedHead{Version: FormatVersion, Head: h})
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	if len(data) > maxChunk {
		return nil, fault.New(fault.Invalid, "record of %s has a head of %d bytes, more than %d", h.App, len(data), maxChunk).
			Hint("keep fewer releases")
	}
	return data, nil
}

// decodeHead reads what encodeHead wrote.
func decodeHead(data []byte) (Head, error) {
	if len(data) > maxChunk {
		return Head{}, fault.New(fault.Invalid, "record has a head of %d bytes, more than %d", len(data), maxChunk)
	}
	if err := checkVersion("record", data); err != nil {
		return Head{}, err
	}
	var s storedHead
	if err := json.Unmarshal(data, &s); err != nil {
		return Head{}, fault.New(fault.Invalid, "decode record: %w", err)
	}
	if s.App == "" || s.Namespace == "" {
		return Head{}, fault.New(fault.Invalid, "record names no app or no namespace")
	}
	if len(s.Items) > maxChunks || len(s.Releases) > maxReleases {
		return Head{}, fault.New(fault.Invalid, "record has %d chunks and %d releases, more than %d or %d",
			len(s.Items), len(s.Releases), maxChunks, maxReleases)
	}
	s.stored = bytes.Clone(data)
	return s.Head, nil
}

// checkVersion refuses values of another format version before anything else
// of them is read.
func checkVersion(what string, data []byte) error {
	var v struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return fault.New(fault.Invalid, "decode %s: %w", what, err)
	}
	if v.Version == nil {
		return fault.New(fault.Invalid, "%s has no format version", what)
	}
	if *v.Version != FormatVersion {
		return fault.New(fault.Invalid, "%s has format version %d, this tug knows %d", what, *v.Version, FormatVersion).
			Hint("use the version of tug that wrote it, or a newer one")
	}
	return nil
}

// pack compresses plain and splits it into chunks.
func pack(plain []byte) ([][]byte, error) {
	if len(plain) > maxPlain {
		return nil, fault.New(fault.Invalid, "value of %d bytes, more than %d", len(plain), maxPlain)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("start compression: %w", err)
	}
	chunks := slices.Collect(slices.Chunk(enc.EncodeAll(plain, nil), maxChunk))
	if len(chunks) > maxChunks {
		return nil, fault.New(fault.Invalid, "value needs %d chunks of %d KiB, more than %d", len(chunks), maxChunk>>10, maxChunks).
			Hint("split the app into several apps")
	}
	return chunks, nil
}

// unpack joins and decompresses chunks, within the limits.
func unpack(chunks [][]byte) ([]byte, error) {
	if len(chunks) > maxChunks {
		return nil, fault.New(fault.Invalid, "value of %d chunks, more than %d", len(chunks), maxChunks)
	}
	for i, c := range chunks {
		if len(c) > maxChunk {
			return nil, fault.New(fault.Invalid, "chunk %d has %d bytes, more than %d", i, len(c), maxChunk)
		}
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPlain))
	if err != nil {
		return nil, fmt.Errorf("start decompression: %w", err)
	}
	defer dec.Close()
	plain, err := dec.DecodeAll(bytes.Join(chunks, nil), nil)
	if err != nil {
		return nil, fault.New(fault.Invalid, "decompress: %w", err)
	}
	return plain, nil
}

// chunkSum is the content address of a chunk: 16 hex digits of its SHA-256.
func chunkSum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

func compareItems(a, b Item) int { return a.Ref.Compare(b.Ref) }
