package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// Lock is a lock file of kind SourceLock.
type Lock struct {
	APIVersion string        `yaml:"apiVersion"`
	Kind       string        `yaml:"kind"`
	Charts     []LockedChart `yaml:"charts,omitempty"`
	Git        []LockedTree  `yaml:"git,omitempty"`
	// Aliases are the addresses of repositories that charts call by a name of
	// Helm's repositories.yaml.
	Aliases map[string]string `yaml:"aliases,omitempty"`
}

// LockedChart is one chart: what was asked for, and what it was.
type LockedChart struct {
	Repository string `yaml:"repository"`
	// Name is empty where the address names the chart.
	Name string `yaml:"name,omitempty"`
	// Constraint is the version or range that was asked for.
	Constraint string `yaml:"constraint,omitempty"`
	Version    string `yaml:"version"`
	// Digest is that of the manifest in a registry.
	Digest string `yaml:"digest,omitempty"`
	// SHA256 is that of the packed chart, 64 hex digits.
	SHA256 string `yaml:"sha256"`
	// From are the files that ask for it.
	From []string `yaml:"from,omitempty"`
}

// LockedTree is one Git tree.
type LockedTree struct {
	URL    string   `yaml:"url"`
	Ref    string   `yaml:"ref,omitempty"`
	Commit string   `yaml:"commit"`
	SHA256 string   `yaml:"sha256"`
	From   []string `yaml:"from,omitempty"`
}

const (
	lockVersion = "tug.dev/v1alpha1"
	lockKind    = "SourceLock"
	maxLock     = 16 << 20 // bytes
)

// ReadLock reads a lock file; nil when there is none.
func ReadLock(files fs.FS, name string) (*Lock, error) {
	f, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "source lock %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLock+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "source lock %s: %w", name, err)
	}
	return ParseLock(name, data)
}

var commitForm = regexp.MustCompile(`\A[0-9a-f]{40}\z`)

// ParseLock is strict: a key that nobody reads would be a lock that does not
// hold.
func ParseLock(name string, data []byte) (*Lock, error) {
	bad := func(format string, args ...any) (*Lock, error) {
		return nil, fault.New(fault.Invalid, "source lock %s: %s", name, fmt.Sprintf(format, args...)).
			Hint("machines write this file: tug vendor lock --update makes it anew")
	}
	if len(data) > maxLock {
		return bad("larger than %d MiB", maxLock>>20)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var l Lock
	if err := dec.Decode(&l); err != nil {
		return bad("%v", err)
	}
	if err := dec.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return bad("more than one document")
	}
	if l.APIVersion != lockVersion || l.Kind != lockKind {
		return bad("it is %q of %q, not %q of %q", l.Kind, l.APIVersion, lockKind, lockVersion)
	}
	seen := map[string]bool{}
	for i, c := range l.Charts {
		switch {
		case c.Repository == "" || c.Version == "":
			return bad("charts[%d]: repository or version is missing", i)
		case !sumForm.MatchString(c.SHA256):
			return bad("charts[%d]: sha256 is not 64 hex digits", i)
		case c.Digest != "" && !sumForm.MatchString(strings.TrimPrefix(c.Digest, "sha256:")):
			return bad("charts[%d]: digest is not sha256: and 64 hex digits", i)
		case seen[c.key()]:
			return bad("charts[%d]: %s is locked twice", i, describe(c))
		}
		seen[c.key()] = true
	}
	for i, t := range l.Git {
		switch {
		case t.URL == "":
			return bad("git[%d]: url is missing", i)
		case !commitForm.MatchString(t.Commit):
			return bad("git[%d]: commit is not 40 hex digits", i)
		case !sumForm.MatchString(t.SHA256):
			return bad("git[%d]: sha256 is not 64 hex digits", i)
		case seen[t.key()]:
			return bad("git[%d]: %s is locked twice", i, describeTree(t))
		}
		seen[t.key()] = true
	}
	return &l, nil
}

// Encode writes the lock: sorted, so that the same content gives the same
// bytes.
func (l Lock) Encode() ([]byte, error) {
	l = l.sorted()
	l.APIVersion, l.Kind = lockVersion, lockKind
	var b bytes.Buffer
	b.WriteString("# Written by tug vendor lock. Do not edit.\n")
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(l); err != nil {
		return nil, fmt.Errorf("source lock: %w", err)
	}
	return b.Bytes(), nil
}

// Empty tells that nothing is locked.
func (l Lock) Empty() bool { return len(l.Charts) == 0 && len(l.Git) == 0 }

func (c LockedChart) key() string {
	return strings.Join([]string{"chart", strings.TrimSuffix(c.Repository, "/"), c.Name, c.Constraint}, "\x00")
}

func (t LockedTree) key() string { return strings.Join([]string{"git", t.URL, t.Ref}, "\x00") }

func (l *Lock) chart(want LockedChart) (LockedChart, bool) {
	for _, c := range l.Charts {
		if c.key() == want.key() {
			return c, true
		}
	}
	return LockedChart{}, false
}

func (l *Lock) tree(want LockedTree) (LockedTree, bool) {
	for _, t := range l.Git {
		if t.key() == want.key() {
			return t, true
		}
	}
	return LockedTree{}, false
}

func (l *Lock) addChart(c LockedChart, from string) {
	c.From = nil
	for i, have := range l.Charts {
		if have.key() == c.key() {
			l.Charts[i].From = addName(have.From, from)
			return
		}
	}
	c.From = addName(nil, from)
	l.Charts = append(l.Charts, c)
}

func (l *Lock) addTree(t LockedTree, from string) {
	t.From = nil
	for i, have := range l.Git {
		if have.key() == t.key() {
			l.Git[i].From = addName(have.From, from)
			return
		}
	}
	t.From = addName(nil, from)
	l.Git = append(l.Git, t)
}

func (l *Lock) addAlias(name, url string) {
	if l.Aliases == nil {
		l.Aliases = map[string]string{}
	}
	l.Aliases[name] = url
}

func addName(list []string, name string) []string {
	if name == "" || slices.Contains(list, name) {
		return list
	}
	list = append(slices.Clone(list), name)
	slices.Sort(list)
	return list
}

func (l Lock) sorted() Lock {
	l.Charts, l.Git, l.Aliases = slices.Clone(l.Charts), slices.Clone(l.Git), maps.Clone(l.Aliases)
	slices.SortFunc(l.Charts, func(a, b LockedChart) int {
		return cmp.Or(strings.Compare(a.Repository, b.Repository), strings.Compare(a.Name, b.Name), strings.Compare(a.Constraint, b.Constraint))
	})
	slices.SortFunc(l.Git, func(a, b LockedTree) int {
		return cmp.Or(strings.Compare(a.URL, b.URL), strings.Compare(a.Ref, b.Ref))
	})
	return l
}
