package imagelock

import (
	"bytes"
	"cmp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// LockFile is a lock file that a machine wrote: one document of locks, which
// can be written anew without losing anything.
type LockFile struct {
	Format Format
	// App and Environment are those of tug's own format.
	App, Environment string
	Locks            []Lock
	// Rules are kbld's, which its lock files repeat.
	Rules []Rule
	// Promotions say which builds the locks are.
	Promotions []Promotion
}

// ReadLockFile reads a lock file to write it anew. A file that holds more than
// locks is a person's and refused.
func ReadLockFile(name string, data []byte) (LockFile, error) {
	set, _, err := parseLock(name, data)
	if err != nil {
		return LockFile{}, err
	}
	kinds := documentKinds(data)
	if len(kinds) == 0 {
		return LockFile{}, nil
	}
	f := LockFile{Locks: set.Locks, Rules: set.Rules, Format: kinds[0], Promotions: set.Promotions}
	if f.Format != FormatTug {
		if f.Promotions, err = commentPromotions(name, data); err != nil {
			return LockFile{}, err
		}
	}
	if len(kinds) > 1 || f.Format == "" || len(set.Builds)+len(set.Destinations) > 0 {
		return LockFile{}, notMachines(name)
	}
	for _, l := range set.Locks {
		if l.Choice != nil {
			return LockFile{}, notMachines(name)
		}
		f.App, f.Environment = cmp.Or(l.App, f.App), cmp.Or(l.Environment, f.Environment)
	}
	return f, nil
}

func notMachines(name string) error {
	return fault.New(fault.Invalid, "%s holds more than locks, and a lock file is written whole", name).
		Hint("keep overrides, sources and the like in a file of their own, or write the lock elsewhere with -o FILE")
}

// documentKinds are the formats of the documents of a file; "" for others.
func documentKinds(data []byte) []Format {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var kinds []Format
	for {
		var doc yaml.Node
		if err := decoder.Decode(&doc); err != nil {
			return kinds // the end: parseLock read the same bytes before
		}
		if len(doc.Content) == 0 || isNull(doc.Content[0]) {
			continue
		}
		version, kind := value(doc.Content[0], "apiVersion"), value(doc.Content[0], "kind")
		switch {
		case version == kbldVersion && isConfigKind(kind):
			kinds = append(kinds, FormatKbld)
		case version == imgpkgVersion:
			kinds = append(kinds, FormatImgpkg)
		case version == tugVersion:
			kinds = append(kinds, FormatTug)
		default:
			kinds = append(kinds, "")
		}
	}
}

// Encode writes locks in the format and for the app and environment of f.
func (f LockFile) Encode(locks []Lock) ([]byte, error) {
	data, err := f.encode(locks)
	if err != nil || len(f.Promotions) == 0 {
		return data, err
	}
	var b strings.Builder
	if f.Format == FormatKbld || f.Format == FormatImgpkg {
		for _, p := range f.Promotions {
			line, err := p.comment()
			if err != nil {
				return nil, fault.New(fault.Internal, "promotion of %s: %w", p.Of, err)
			}
			b.WriteString(line)
		}
		return append([]byte(b.String()), data...), nil
	}
	b.WriteString("promotions:\n")
	for _, p := range f.Promotions {
		b.WriteString(p.encode())
	}
	return append(data, b.String()...), nil
}

func (f LockFile) encode(locks []Lock) ([]byte, error) {
	switch f.Format {
	case FormatKbld:
		bare := make([]Lock, len(locks))
		for i, l := range locks {
			l.Origins = nil // kbld's lock files have none
			bare[i] = l
		}
		return EncodeKbld(bare, f.Rules)
	case FormatImgpkg:
		return EncodeImgpkg(locks, true)
	}
	return EncodeTug(locks, f.App, f.Environment)
}
