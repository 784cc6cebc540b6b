package vendoring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/yamlmerge"
)

// KptfileName is that of kpt's file in a package.
const KptfileName = "Kptfile"

// The update strategies of kpt.
const (
	ResourceMerge      = "resource-merge"
	FastForward        = "fast-forward"
	ForceDeleteReplace = "force-delete-replace"
	CopyMerge          = "copy-merge"
)

// Strategies are all of them, the default first.
func Strategies() []string {
	return []string{ResourceMerge, FastForward, ForceDeleteReplace, CopyMerge}
}

// Kptfile is what tug needs of one: where the package comes from.
type Kptfile struct {
	// Old marks schema v1alpha1, which has the commit beside the ref. Such a
	// file stays what it is.
	Old      bool
	Name     string
	Upstream *KptGit
	// Lock is what was fetched; nil before the first fetch.
	Lock     *KptGit
	Strategy string
}

// KptGit is a folder of a Git repository.
type KptGit struct {
	Repo      string `yaml:"repo,omitempty"`
	Directory string `yaml:"directory,omitempty"`
	Ref       string `yaml:"ref,omitempty"`
	Commit    string `yaml:"commit,omitempty"`
}

// source is the package as tug names it.
func (g KptGit) source() Source {
	dir := strings.Trim(g.Directory, "/")
	if dir == "" {
		dir = "."
	}
	return Source{Type: Git, URL: g.Repo, Directory: dir, Ref: g.Ref}
}

// kptfileV1 is the schema kpt.dev/v1, decoded strictly; what tug does not look
// into is any value.
type kptfileV1 struct {
	APIVersion string       `yaml:"apiVersion"`
	Kind       string       `yaml:"kind"`
	Metadata   kptMetadata  `yaml:"metadata"`
	Upstream   *kptUpstream `yaml:"upstream"`
	Lock       *kptLocator  `yaml:"upstreamLock"`
	Info       any          `yaml:"info"`
	Pipeline   *kptPipeline `yaml:"pipeline"`
	Inventory  any          `yaml:"inventory"`
	Status     any          `yaml:"status"`
}

