package vendoring

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// RecordName is the file that makes a folder a package. It is YAML, but has no
// name that tools take for a manifest.
const RecordName = "tug.vendor.lock"

const recordHead = "# Where this package comes from and what it was; written by tug vendor. Do not edit.\n"

// Record says where a package comes from, what was fetched, and what tug wrote.
type Record struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Source     Source   `yaml:"source"`
	Resolved   Resolved `yaml:"resolved"`
	Strategy   string   `yaml:"strategy,omitempty"`
	// Content is the hash of the tree as it was fetched.
	Content string `yaml:"content"`
	// Files are the hashes of the upstream files as tug writes them, by path:
	// with kpt's marks, without our edits.
	Files map[string]string `yaml:"files"`
}

// encode writes a record.
func (r Record) encode() ([]byte, error) {
	r.APIVersion, r.Kind = "tug.dev/v1alpha1", "VendorLock"
	var b bytes.Buffer
	b.WriteString(recordHead)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(r); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

// ReadRecord reads a record, strictly.
func ReadRecord(file string, data []byte) (Record, error) {
	var r Record
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&r); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: ")
		return Record{}, fault.New(fault.Invalid, "%s: %s", file, text).Hint("fetch the package again with tug vendor get, or take the file from Git")
	}
	if r.APIVersion != "tug.dev/v1alpha1" || r.Kind != "VendorLock" {
		return Record{}, fault.New(fault.Invalid, "%s has apiVersion %q and kind %q, want tug.dev/v1alpha1 and VendorLock", file, r.APIVersion, r.Kind)
	}
	switch r.Source.Type {
	case Git, Chart, OCI, HTTP:
	default:
		return Record{}, fault.New(fault.Invalid, "%s: source.type %q is not git, chart, oci or http", file, r.Source.Type)
	}
	if _, err := checked(r.Source); err != nil {
		return Record{}, err
	}
	return r, nil
}

// hashes are those of all files of a tree.
func (t Tree) hashes() map[string]string {
	m := make(map[string]string, len(t))
	for p, f := range t {
		m[p] = f.sum()
	}
	return m
}
