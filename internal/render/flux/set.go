package flux

import (
	"reflect"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// API groups and kinds of Flux that are read here.
const (
	groupKustomize  = "kustomize.toolkit.fluxcd.io"
	groupHelm       = "helm.toolkit.fluxcd.io"
	groupSource     = "source.toolkit.fluxcd.io"
	groupExtensions = "source.extensions.fluxcd.io"

	kindKustomization    = "Kustomization"
	kindHelmRelease      = "HelmRelease"
	kindHelmRepository   = "HelmRepository"
	kindHelmChart        = "HelmChart"
	kindGitRepository    = "GitRepository"
	kindOCIRepository    = "OCIRepository"
	kindBucket           = "Bucket"
	kindExternalArtifact = "ExternalArtifact"
	kindGenerator        = "ArtifactGenerator"
	kindConfigMap        = "ConfigMap"
	kindSecret           = "Secret"
)

// bootstrapName is how bootstrap calls the source and the Kustomization of a
// cluster.
const bootstrapName = "flux-system"

// set is every object that was rendered, Flux objects included, by identity.
type set struct {
	namespace string // of objects without one
	byRef     map[object.Ref]found
	scopes    scopes
}

// found is an object with the item that gave it.
type found struct {
	*object.Object
	by *item
}

func newSet(namespace string) *set {
	if namespace == "" {
		namespace = "default"
	}
	return &set{namespace: namespace, byRef: map[object.Ref]found{}, scopes: scopes{}}
}

// ref is the identity of an object with its namespace filled in.
func (s *set) ref(o *object.Object) object.Ref {
	ref := o.Ref()
	if ref.Namespace == "" {
		ref.Namespace = s.namespace
	}
	return ref
}

func (s *set) get(ref object.Ref) (found, bool) {
	f, ok := s.byRef[ref]
	return f, ok
}

// add keeps an object. Flux objects that stand twice with different content
// are a fault, since only one of them can count; new is false for those that
// were there. Whether other objects may repeat is not decided here.
func (s *set) add(it *item, o *object.Object) (isNew bool, err error) {
	ref := s.ref(o)
	before, twice := s.byRef[ref]
	if !twice {
		s.byRef[ref] = found{o, it}
		s.scopes.add(o)
		return true, nil
	}
	if !isFlux(ref.Group) || reflect.DeepEqual(before.Fields, o.Fields) {
		return false, nil
	}
	return false, fault.New(fault.Invalid, "%s %s/%s is declared twice: %s and %s", ref.Kind, ref.Namespace, ref.Name, placeOf(before.Object), placeOf(o)).
		Hint("remove or rename one of them")
}

func placeOf(o *object.Object) string {
	if text := o.Source.String(); text != "" {
		return text
	}
	return "an unknown place"
}

// isFlux reports whether an API group is one of Flux' or of its operator.
func isFlux(group string) bool {
	return strings.HasSuffix(group, ".toolkit.fluxcd.io") || group == groupExtensions || group == groupOperator || group == groupFlux1
}

const (
	groupOperator = "fluxcd.controlplane.io"
	groupFlux1    = "helm.fluxcd.io"
)
