package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/tugops/tug/internal/fault"
)

// BaselineFile is the baseline that is used when it is there, at the root of
// the project.
const BaselineFile = ".tug-check-baseline.json"

// Baseline are findings that are known and left out.
type Baseline struct {
	Version  int     `json:"version"`
	Findings []Known `json:"findings"`

	index map[string]bool
}

// Known is one finding of a baseline. Only fingerprint and environment are
// compared; the rest is for readers.
type Known struct {
	Fingerprint string `json:"fingerprint"`
	Environment string `json:"environment,omitempty"`
	Rule        string `json:"rule"`
	File        string `json:"file,omitempty"`
	Subject     string `json:"subject,omitempty"`
	Message     string `json:"message"`
}

const baselineVersion = 1

// ReadBaseline reads a baseline strictly.
func ReadBaseline(file string, data []byte) (Baseline, error) {
	if len(data) > 16*maxConfig {
		return Baseline{}, fault.New(fault.Invalid, "%s: %d bytes, more than %d MiB", file, len(data), 16*maxConfig>>20)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var b Baseline
	if err := dec.Decode(&b); err != nil {
		return Baseline{}, fault.New(fault.Invalid, "%s: not a baseline: %w", file, err).Hint("write it anew with --write-baseline %s", file)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Baseline{}, fault.New(fault.Invalid, "%s: not a baseline: there is text after it", file).Hint("write it anew with --write-baseline %s", file)
	}
	if b.Version != baselineVersion {
		return Baseline{}, fault.New(fault.Invalid, "%s: baseline of version %d, this tug reads version %d", file, b.Version, baselineVersion).
			Hint("write it anew with --write-baseline %s", file)
	}
	b.index = map[string]bool{}
	for _, k := range b.Findings {
		b.index[k.Fingerprint+" "+k.Environment] = true
	}
	return b, nil
}

// JSON is the text of a baseline: the same findings give the same bytes.
func (b *Baseline) JSON() ([]byte, error) {
	b.Version = baselineVersion
	if b.Findings == nil {
		b.Findings = []Known{}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(b)
	return buf.Bytes(), err
}

func (b *Baseline) has(f *Finding) bool { return b.index[f.Fingerprint+" "+f.env] }

func (b *Baseline) add(f *Finding) {
	b.Findings = append(b.Findings, Known{f.Fingerprint, f.env, f.Rule, f.File, refText(f.Object), f.Message})
}

func (b *Baseline) sort() {
	slices.SortFunc(b.Findings, func(x, y Known) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Subject, y.Subject),
			cmp.Compare(x.Environment, y.Environment), cmp.Compare(x.Fingerprint, y.Fingerprint))
	})
	b.Findings = slices.CompactFunc(b.Findings, func(x, y Known) bool {
		return x.Fingerprint == y.Fingerprint && x.Environment == y.Environment
	})
}
