// Package workload reads the typed part of objects: what runs pods, and what
// selects, limits or scales them. Checks look at these instead of maps.
package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/object"
)

// Of is an object together with its typed form. Namespace is the one it will
// live in: its own, or that of its app.
type Of[T any] struct {
	Object    *object.Object
	Namespace string
	Typed     T
}

// Pods is anything that runs pods: a Pod or an object with a template.
type Pods struct {
	Object    *object.Object
	Namespace string
	// Template holds labels, annotations and the spec; Path leads to it. For a
	// Pod it is the Pod itself, and Path is empty.
	Template corev1.PodTemplateSpec
	Path     problem.Path
}

// Spec is the path to the spec of the pods.
func (p *Pods) Spec(steps ...any) problem.Path {
	return p.Path.At("spec").At(steps...)
}

// Container is a container with the path to it.
type Container struct {
	corev1.Container
	Path problem.Path
	Init bool
}

// Containers are the init containers and then the others.
func (p *Pods) Containers() []Container {
	var all []Container
	for i, c := range p.Template.Spec.InitContainers {
		all = append(all, Container{c, p.Spec("initContainers", i), true})
	}
	for i, c := range p.Template.Spec.Containers {
		all = append(all, Container{c, p.Spec("containers", i), false})
	}
	return all
}

// Placed is an object of any kind and the namespace it will live in.
type Placed struct {
	Object    *object.Object
	Namespace string
}

// Set is everything typed in some objects, in their order.
type Set struct {
	// Objects are all of them, of any kind.
	Objects         []Placed
	Pods            []*Pods
	Deployments     []*Of[appsv1.Deployment]
	StatefulSets    []*Of[appsv1.StatefulSet]
	DaemonSets      []*Of[appsv1.DaemonSet]
	ReplicaSets     []*Of[appsv1.ReplicaSet]
	CronJobs        []*Of[batchv1.CronJob]
	Jobs            []*Of[batchv1.Job]
	Services        []*Of[corev1.Service]
	NetworkPolicies []*Of[networkingv1.NetworkPolicy]
	Ingresses       []*Of[networkingv1.Ingress]
	Budgets         []*Of[policyv1.PodDisruptionBudget]
	Autoscalers     []*Of[autoscalingv2.HorizontalPodAutoscaler]
	// Unreadable are objects of these kinds that do not fit their types; their
	// schemas say why.
	Unreadable []*object.Object
}

// Read sorts objects by type. Objects without a namespace get the given one.
func Read(objects []*object.Object, namespace string) *Set {
	s := &Set{}
	for _, o := range objects {
		ns := o.Namespace()
		if ns == "" {
			ns = namespace
		}
		s.Objects = append(s.Objects, Placed{o, ns})
		if !s.read(o, ns) {
			s.Unreadable = append(s.Unreadable, o)
		}
	}
	return s
}

// Join puts sets together.
func Join(sets ...*Set) *Set {
	all := &Set{}
	for _, s := range sets {
		all.Objects = append(all.Objects, s.Objects...)
		all.Pods = append(all.Pods, s.Pods...)
		all.Deployments = append(all.Deployments, s.Deployments...)
		all.StatefulSets = append(all.StatefulSets, s.StatefulSets...)
		all.DaemonSets = append(all.DaemonSets, s.DaemonSets...)
		all.ReplicaSets = append(all.ReplicaSets, s.ReplicaSets...)
		all.CronJobs = append(all.CronJobs, s.CronJobs...)
		all.Jobs = append(all.Jobs, s.Jobs...)
		all.Services = append(all.Services, s.Services...)
		all.NetworkPolicies = append(all.NetworkPolicies, s.NetworkPolicies...)
		all.Ingresses = append(all.Ingresses, s.Ingresses...)
		all.Budgets = append(all.Budgets, s.Budgets...)
		all.Autoscalers = append(all.Autoscalers, s.Autoscalers...)
		all.Unreadable = append(all.Unreadable, s.Unreadable...)
	}
	return all
}

