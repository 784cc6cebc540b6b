package flux

import (
	"path"
	"slices"
	"strings"
)

// ignoreFile leaves files out of a source, in the syntax of .gitignore.
const ignoreFile = ".sourceignore"

// defaultIgnores are left out of every source by Flux.
const defaultIgnores = `.git/
.github/
.circleci/
.travis.yml
.gitlab-ci.yml
appveyor.yml
.drone.yml
cloudbuild.yaml
codeship-services.yml
codeship-steps.yml
.goreleaser.yml
.sops.yaml
.flux.yaml
`

// ignores are the rules of one tree. The last rule that fits decides; unlike
// in Git, a file can be taken back from a folder that is left out.
type ignores struct {
	base    string
	rules   []ignoreRule
	negates bool
}

type ignoreRule struct {
	parts    []string // between slashes
	anchored bool     // starts at the root of the tree
	folders  bool     // fits folders only
	keep     bool     // "!": takes back
}

// ignoreRules reads what a tree leaves out.
func (t *tree) ignoreRules() (*ignores, error) {
	base := t.base
	if base == "" {
		base = "."
	}
	i := &ignores{base: base}
	i.parse(defaultIgnores)
	name := path.Join(base, ignoreFile)
	if !exists(t.files, name) {
		return i, nil
	}
	data, err := readFile(t.files, name)
	if err != nil {
		return nil, err
	}
	i.parse(string(data))
	return i, nil
}

func (i *ignores) parse(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		var r ignoreRule
		line, r.keep = strings.CutPrefix(line, "!")
		line, r.folders = strings.CutSuffix(line, "/")
		r.anchored = strings.Contains(line, "/")
		r.parts = strings.Split(strings.TrimPrefix(line, "/"), "/")
		i.rules = append(i.rules, r)
		i.negates = i.negates || r.keep
	}
}

// match reports whether a file or folder is left out.
func (i *ignores) match(name string, folder bool) bool {
	if i.base != "." {
		name = strings.TrimPrefix(name, i.base+"/")
	}
	parts := strings.Split(name, "/")
	for _, r := range slices.Backward(i.rules) {
		if r.match(parts, folder) {
			return !r.keep
		}
	}
	return false
}

// match reports whether a rule fits a path or a folder that it is in.
func (r ignoreRule) match(parts []string, folder bool) bool {
	for end := 1; end <= len(parts); end++ {
		if r.folders && end == len(parts) && !folder {
			continue
		}
		if !r.anchored && matchName(r.parts[0], parts[end-1]) {
			return true
		}
		if r.anchored && matchParts(r.parts, parts[:end]) {
			return true
		}
	}
	return false
}

// matchParts compares part by part; ** stands for any number of them.
func matchParts(pattern, parts []string) bool {
	// reach[j] says that the pattern so far fits the first j parts.
	reach := make([]bool, len(parts)+1)
	reach[0] = true
	for _, p := range pattern {
		next := make([]bool, len(parts)+1)
		for j := range reach {
			switch {
			case p == "**":
				next[j] = reach[j] || j > 0 && next[j-1]
			case j > 0:
				next[j] = reach[j-1] && matchName(p, parts[j-1])
			}
		}
		reach = next
	}
	return reach[len(parts)]
}

func matchName(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
