package plan

import (
	"cmp"
	"strconv"

	"github.com/tugops/tug/internal/object"
)

// maxGroup bounds the number of a group.
const maxGroup = 100_000

// GroupOf is the group of an object in the order of a deploy
// (object.AnnotationGroup): 0 unless a number above it is written there.
// Namespaces and definitions are always of the first, since others may need
// them and they need nobody.
func GroupOf(o *object.Object) int {
	n, err := strconv.Atoi(o.Annotation(object.AnnotationGroup))
	if err != nil || n < 0 || n > maxGroup || StageOf(o.GVK().GroupKind()) == StageDefinitions {
		return 0
	}
	return n
}

// CompareOrder compares when two changes are executed: by group, stage and
// wave, and deletions after everything else. Equal ones run in parallel.
func CompareOrder(a, b Change) int {
	return cmp.Or(
		cmp.Compare(a.last(), b.last()),
		cmp.Compare(a.Group, b.Group), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Wave, b.Wave),
	)
}

// last is 1 for what comes after all groups.
func (c Change) last() int {
	if c.Stage >= StagePrune {
		return 1
	}
	return 0
}