// read types one object by its kind; versions that are gone read like the one
// that replaced them, as far as their fields agree.
func (s *Set) read(o *object.Object, ns string) bool {
	gvk := o.GVK()
	switch gvk.Group + "/" + gvk.Kind {
	case "/Pod":
		return typed(o, ns, func(p *Of[corev1.Pod]) {
			s.pods(o, ns, corev1.PodTemplateSpec{ObjectMeta: p.Typed.ObjectMeta, Spec: p.Typed.Spec})
		})
	case "apps/Deployment", "extensions/Deployment":
		return typed(o, ns, func(d *Of[appsv1.Deployment]) {
			if gvk.Version == "v1" {
				s.Deployments = append(s.Deployments, d)
			}
			s.pods(o, ns, d.Typed.Spec.Template, "spec", "template")
		})
	case "apps/StatefulSet":
		return typed(o, ns, func(d *Of[appsv1.StatefulSet]) {
			if gvk.Version == "v1" {
				s.StatefulSets = append(s.StatefulSets, d)
			}
			s.pods(o, ns, d.Typed.Spec.Template, "spec", "template")
		})
	case "apps/DaemonSet", "extensions/DaemonSet":
		return typed(o, ns, func(d *Of[appsv1.DaemonSet]) {
			s.DaemonSets = append(s.DaemonSets, d)
			s.pods(o, ns, d.Typed.Spec.Template, "spec", "template")
		})
	case "apps/ReplicaSet":
		return typed(o, ns, func(d *Of[appsv1.ReplicaSet]) {
			s.ReplicaSets = append(s.ReplicaSets, d)
			s.pods(o, ns, d.Typed.Spec.Template, "spec", "template")
		})
	case "batch/Job":
		return typed(o, ns, func(j *Of[batchv1.Job]) {
			s.Jobs = append(s.Jobs, j)
			s.pods(o, ns, j.Typed.Spec.Template, "spec", "template")
		})
	case "batch/CronJob":
		return typed(o, ns, func(c *Of[batchv1.CronJob]) {
			s.CronJobs = append(s.CronJobs, c)
			s.pods(o, ns, c.Typed.Spec.JobTemplate.Spec.Template, "spec", "jobTemplate", "spec", "template")
		})
	}
	return s.readOther(o, ns)
}

// readOther types what runs no pods.
func (s *Set) readOther(o *object.Object, ns string) bool {
	gvk := o.GVK()
	switch gvk.Group + "/" + gvk.Kind {
	case "/Service":
		return typed(o, ns, func(v *Of[corev1.Service]) { s.Services = append(s.Services, v) })
	case "networking.k8s.io/NetworkPolicy":
		return typed(o, ns, func(v *Of[networkingv1.NetworkPolicy]) { s.NetworkPolicies = append(s.NetworkPolicies, v) })
	case "networking.k8s.io/Ingress":
		if gvk.Version != "v1" {
			return true
		}
		return typed(o, ns, func(v *Of[networkingv1.Ingress]) { s.Ingresses = append(s.Ingresses, v) })
	case "policy/PodDisruptionBudget":
		return typed(o, ns, func(v *Of[policyv1.PodDisruptionBudget]) { s.Budgets = append(s.Budgets, v) })
	case "autoscaling/HorizontalPodAutoscaler":
		return typed(o, ns, func(v *Of[autoscalingv2.HorizontalPodAutoscaler]) { s.Autoscalers = append(s.Autoscalers, v) })
	}
	return true
}

func (s *Set) pods(o *object.Object, ns string, t corev1.PodTemplateSpec, path ...any) {
	s.Pods = append(s.Pods, &Pods{Object: o, Namespace: ns, Template: t, Path: path})
}

// typed decodes an object and hands it on; false when it does not fit. Keys
// are case-sensitive, as they are for an API server.
func typed[T any](o *object.Object, ns string, take func(*Of[T])) bool {
	data, err := json.Marshal(o.Fields)
	if err != nil {
		return false
	}
	of := &Of[T]{Object: o, Namespace: ns}
	if err := json.Unmarshal(data, &of.Typed); err != nil {
		return false
	}
	take(of)
	return true
}

// Matches reports whether a selector chooses labels. A selector that is not
// there chooses nothing, an empty one everything; an invalid one nothing.
func Matches(s *metav1.LabelSelector, labels map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(mapLabels(labels))
}

// MatchesMap is Matches for the selector of a Service: an empty one chooses
// nothing.
func MatchesMap(selector, labels map[string]string) bool {
	if len(selector) == 0 {
		return false
	}
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// mapLabels is a map as the interface that selectors look at.
type mapLabels map[string]string

func (l mapLabels) Has(key string) bool   { _, ok := l[key]; return ok }
func (l mapLabels) Get(key string) string { return l[key] }
func (l mapLabels) Lookup(key string) (string, bool) {
	v, ok := l[key]
	return v, ok
}
