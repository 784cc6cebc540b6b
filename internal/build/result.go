package build

import (
	"maps"
	"time"

	"github.com/tugops/tug/internal/build/chart"
	"github.com/tugops/tug/internal/build/image"
	"github.com/tugops/tug/internal/imagelock"
)

// State is what became of an image or chart.
type State string

// The states.
const (
	Planned   State = "planned"   // nothing was done: --dry-run
	Built     State = "built"     // not published
	Published State = "published" // new in its registry or repository
	Unchanged State = "unchanged" // was there already, with the same content
	Prebuilt  State = "prebuilt"  // made by something else
)

// Result is what a build made; its JSON is what tug promote takes, and API.
type Result struct {
	Version    string `json:"version"`
	Commit     string `json:"commit,omitempty"`
	Branch     string `json:"branch,omitempty"`
	Repository string `json:"repository,omitempty"`
	// Time is that of the commit.
	Time   time.Time    `json:"time,omitzero"`
	Dirty  bool         `json:"dirty,omitempty"`
	Images []BuiltImage `json:"images"`
	Charts []BuiltChart `json:"charts"`
	// Lock is the lock file that was written.
	Lock string `json:"lock,omitempty"`
}

// BuiltImage is one image.
type BuiltImage struct {
	Name string `json:"name"`
	// Image is the reference that manifests have for it; any tag of Repository
	// when it is empty.
	Image      string `json:"image,omitempty"`
	Repository string `json:"repository,omitempty"`
	Tag        string `json:"tag,omitempty"`
	Digest     string `json:"digest,omitempty"`
	// Reference is Repository@Digest with the registry written out.
	Reference string   `json:"reference,omitempty"`
	Platforms []string `json:"platforms,omitempty"`
	// From says what it was built from.
	From  string `json:"from"`
	State State  `json:"state"`

	path    string        // of its source, from the root of the repository
	content image.Content // nil when nothing was built
	more    []string      // tags that move
}

// BuiltChart is one chart.
type BuiltChart struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion,omitempty"`
	Repository string `json:"repository,omitempty"`
	// Digest is that of the manifest in a registry, else of the archive.
	Digest string `json:"digest,omitempty"`
	// Stamped are the values that images were written to.
	Stamped []string `json:"stamped,omitempty"`
	State   State    `json:"state"`

	packed chart.Packed
}

// result is what is known before anything is built.
func (p *Plan) result() *Result {
	r := &Result{
		Version: p.Version, Commit: p.Commit.Hash, Branch: p.Commit.Branch, Repository: p.Commit.Repository,
		Time: p.Commit.Time, Dirty: p.Commit.Dirty, Images: []BuiltImage{}, Charts: []BuiltChart{},
	}
	if p.Commit.Hash == "" {
		r.Time = time.Time{}
	}
	return r
}

// Preview is the result of a plan that is not carried out.
func (p *Plan) Preview() *Result {
	r := p.result()
	for _, i := range p.Images {
		r.Images = append(r.Images, i.before(p))
	}
	for _, c := range p.Charts {
		r.Charts = append(r.Charts, BuiltChart{Name: c.Name, Version: p.Version, AppVersion: p.Version, Repository: c.Repository, State: Planned})
	}
	return r
}

// Locks are the locks of the images that have a digest and a place.
func (r *Result) Locks() []imagelock.Lock {
	locks := []imagelock.Lock{}
	for _, i := range r.Images {
		if i.Reference == "" {
			continue
		}
		l := imagelock.Lock{Image: i.Image, NewImage: i.Reference}
		if l.Image == "" {
			l.Image, l.Repo = i.Repository, true
		}
		if i.path != "" {
			l.Origins = append(l.Origins, map[string]any{"local": map[string]any{"path": i.path}})
		}
		source := map[string]any{}
		for key, text := range map[string]string{"remoteURL": r.Repository, "sha": r.Commit} {
			if text != "" {
				source[key] = text
			}
		}
		if len(source) > 0 {
			source["dirty"] = r.Dirty
			l.Origins = append(l.Origins, map[string]any{"git": source})
		}
		if i.Tag != "" {
			l.Origins = append(l.Origins, map[string]any{"resolved": map[string]any{"tag": i.Tag, "url": i.Repository + ":" + i.Tag}})
		}
		locks = append(locks, l)
	}
	return locks
}

// EncodeLock writes the locks in a form. Those of before that are for other
// images stay when keep is set: only some of the images were built.
func (r *Result) EncodeLock(format imagelock.Format, before []imagelock.Lock, keep bool) ([]byte, error) {
	locks := r.Locks()
	if keep {
		locks = append(locks, others(before, locks)...)
	}
	switch format {
	case imagelock.FormatKbld:
		for i := range locks {
			locks[i].Origins = nil // as kbld --lock-output writes it
		}
		return imagelock.EncodeKbld(locks, nil)
	case imagelock.FormatImgpkg:
		for i, l := range locks {
			if l.Repo {
				// An ImagesLock names single references.
				locks[i].Image, locks[i].Repo = l.Image+":"+l.Tag(), false
			}
		}
		return imagelock.EncodeImgpkg(locks, true)
	}
	for i, l := range locks {
		locks[i].Origins = withPath(l.Origins)
	}
	return imagelock.EncodeTug(locks, "", "")
}

// withPath puts the path into the source, where tug's form has it.
func withPath(origins []map[string]any) []map[string]any {
	var at any
	for _, o := range origins {
		if local, ok := o["local"].(map[string]any); ok {
			at = local["path"]
		}
	}
	out := make([]map[string]any, 0, len(origins))
	for _, o := range origins {
		if source, ok := o["git"].(map[string]any); ok && at != nil {
			source = maps.Clone(source)
			source["path"] = at
			o = map[string]any{"git": source}
		}
		out = append(out, o)
	}
	return out
}

func others(before, now []imagelock.Lock) []imagelock.Lock {
	mine := map[string]bool{}
	for _, l := range now {
		mine[l.Image] = true
	}
	var list []imagelock.Lock
	for _, l := range before {
		if !mine[l.Image] {
			list = append(list, l)
		}
	}
	return list
}
