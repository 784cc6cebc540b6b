// Package render turns a source directory and its inputs into Kubernetes
// objects. The engines are child packages (helm, kustomize, plain); this one
// holds what they share: the request, the result and the random values.
//
// Rendering is deterministic: the same files and request give the same bytes
// on any machine. It reads only through the request's file system, never from
// the network or a cluster.
package render

import (
	"context"
	"io/fs"
	"time"

	"github.com/tugops/tug/internal/object"
)

// Request is everything that a render depends on.
type Request struct {
	// Files is the repository (or folder) at the revision to render. It must
	// not follow symbolic links out of itself (os.Root, or a Git tree).
	Files fs.FS
	// Path is the folder of the chart, kustomization or YAML inside Files,
	// slash-separated; "." for the root. For plain YAML it may be one file.
	Path string
	// Repository is the URL of the repository's remote, "" when it has none:
	// Flux sources with this URL are Files.
	Repository string
	// Release is Helm's release name (the app), Namespace its namespace.
	Release   string
	Namespace string
	// ValueFiles are paths inside Files, later ones win; Values are more
	// files given with -f (read by the caller); Set holds --set expressions.
	ValueFiles []string
	Values     []NamedValues
	Set        []string
	// KubeVersion is the environment's Kubernetes version ("1.36", "v1.36.2"),
	// empty for the version of the libraries. APIVersions are API versions
	// ("group/version" or "group/version/Kind") beyond the built-in ones.
	KubeVersion string
	APIVersions []string
	// Upgrade sets .Release.IsUpgrade instead of IsInstall. Revision is
	// .Release.Revision, 1 when zero.
	Upgrade  bool
	Revision int
	// Time is what the template function now gives where the generator has
	// nothing better; by custom the time of the commit. Zero is 1970.
	Time time.Time
	// Generate gives the values of random template functions; Placeholders
	// when nil.
	Generate Generator
	// Sources gives charts and Git trees from outside the repository; nil
	// when there are none to be had.
	Sources Sources
	// Input are the objects that the step before gave, for a step over them
	// (then: in tug.yaml); nil for a source of its own.
	Input []*object.Object
	// Allow switches on what is off for untrusted repositories.
	Allow Allow
}

// Allow are switches for things that reach outside the render. All are off
// unless a person turned them on; a repository cannot.
type Allow struct {
	// Exec lets KRM functions run programs, Containers run images, Ytt the
	// ytt program over objects.
	Exec, Containers, Ytt bool
	// Lookup, DNS and Env switch on Helm's lookup, getHostByName and env.
	Lookup, DNS, Env bool
}

// NamedValues is the content of one values file from outside the repository.
type NamedValues struct {
	Name string
	Data []byte
}

// Result is what a render gives.
type Result struct {
	// Objects in the order the engine gives them, CRDs first, hooks included
	// (recognised by their helm.sh/hook annotation).
	Objects []*object.Object
	// Warnings are things the author should know, one sentence each.
	Warnings []string
	// Notes is the rendered NOTES.txt of a chart, if any.
	Notes string
	// Random lists the random template functions that were called, by name.
	Random []RandomUse
}

// RandomUse says which random function was called, how often, and which
// templates name it (paths inside the repository).
type RandomUse struct {
	Function  string
	Calls     int
	Templates []string
}

// Renderer renders one kind of source.
type Renderer interface {
	Render(ctx context.Context, r Request) (Result, error)
}
