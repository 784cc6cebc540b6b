package registry

import (
	"encoding/json"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// headReader keeps what went through it, up to the size that may be parsed
// whole.
type headReader struct {
	r    io.Reader
	kept []byte
	over bool
}

// Read implements io.Reader.
func (h *headReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if !h.over {
		h.kept = append(h.kept, p[:n]...)
		if len(h.kept) > maxWhole {
			h.kept, h.over = nil, true
		}
	}
	return n, err
}

// scanWhole parses an index of any form that YAML allows.
func scanWhole(rest io.Reader, head *headReader, emit func(string, []byte) error) error {
	if _, err := io.Copy(io.Discard, io.LimitReader(rest, maxWhole+1)); err != nil {
		return err
	}
	if head.over {
		return fault.New(fault.Invalid, "the index is larger than %d MiB and not in the form that Helm writes", maxWhole>>20).
			Hint("let helm repo index write it, or ask the owner of the repository to")
	}
	var doc struct {
		APIVersion string             `yaml:"apiVersion"`
		Entries    map[string][]entry `yaml:"entries"`
	}
	if err := yaml.Unmarshal(head.kept, &doc); err != nil {
		return fault.New(fault.Invalid, "the index is no valid YAML: %w", err)
	}
	if doc.APIVersion == "" {
		return fault.New(fault.Invalid, "this is no index of a chart repository: it has no apiVersion")
	}
	for name, entries := range doc.Entries {
		if err := emitEntries(name, entries, emit); err != nil {
			return err
		}
	}
	return nil
}

func emitEntries(name string, entries []entry, emit func(string, []byte) error) error {
	chunk, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("chart %q: %w", name, err)
	}
	if len(chunk) > maxEntry {
		return fault.New(fault.Invalid, "the index says more than %d MiB about chart %q", maxEntry>>20, name)
	}
	return emit(name, chunk)
}
