// Package rendercache keeps results of renders, each with the set of reads it
// came from. A result is found again when everything else that it depends on
// is the same (the key) and every read still gives the same (package readset).
//
// Two levels: what this process found out, and a folder that processes share.
// A file in the folder is written to the side and renamed; damaged or foreign
// files count as missing. Errors are never kept.
package rendercache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/tugops/tug/internal/readset"
)

// format is the version of everything in the folder; another one is another
// folder.
const format = "v2"

// maxEntries is how many read sets are kept for one key: revisions that are
// compared again and again, and branches that differ.
const maxEntries = 8

// maxFile bounds what is read from the folder, in bytes.
const maxFile = 256 << 20

// DefaultMax is the size limit of the folder, in bytes.
const DefaultMax = 512 << 20

// Cache finds results. It is safe for concurrent use; the zero value keeps
// what this process finds and no files.
type Cache struct {
	// Dir is the shared folder; "" for none. It is made when needed, for its
	// owner alone.
	Dir string
	// Max is the size that Trim leaves, in bytes; DefaultMax when zero.
	Max int64

	mu      sync.Mutex
	entries map[Key][]entry
	results map[string][]byte // only without Dir
	stored  bool
}

// Key stands for everything but files that a result depends on.
type Key string

// KeyOf is the key of a value that has all of it, as JSON.
func KeyOf(v any) (Key, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("key of a render: %w", err)
	}
	sum := sha256.Sum256(data)
	return Key(hex.EncodeToString(sum[:])), nil
}

// entry says that these reads give this result.
type entry struct {
	Reads  readset.Set `json:"reads"`
	Result string      `json:"result"` // SHA-256 of the result, in hex
}

// Find gives the name of the result for a key whose reads hold on files. Equal
// names are equal results.
func (c *Cache) Find(k Key, files *readset.Memo) (result string, ok bool) {
	for _, e := range c.remembered(k) {
		if e.Reads.HoldsOn(files) {
			return e.Result, true
		}
	}
	for _, e := range c.onDisk(k) {
		if e.Reads.HoldsOn(files) {
			c.remember(k, e)
			return e.Result, true
		}
	}
	return "", false
}

// Load gives the bytes of a result that Find or Store named; false when it is
// gone or damaged.
func (c *Cache) Load(result string) ([]byte, bool) {
	if c.Dir == "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		data, ok := c.results[result]
		return data, ok
	}
	file := c.resultFile(result)
	packed, err := readLimited(file)
	if err != nil {
		return nil, false
	}
	data, err := unpack(packed)
	if err != nil {
		_ = os.Remove(file)
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(file, now, now) // Trim removes what was not used for longest
	return data, true
}

// Store keeps a result and gives its name.
func (c *Cache) Store(k Key, reads readset.Set, data []byte) (result string, err error) {
	e := entry{Reads: reads, Result: name(data)}
	if c.Dir == "" {
		c.mu.Lock()
		if c.results == nil {
			c.results = map[string][]byte{}
		}
		c.results[e.Result] = data
		c.mu.Unlock()
		c.remember(k, e)
		return e.Result, nil
	}
	if err := c.write(c.resultFile(e.Result), func() ([]byte, error) { return pack(data), nil }); err != nil {
		return "", err
	}
	if err := c.add(k, e); err != nil {
		return "", err
	}
	c.remember(k, e)
	return e.Result, nil
}

func (c *Cache) remembered(k Key) []entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]entry(nil), c.entries[k]...)
}

func (c *Cache) remember(k Key, e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[Key][]entry{}
	}
	c.entries[k] = front(c.entries[k], e)
}

// front puts e first, once, and leaves out what is too many.
func front(list []entry, e entry) []entry {
	out := []entry{e}
	hash := e.Reads.Hash()
	for _, old := range list {
		if len(out) < maxEntries && old.Reads.Hash() != hash {
			out = append(out, old)
		}
	}
	return out
}

func name(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (c *Cache) resultFile(result string) string {
	return filepath.Join(c.Dir, format, "results", result[:2], result+".s2")
}

func (c *Cache) entryFile(k Key) string {
	return filepath.Join(c.Dir, format, "reads", string(k[:2]), string(k)+".json")
}

// pack compresses data for a file. Reading it must cost little, so a checksum
// guards against damage, not a hash.
func pack(data []byte) []byte {
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	return append(sum, s2.Encode(nil, data)...)
}

var errDamaged = errors.New("render cache: a file is damaged")

func unpack(packed []byte) ([]byte, error) {
	if len(packed) < 4 {
		return nil, errDamaged
	}
	if n, err := s2.DecodedLen(packed[4:]); err != nil || n > maxFile {
		return nil, errDamaged
	}
	data, err := s2.Decode(nil, packed[4:])
	if err != nil || crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(packed) {
		return nil, errDamaged
	}
	return data, nil
}
