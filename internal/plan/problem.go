package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// problem is why one object cannot be planned.
type problem struct {
	ref object.Ref
	src object.Source
	err error
}

// problems collects what stands in the way, so that one run tells everything.
type problems struct{ list []problem }

// What a fault that stands for many objects spells out at most.
const (
	maxHints = 5
	maxShown = 20
)

func (p *problems) add(ref object.Ref, src object.Source, err error) {
	p.list = append(p.list, problem{ref, src, err})
}

// fault is nil without problems, the one problem as it is, or one fault for
// all of them, sorted by object; the gravest kind decides.
func (p *problems) fault() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b problem) int {
		return cmp.Or(rank(a.err)-rank(b.err), a.ref.Compare(b.ref), cmp.Compare(a.err.Error(), b.err.Error()))
	})
	p.list = slices.CompactFunc(p.list, func(a, b problem) bool {
		return a.ref == b.ref && a.src == b.src && a.err.Error() == b.err.Error()
	})
	first := p.list[0]
	kind := fault.KindOf(first.err)
	if len(p.list) == 1 {
		return fault.New(kind, "%w", first.wrapped())
	}
	var text strings.Builder
	out := &fault.Error{Kind: kind}
	for i, one := range p.list {
		if i < maxShown {
			text.WriteString("\n  " + one.wrapped().Error())
		}
		for _, h := range fault.HintsOf(one.err) {
			if !slices.Contains(out.Hints, h) && len(out.Hints) < maxHints {
				out.Hints = append(out.Hints, h)
			}
		}
	}
	if rest := len(p.list) - maxShown; rest > 0 {
		fmt.Fprintf(&text, "\n  and %d more", rest)
	}
	// Text only: a chain to the faults would give their hints a second time.
	out.Err = fmt.Errorf("%d problems:%s", len(p.list), text.String())
	return out
}

// wrapped puts source and object before the error. What the server says names
// the object already.
func (p problem) wrapped() error {
	err := p.err
	if !strings.HasPrefix(err.Error(), p.ref.String()+":") {
		err = fmt.Errorf("%s: %w", p.ref, err)
	}
	if p.src.File == "" {
		return err
	}
	return fmt.Errorf("%s: %w", p.src, err)
}

// rank orders kinds by gravity: what is somebody else's comes before what is
// wrong in the repository, and both before what may pass.
func rank(err error) int {
	for i, k := range []fault.Kind{
		fault.Denied, fault.Conflict, fault.Gone, fault.Invalid, fault.Immutable,
	} {
		if fault.KindOf(err) == k {
			return i
		}
	}
	return 100
}