type kptMetadata struct {
	Name        string            `yaml:"name"`
	Namespace   string            `yaml:"namespace"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

type kptUpstream struct {
	Type     string  `yaml:"type"`
	Git      *KptGit `yaml:"git"`
	Strategy string  `yaml:"updateStrategy"`
}

type kptLocator struct {
	Type    string  `yaml:"type"`
	Git     *KptGit `yaml:"git"`
	GitLock *KptGit `yaml:"gitLock"` // v1alpha2
	Generic any     `yaml:"generic"`
}

type kptPipeline struct {
	Mutators   []any `yaml:"mutators"`
	Validators []any `yaml:"validators"`
}

// ReadKptfile reads a Kptfile: kpt.dev/v1 and v1alpha2 strictly, v1alpha1 (of
// kpt before 1.0) as far as its upstream goes.
func ReadKptfile(file string, data []byte) (Kptfile, error) {
	var head struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
	}
	if err := yaml.Unmarshal(data, &head); err != nil {
		return Kptfile{}, badKptfile(file, err)
	}
	if head.Kind != "Kptfile" {
		return Kptfile{}, fault.New(fault.Invalid, "%s has kind %q, want Kptfile", file, head.Kind)
	}
	switch head.APIVersion {
	case "kpt.dev/v1", "kpt.dev/v1alpha2":
		return readV1(file, data)
	case "kpt.dev/v1alpha1":
		return readV1alpha1(file, data)
	}
	return Kptfile{}, fault.New(fault.Invalid, "%s has apiVersion %q, which tug does not know", file, head.APIVersion).
		Hint("known are kpt.dev/v1, v1alpha2 and v1alpha1")
}

func badKptfile(file string, err error) error {
	text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: ")
	return fault.New(fault.Invalid, "%s: %s", file, strings.TrimPrefix(text, "unmarshal errors:   ")).
		Hint("the schema is kpt.dev/v1: apiVersion, kind, metadata, upstream, upstreamLock, info, pipeline, inventory, status")
}

func readV1(file string, data []byte) (Kptfile, error) {
	var k kptfileV1
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&k); err != nil && !errors.Is(err, io.EOF) {
		return Kptfile{}, badKptfile(file, err)
	}
	out := Kptfile{Name: k.Metadata.Name}
	if k.Upstream != nil {
		if k.Upstream.Type != "" && k.Upstream.Type != Git {
			return Kptfile{}, fault.New(fault.Invalid, "%s: upstream has type %q, want git", file, k.Upstream.Type)
		}
		out.Upstream, out.Strategy = k.Upstream.Git, k.Upstream.Strategy
	}
	if k.Lock != nil {
		if out.Lock = k.Lock.Git; out.Lock == nil {
			out.Lock = k.Lock.GitLock
		}
	}
	return out, nil
}

func readV1alpha1(file string, data []byte) (Kptfile, error) {
	var k struct {
		Metadata kptMetadata  `yaml:"metadata"`
		Upstream *kptUpstream `yaml:"upstream"`
	}
	if err := yaml.Unmarshal(data, &k); err != nil {
		return Kptfile{}, badKptfile(file, err)
	}
	out := Kptfile{Old: true, Name: k.Metadata.Name}
	if k.Upstream != nil && k.Upstream.Git != nil {
		upstream := *k.Upstream.Git
		upstream.Commit = ""
		out.Upstream = &upstream
		if k.Upstream.Git.Commit != "" {
			out.Lock = k.Upstream.Git
		}
	}
	return out, nil
}

// writeKptfile sets the upstream in the text of a Kptfile, or makes one.
func writeKptfile(text []byte, name string, s Source, r Resolved, strategy string) ([]byte, error) {
	if text == nil {
		text = fmt.Appendf(nil, "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: %s\n", scalar(name))
	}
	old, err := ReadKptfile(KptfileName, text)
	if err != nil {
		return nil, err
	}
	git := KptGit{Repo: s.URL, Directory: "/" + strings.TrimPrefix(s.Directory, "."), Ref: s.Ref, Commit: r.Commit}
	if old.Old {
		return setAll(text, [][]string{
			{"upstream", "git", "repo", git.Repo}, {"upstream", "git", "directory", git.Directory},
			{"upstream", "git", "ref", git.Ref}, {"upstream", "git", "commit", git.Commit},
		})
	}
	if old.Upstream != nil && old.Lock != nil && !bytes.Contains(text, []byte("gitLock")) {
		set := [][]string{
			{"upstream", "git", "repo", git.Repo}, {"upstream", "git", "directory", git.Directory}, {"upstream", "git", "ref", git.Ref},
			{"upstreamLock", "git", "repo", git.Repo}, {"upstreamLock", "git", "directory", git.Directory},
			{"upstreamLock", "git", "ref", git.Ref}, {"upstreamLock", "git", "commit", git.Commit},
		}
		if old.Strategy != strategy {
			set = append(set, []string{"upstream", "updateStrategy", strategy})
		}
		if out, err := setAll(text, set); err == nil {
			return out, nil
		}
	}
	text = yamlmerge.Drop(text, "upstream", "upstreamLock")
	return fmt.Appendf(bytes.TrimRight(text, "\n"), "\nupstream:\n  type: git\n  git:\n%s  updateStrategy: %s\nupstreamLock:\n  type: git\n  git:\n%s    commit: %s\n",
		git.lines(), strategy, git.lines(), scalar(git.Commit)), nil
}

func (g KptGit) lines() string {
	return fmt.Sprintf("    repo: %s\n    directory: %s\n    ref: %s\n", scalar(g.Repo), scalar(g.Directory), scalar(g.Ref))
}

func setAll(text []byte, set [][]string) ([]byte, error) {
	for _, s := range set {
		last := len(s) - 1
		out, ok := yamlmerge.Set(text, s[:last], s[last])
		if !ok {
			return nil, fault.New(fault.Invalid, "%s: %s cannot be set in place", KptfileName, strings.Join(s[:last], ".")).
				Hint("write upstream and upstreamLock as maps in lines of their own")
		}
		text = out
	}
	return text, nil
}

// scalar is a text as YAML.
func scalar(text string) string {
	data, err := yaml.Marshal(text)
	if err != nil {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSuffix(string(data), "\n")
}
