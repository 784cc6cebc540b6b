package flux

import (
	"fmt"
	"strconv"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// state of an item.
type state int

const (
	pending state = iota
	done
	failed
)

// item is one Kustomization or HelmRelease and what became of it. The folder
// that is rendered is an item, too: a Kustomization that may be declared
// nowhere.
type item struct {
	ref    object.Ref
	at     object.Source // where it is declared
	parent *item         // in whose objects it was found; nil for the first

	kustomization *kustomizev1.Kustomization // one of the two is set
	release       *helmv2.HelmRelease
	values        map[string]any // spec.values of a HelmRelease

	// from and folder are what a Kustomization is built from.
	from   *tree
	folder string

	state   state
	err     error
	objects []*object.Object // without Flux objects
	random  []render.RandomUse
	merged  map[string]any // values of a HelmRelease, all of them
	chart   chartRequest
	sealed  []string // what was encrypted and is left out
	warned  []string

	dependsOn []object.Ref
	group     int // of the deploy order, from 0
}

// String names an item and its place: errors begin with it.
func (it *item) String() string {
	if it.ref.Name == "" {
		return it.folder
	}
	name := fmt.Sprintf("%s %s/%s", it.ref.Kind, it.ref.Namespace, it.ref.Name)
	if at := it.at.String(); at != "" {
		name += " (" + at + ")"
	}
	return name
}

// namespace is where references without one point to.
func (it *item) namespace() string { return it.ref.Namespace }

// depth counts the items that an item stands in.
func (it *item) depth() int {
	n := 0
	for p := it.parent; p != nil; p = p.parent {
		n++
	}
	return n
}

func groupText(n int) string { return strconv.Itoa(n) }
