// Package schema validates objects against the schemas of their kinds without
// a cluster and without the network: the built-in kinds of every supported
// Kubernetes minor, which are embedded, and the kinds of any
// CustomResourceDefinition that it is given, CEL rules included.
//
// It is as strict as an API server that is asked for strict field validation:
// an unknown field is a problem. Where the published schema says less than the
// server (values of enumerations, formats of quantities), it follows the server.
package schema

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:generate go run -C ../../../hack/schemas . -out ../../internal/check/schema/data

//go:embed data/definitions.zst
var packedDefinitions []byte

//go:embed data/index.zst
var packedIndex []byte

// Store holds the embedded schemas. What is needed is unpacked at its first
// use and kept; a Store may be used by several goroutines.
type Store struct {
	load func() (*contents, error)
}

// contents is what is embedded, unpacked but not parsed.
type contents struct {
	index index
	lines [][]byte
}

// index is the table of contents that hack/schemas writes.
type index struct {
	Names    []string                `json:"names"`
	Versions map[string]versionIndex `json:"versions"`
	// Lifecycle is what the types of Kubernetes say about versions that go
	// away, by "group/version/Kind".
	Lifecycle map[string]Lifecycle `json:"lifecycle"`
}

type versionIndex struct {
	Release string               `json:"release"`
	Lines   []int                `json:"lines"`
	Kinds   map[string]kindIndex `json:"kinds"`
}

type kindIndex struct {
	Definition int  `json:"d"`
	Namespaced bool `json:"n"`
}

// Lifecycle says when a version of an API goes away: minors of Kubernetes 1, 0
// when nothing is known.
type Lifecycle struct {
	Deprecated int `json:"deprecated"`
	Removed    int `json:"removed"`
	// Replacement is "group/version/Kind", or "".
	Replacement string `json:"replacement"`
}

// NewStore makes a store. Nothing is unpacked before it is used.
func NewStore() *Store {
	return &Store{load: sync.OnceValues(unpack)}
}

// maxUnpacked bounds what the embedded files may unpack to.
const maxUnpacked = 64 << 20

func unpack() (*contents, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("embedded schemas: %w", err)
	}
	defer dec.Close()
	table, err := dec.DecodeAll(packedIndex, nil)
	if err != nil {
		return nil, fmt.Errorf("embedded schemas: %w", err)
	}
	definitions, err := dec.DecodeAll(packedDefinitions, nil)
	if err != nil {
		return nil, fmt.Errorf("embedded schemas: %w", err)
	}
	c := &contents{lines: bytes.Split(definitions, []byte("\n"))}
	if err := json.Unmarshal(table, &c.index); err != nil {
		return nil, fmt.Errorf("embedded schemas: %w", err)
	}
	return c, nil
}

// Minors are the embedded Kubernetes minors, oldest first: "1.30", ….
func (s *Store) Minors() ([]string, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	var minors []string
	for v := range c.index.Versions {
		minors = append(minors, v)
	}
	slices.SortFunc(minors, func(a, b string) int { return minorOf(a) - minorOf(b) })
	return minors, nil
}

// minorOf is the minor of "1.36", "v1.36" or "v1.36.2"; 0 for anything else.
func minorOf(version string) int {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(version, "v"), "1.")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(strings.TrimRight(digits, "+"))
	if err != nil {
		return 0
	}
	return n
}

// Version gives the kinds of a Kubernetes version ("1.36", "v1.36.2"). When it
// is not embedded, the nearest one is given, and exact is false.
func (s *Store) Version(version string) (v *Version, exact bool, err error) {
	c, err := s.load()
	if err != nil {
		return nil, false, err
	}
	minors, err := s.Minors()
	if err != nil {
		return nil, false, err
	}
	want, best := minorOf(version), minors[len(minors)-1]
	for _, m := range minors {
		if abs(minorOf(m)-want) < abs(minorOf(best)-want) {
			best = m
		}
	}
	if want == 0 {
		best = minors[len(minors)-1]
	}
	return &Version{
		Minor: minorOf(best), Release: c.index.Versions[best].Release,
		contents: c, index: c.index.Versions[best], nodes: map[string]*node{},
	}, minorOf(best) == want, nil
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
