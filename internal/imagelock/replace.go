package imagelock

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// replacer writes resolved images into the objects of a stream.
type replacer struct {
	rules   []Rule
	images  map[string]*Resolved
	entries map[*Resolved]string // of the annotation, made once
}

func (r *replacer) object(o *object.Object, annotate bool) (*object.Object, error) {
	var used []*Resolved
	s := searcher{rules: r.rules, visit: func(ref reference) (string, bool) {
		image := r.images[ref.image]
		if image == nil {
			return "", false
		}
		used = append(used, image)
		return image.NewImage, true
	}}
	fields, changed := s.value(o.Fields)
	out := o
	if changed {
		out = &object.Object{Fields: fields.(map[string]any), Source: o.Source}
	}
	if !annotate {
		return out, nil
	}
	text, err := r.annotation(used)
	if err != nil || text == "" {
		return out, err
	}
	out = out.Copy()
	out.SetAnnotation(annotationKbld, text)
	return out, nil
}

// annotation lists the images that have origins, by URL and each once.
// References that had a digest have none, and are not worth an entry.
func (r *replacer) annotation(used []*Resolved) (string, error) {
	type entry struct{ url, text string }
	var entries []entry
	for _, image := range used {
		if len(image.Origins) == 0 {
			continue
		}
		text, ok := r.entries[image]
		if !ok {
			var err error
			if text, err = encodeEntry(Image{URL: image.NewImage, Origins: image.Origins}); err != nil {
				return "", fault.New(fault.Invalid, "origins of %q: %w", image.Image, err)
			}
			r.entries[image] = text
		}
		entries = append(entries, entry{image.NewImage, text})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.url, b.url), cmp.Compare(a.text, b.text)) })
	entries = slices.Compact(entries)
	var out strings.Builder
	for _, e := range entries {
		out.WriteString(e.text)
	}
	return out.String(), nil
}
