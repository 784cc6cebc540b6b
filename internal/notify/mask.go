package notify

import (
	"slices"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

// masked is the fact without the values of s, in any of its texts. Whoever made
// it has masked it already; this is the last look. Of a Secret no value is told
// whoever reported it.
func masked(f event.Fact, s *object.Sensitive) event.Fact {
	for _, text := range []*string{
		&f.App, &f.Env, &f.Namespace, &f.Cluster, &f.By, &f.Identity, &f.Repository, &f.Ref, &f.Commit,
		&f.Subject, &f.Plan, &f.Changes, &f.Message, &f.Cause,
	} {
		*text = s.Mask(*text)
	}
	f.Objects = slices.Clone(f.Objects)
	for i := range f.Objects {
		f.Objects[i] = maskedObject(f.Objects[i], s)
	}
	return f
}

func maskedObject(t event.Touched, s *object.Sensitive) event.Touched {
	closed := t.Ref.Kind == "Secret"
	for _, text := range []*string{
		&t.Ref.Group, &t.Ref.Kind, &t.Ref.Namespace, &t.Ref.Name, &t.Action, &t.Manager, &t.Operation, &t.Subresource,
	} {
		*text = s.Mask(*text)
	}
	t.Fields = slices.Clone(t.Fields)
	for i, a := range t.Fields {
		t.Fields[i] = event.Altered{
			Path: s.Mask(a.Path), Manager: s.Mask(a.Manager),
			From: maskedValue(a.From, closed, s), To: maskedValue(a.To, closed, s),
		}
	}
	return t
}

func maskedValue(v any, closed bool, s *object.Sensitive) any {
	if closed && v != nil {
		return object.Masked
	}
	return object.MaskValue(v, s)
}
