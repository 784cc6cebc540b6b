// Package check looks for what is wrong with a config repository before a
// cluster does: schemas, references, selectors, names, images, secrets, and
// kube-score's advice. It is pure: rendered apps and the files of the
// repository go in, findings with their place in the source come out. It needs
// no cluster, no network and no key.
package check

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/object"
)

// Finding is one result of a check.
type Finding struct {
	Severity problem.Severity `json:"severity"`
	Rule     string           `json:"rule"`
	// File and Line are the place in the source that a person would edit: the
	// template, overlay or manifest. Line is 0 when only the file is known.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	App  string `json:"app,omitempty"`
	// Environments are those in which the same is found; none without
	// environments.
	Environments []string    `json:"environments,omitempty"`
	Object       *object.Ref `json:"object,omitempty"`
	// Path is the field of the rendered object.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	// Hint names the fix; Fix is a command that applies it, if there is one.
	Hint string `json:"hint,omitempty"`
	Fix  string `json:"fix,omitempty"`
	// Docs is the anchor of the rule in docs/checks.md.
	Docs string `json:"docs"`
	// Fingerprint stays the same while the finding does, however the lines
	// around it move. 32 hex digits.
	Fingerprint string `json:"fingerprint"`

	stable string // path with names instead of places
	env    string // the one environment, before findings are joined
}

// Where is "file:line", "file" or "".
func (f *Finding) Where() string {
	return object.Source{File: f.File, Line: f.Line}.String()
}

// mark fills in what follows from the rest.
func (f *Finding) mark() {
	f.Docs = "docs/checks.md#" + f.Rule
	h := sha256.New()
	for _, part := range []string{f.Rule, f.App, f.File, refText(f.Object), f.stable} {
		h.Write([]byte(part + "\x00"))
	}
	if f.Object == nil {
		h.Write([]byte(f.Message)) // nothing else tells two apart
	}
	f.Fingerprint = hex.EncodeToString(h.Sum(nil)[:16])
}

func refText(r *object.Ref) string {
	if r == nil {
		return ""
	}
	return r.String()
}

// compare orders findings by place, then by rule.
func compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.App, b.App), cmp.Compare(refText(a.Object), refText(b.Object)),
		cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message), cmp.Compare(a.env, b.env),
	)
}

// join makes one finding of those that differ in their environment only.
func join(all []Finding) []Finding {
	slices.SortFunc(all, compare)
	var joined []Finding
	for _, f := range all {
		if n := len(joined) - 1; n >= 0 && same(joined[n], f) {
			joined[n].addEnvironment(f.env)
			continue
		}
		f.addEnvironment(f.env)
		joined = append(joined, f)
	}
	return joined
}

func same(a, b Finding) bool {
	a.env, b.env = "", ""
	return compare(a, b) == 0
}

func (f *Finding) addEnvironment(env string) {
	if env != "" && !slices.Contains(f.Environments, env) {
		f.Environments = append(f.Environments, env)
	}
}

// Subject is the object with its app and environments, for people:
// "Deployment shop/web (shop/dev, shop/prod)".
func (f *Finding) Subject() string {
	app := f.App
	if len(f.Environments) > 0 {
		list := make([]string, len(f.Environments))
		for i, e := range f.Environments {
			list[i] = f.App + "/" + e
		}
		app = strings.Join(list, ", ")
	}
	switch {
	case f.Object == nil:
		return app
	case app == "":
		return f.Object.String()
	}
	return f.Object.String() + " (" + app + ")"
}
