package main

import (
	"fmt"
	"reflect"
	"strings"

	crdv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1beta1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
)

// lifecycle is what a type of k8s.io/api says about its version: minors of
// Kubernetes 1, and what to use instead.
type lifecycle struct {
	Deprecated  int    `json:"deprecated,omitempty"`
	Removed     int    `json:"removed,omitempty"`
	Replacement string `json:"replacement,omitempty"` // "group/version/Kind"
}

// lifecycles reads the markers of all types. Kinds whose types are gone from
// the libraries are added by hand, from the deprecation guide of Kubernetes.
func lifecycles() map[string]lifecycle {
	all := map[string]lifecycle{
		"policy/v1beta1/PodSecurityPolicy":     {Deprecated: 21, Removed: 25},
		"extensions/v1beta1/PodSecurityPolicy": {Deprecated: 11, Removed: 16},
	}
	known := scheme.Scheme.AllKnownTypes()
	known[crdv1beta1.SchemeGroupVersion.WithKind("CustomResourceDefinition")] = reflect.TypeFor[crdv1beta1.CustomResourceDefinition]()
	known[apiregistrationv1beta1.SchemeGroupVersion.WithKind("APIService")] = reflect.TypeFor[apiregistrationv1beta1.APIService]()
	for gvk, typ := range known {
		if strings.HasSuffix(gvk.Kind, "List") || gvk.Version == "__internal" {
			continue
		}
		l := read(reflect.New(typ).Interface())
		if l != (lifecycle{}) {
			all[key(gvk)] = l
		}
	}
	return all
}

func read(object any) lifecycle {
	var l lifecycle
	if o, ok := object.(interface{ APILifecycleDeprecated() (int, int) }); ok {
		_, l.Deprecated = o.APILifecycleDeprecated()
	}
	if o, ok := object.(interface{ APILifecycleRemoved() (int, int) }); ok {
		_, l.Removed = o.APILifecycleRemoved()
	}
	if o, ok := object.(interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}); ok {
		l.Replacement = key(o.APILifecycleReplacement())
	}
	return l
}

func key(k schema.GroupVersionKind) string {
	return fmt.Sprintf("%s/%s/%s", k.Group, k.Version, k.Kind)
}
