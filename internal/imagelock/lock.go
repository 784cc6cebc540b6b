// Package imagelock reads image locks (tug's own, kbld's and imgpkg's), finds
// image references in objects and pins them to the digests of the locks.
//
// A lock says: the image that manifests call X is the digest Y. Load reads
// lock files into a Set, Set.For narrows it to one app and environment, Pin
// writes the digests into objects. Nothing of that talks to a registry: what
// would need one is an error that says so.
//
// A Resolver does, to make locks: it follows kbld's way from a reference to a
// digest (overrides, tags selected by version, platforms) with the answers of
// a Registry. Encode writes what it found in any of the three formats; a
// Stream is kbld's input, objects and configuration mixed, and its output.
//
// # What is matched
//
// The rules are kbld's (carvel-dev/kbld da01feb, pkg/kbld/search and
// pkg/kbld/config), so that a repository gives the same images with both
// tools. Every map and list of every object of any kind is walked. A value is
// an image reference when a rule matches it: first the keys of the lock files,
// then their search rules, then the built-in rule "string under the key image".
// A lock's image is compared as a string and an imageRepo with the part before
// tag and digest; docker.io is not filled in. One built-in rule is tug's own:
// the reference of an image volume.
//
// Unlike kbld, two locks that disagree about one image are an error: the first
// would win silently.
//
// # What counts as unpinned
//
// Reported are references without lock and digest at places that run images:
// the image of containers, initContainers and ephemeralContainers and image
// volumes, in objects of any kind, and everything that a key or search rule of
// the lock files declares to be an image. Other strings under a key "image"
// (of a custom resource, say) are pinned when a lock names them and otherwise
// left alone without a word: they need not be images at all.
package imagelock

import (
	"regexp"
	"slices"

	"github.com/tugops/tug/internal/object"
)

// Lock is one statement of a lock file: this image is that digest.
type Lock struct {
	// Image is the reference as it stands in manifests. With Repo set it
	// stands for a repository: any tag or digest of it matches.
	Image string
	Repo  bool
	// NewImage is the pinned reference, used verbatim.
	NewImage string
	// Choice says how to get from NewImage to a digest; nil when there is
	// nothing to choose (kbld: preresolved).
	Choice *Choice
	// Origins says how NewImage came to be, in the form of the lock file.
	Origins []map[string]any
	Source  object.Source

	// App and Environment limit the lock to one app and one environment;
	// empty means any (kbld's locks know neither).
	App, Environment string
	// Pending says why a registry is needed to know NewImage; empty for
	// locks that can be used. Pin refuses a pending lock that an object needs.
	Pending string
}

// Choice leads from an override of kbld to a digest.
type Choice struct {
	// From is NewImage as the override has it.
	From string
	// Tags selects a tag of the repository From; nil for the tag in From.
	Tags *TagSelection
	// Platform selects one image of an index; nil for what the command asks.
	Platform *Platform
}

// Build says that an image is built from source (kbld: Sources).
type Build struct {
	Image string
	Repo  bool
	Path  string
	// Builder is docker, ko, pack, kubectlBuildkit or bazel; empty when the
	// source names none, which kbld takes for docker.
	Builder string
	// File and Target are those of docker.
	File, Target string
	Source       object.Source
}

// Destination says where an image that is built is pushed to.
type Destination struct {
	Image    string
	Repo     bool
	NewImage string
	Tags     []string
	Source   object.Source
}

// Set is what the lock files of a repository say together.
type Set struct {
	Locks []Lock
	// Builds and Destinations matter to a Resolver only: first match wins.
	Builds       []Build
	Destinations []Destination
	// Rules find image references besides the built-in rules, first match
	// wins: the keys of all files, then the search rules of all files.
	Rules []Rule
	// Promotions are those of tug's own files, for whoever writes them anew.
	Promotions []Promotion
	// Warnings are one sentence each.
	Warnings []string
}

// For is the part of s that holds for an app in an environment.
func (s Set) For(app, environment string) Set {
	s.Locks = slices.DeleteFunc(slices.Clone(s.Locks), func(l Lock) bool {
		return l.App != "" && l.App != app || l.Environment != "" && l.Environment != environment
	})
	return s
}

// Join puts sets together, as if their files had been loaded in one go.
func Join(sets ...Set) (Set, error) {
	var all Set
	for _, s := range sets {
		all.Locks = append(all.Locks, s.Locks...)
		all.Builds = append(all.Builds, s.Builds...)
		all.Destinations = append(all.Destinations, s.Destinations...)
		all.Rules = append(all.Rules, s.Rules...)
		all.Warnings = append(all.Warnings, s.Warnings...)
	}
	slices.SortStableFunc(all.Rules, compareRules)
	all.Rules = uniqueRules(all.Rules)
	return all, checkConflicts(all.Locks)
}

// repository splits tag and digest off; the expression is kbld's.
var repository = regexp.MustCompile(`\A(.+?)(:[A-Za-z0-9_\-.]+)?(@.+:.+)?\z`)

// repositoryOf is the part of an image reference before tag and digest, or ""
// for what is no reference.
func repositoryOf(image string) string {
	m := repository.FindStringSubmatch(image)
	if m == nil {
		return ""
	}
	return m[1]
}

var digest = regexp.MustCompile(`\A[^@\s]+@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}\z`)

// hasDigest reports whether a reference names content instead of a tag.
func hasDigest(image string) bool { return digest.MatchString(image) }
