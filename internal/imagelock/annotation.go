package imagelock

import (
	"cmp"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// annotationKbld is where kbld records the images of an object.
const annotationKbld = "kbld.k14s.io/images"

// Image is one entry of an images annotation: where a pinned image comes from.
type Image struct {
	// Origins are mappings with one key that says what kind of origin it is:
	// lock (path of the lock file), git, resolved, preresolved, local, …
	Origins []map[string]any `json:"origins,omitempty"`
	URL     string           `json:"url"`
}

// ReadAnnotation gives the images that tug recorded in an object, or else those
// that kbld did; none when there is no such annotation. Both shapes of kbld are
// read: url with origins, and the older URL with Metas.
func ReadAnnotation(o *object.Object) ([]Image, error) {
	for _, key := range []string{object.AnnotationImages, annotationKbld} {
		text := o.Annotation(key)
		if text == "" {
			continue
		}
		var entries []struct {
			Image
			Metas []map[string]any `json:"Metas"`
		}
		if err := yaml.Unmarshal([]byte(text), &entries); err != nil {
			return nil, fault.New(fault.Invalid, "annotation %s of %s: %w", key, o.Ref(), err)
		}
		images := make([]Image, 0, len(entries))
		for _, e := range entries {
			for _, meta := range e.Metas {
				e.Origins = append(e.Origins, originOf(meta))
			}
			images = append(images, e.Image)
		}
		return images, nil
	}
	return nil, nil
}

// originOf turns an entry of Metas into an origin of today: its Type becomes
// the key and the other names get their present spelling.
func originOf(meta map[string]any) map[string]any {
	kind := "unknown"
	body := map[string]any{}
	for k, v := range meta {
		switch k {
		case "Type":
			if text, ok := v.(string); ok && text != "" {
				kind = text
			}
		case "URL", "SHA":
			body[strings.ToLower(k)] = v
		default:
			body[strings.ToLower(k[:min(1, len(k))])+k[min(1, len(k)):]] = v
		}
	}
	return map[string]any{kind: body}
}

// annotate records the locks that pinned images of o. Entries of an earlier
// annotation stay when o still has their image and no lock says it anew.
func (p *pinner) annotate(o *object.Object, used []*Lock, pinned []string) error {
	entries := map[string]string{}
	old, err := ReadAnnotation(&object.Object{Fields: ownAnnotation(o), Source: o.Source})
	if err != nil {
		return err
	}
	for _, i := range old {
		if !slices.Contains(pinned, i.URL) {
			continue
		}
		if entries[i.URL], err = encodeEntry(i); err != nil {
			return err
		}
	}
	slices.SortFunc(used, compareLocks) // the walk has no order, and two locks may give one image
	for _, l := range used {
		if entries[l.NewImage], err = p.entry(l); err != nil {
			return err
		}
	}
	var text strings.Builder
	for _, image := range slices.Sorted(maps.Keys(entries)) {
		text.WriteString(entries[image])
	}
	if text.Len() > 0 {
		o.SetAnnotation(object.AnnotationImages, text.String())
	}
	return nil
}

func compareLocks(a, b *Lock) int {
	return cmp.Or(cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line))
}

// entry is the text for one lock, which many objects may use.
func (p *pinner) entry(l *Lock) (string, error) {
	if text, ok := p.entries[l]; ok {
		return text, nil
	}
	text, err := encodeEntry(Image{URL: l.NewImage, Origins: origins(l)})
	if err != nil {
		return "", fault.New(fault.Invalid, "%s: origins of %q: %w", l.Source, l.Image, err)
	}
	p.entries[l] = text
	return text, nil
}

// encodeEntry writes a list of one entry; such lists can be put together.
func encodeEntry(i Image) (string, error) {
	data, err := yaml.Marshal([]Image{i})
	return string(data), err
}

// ownAnnotation is an object that has nothing but tug's annotation of o.
func ownAnnotation(o *object.Object) map[string]any {
	return map[string]any{"metadata": map[string]any{"annotations": map[string]any{
		object.AnnotationImages: o.Annotation(object.AnnotationImages),
	}}}
}

// origins are those of the lock, made fit for a record that is the same on any
// machine, and the lock itself. The line is left out: it would change with
// every neighbour that comes and goes.
func origins(l *Lock) []map[string]any {
	var list []map[string]any
	for _, o := range l.Origins {
		if o = portable(o, ""); o != nil {
			list = append(list, o)
		}
	}
	return append(list, map[string]any{"lock": map[string]any{"path": l.Source.File}})
}

var windowsPath = regexp.MustCompile(`\A[A-Za-z]:[\\/]`)

// portable makes absolute paths of an origin relative to root, drops those that
// lie elsewhere, and credentials from its URLs; nil when nothing is left.
func portable(origin map[string]any, root string) map[string]any {
	out := map[string]any{}
	for kind, body := range origin {
		fields, ok := body.(map[string]any)
		if !ok {
			out[kind] = body
			continue
		}
		fields = maps.Clone(fields)
		if p, ok := fields["path"].(string); ok && (path.IsAbs(p) || windowsPath.MatchString(p)) {
			delete(fields, "path")
			if below, ok := belowRoot(root, p); ok {
				fields["path"] = below
			}
		}
		if u, ok := fields["remoteURL"].(string); ok {
			fields["remoteURL"] = withoutCredentials(u)
		}
		if len(fields) > 0 {
			out[kind] = fields
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// belowRoot is a path relative to root, when it lies in it.
func belowRoot(root, name string) (string, bool) {
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	switch {
	case root == "":
		return "", false
	case name == path.Clean(root):
		return ".", true
	}
	return strings.CutPrefix(name, strings.TrimSuffix(path.Clean(root), "/")+"/")
}

// withoutCredentials removes the user part of a URL; "git@host:path" has none
// that is secret.
func withoutCredentials(remote string) string {
	u, err := url.Parse(remote)
	if err != nil || u.User == nil {
		return remote
	}
	u.User = nil
	return u.String()
}
