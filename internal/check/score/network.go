package score

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/tugops/tug/internal/check/workload"
)

// networkPolicy asks for policies of both directions that select the pods.
func (r *run) networkPolicy(v *verdict, p *workload.Pods) {
	var ingress, egress bool
	for _, n := range r.set.NetworkPolicies {
		if n.Namespace != p.Namespace || !workload.Matches(&n.Typed.Spec.PodSelector, p.Template.Labels) {
			continue
		}
		types := n.Typed.Spec.PolicyTypes
		if len(types) == 0 {
			ingress, egress = true, egress || len(n.Typed.Spec.Egress) > 0
			continue
		}
		ingress = ingress || slices.Contains(types, networkingv1.PolicyTypeIngress)
		egress = egress || slices.Contains(types, networkingv1.PolicyTypeEgress)
	}
	const hint = "add a NetworkPolicy that selects these pods (your network plugin must support them)"
	switch {
	case ingress && egress:
	case egress:
		v.warning(p.Path.At("metadata", "labels"), "no NetworkPolicy limits who may talk to the pods", hint)
	case ingress:
		v.warning(p.Path.At("metadata", "labels"), "no NetworkPolicy limits whom the pods may talk to", hint)
	default:
		v.critical(p.Path.At("metadata", "labels"), "no NetworkPolicy selects the pods", hint)
	}
}

func (r *run) networkPolicies() {
	for _, n := range r.own.NetworkPolicies {
		r.check("networkpolicy-targets-pod", n.Object, nil, func(v *verdict) {
			if !r.all.Selects(n.Namespace, &n.Typed.Spec.PodSelector) {
				v.critical([]any{"spec", "podSelector"}, "the NetworkPolicy selects no pods", "compare its podSelector with the labels of the pods")
			}
		})
	}
}

// services looks at what Services select. One without a selector has its
// endpoints from elsewhere; kube-score takes it to select every pod.
func (r *run) services() {
	for _, s := range r.own.Services {
		r.check("service-targets-pod", s.Object, nil, func(v *verdict) {
			if s.Typed.Spec.Type == corev1.ServiceTypeExternalName || len(s.Typed.Spec.Selector) == 0 {
				return
			}
			if len(r.all.Served(s)) == 0 {
				v.critical([]any{"spec", "selector"}, "the Service selects no pods", "compare its selector with the labels of the pods")
			}
		})
		r.check("service-type", s.Object, nil, func(v *verdict) {
			if s.Typed.Spec.Type == corev1.ServiceTypeNodePort {
				v.warning([]any{"spec", "type"}, "the Service is of type NodePort, which opens a port on every node", "use ClusterIP behind an Ingress, or LoadBalancer")
			}
		})
	}
}

func (r *run) ingresses() {
	for _, in := range r.own.Ingresses {
		r.check("ingress-targets-service", in.Object, nil, func(v *verdict) {
			for i, rule := range in.Typed.Spec.Rules {
				if rule.HTTP == nil {
					continue
				}
				for j, path := range rule.HTTP.Paths {
					if path.Backend.Service == nil || !r.backend(in.Namespace, path.Backend.Service) {
						v.critical([]any{"spec", "rules", i, "http", "paths", j, "backend"}, backendText(path), "name a Service and port of the same namespace")
					}
				}
			}
		})
	}
}

// backend reports whether a Service has the port that is meant. kube-score takes
// a wrong number for right when the ports have no names.
func (r *run) backend(ns string, b *networkingv1.IngressServiceBackend) bool {
	return slices.ContainsFunc(r.set.Services, func(s *workload.Of[corev1.Service]) bool {
		if s.Namespace != ns || s.Typed.Name != b.Name {
			return false
		}
		return slices.ContainsFunc(s.Typed.Spec.Ports, func(p corev1.ServicePort) bool {
			if b.Port.Number > 0 {
				return p.Port == b.Port.Number
			}
			return p.Name == b.Port.Name
		})
	})
}

func backendText(path networkingv1.HTTPIngressPath) string {
	b := path.Backend.Service
	if b == nil {
		return fmt.Sprintf("path %q has no Service", path.Path)
	}
	if b.Port.Number > 0 {
		return fmt.Sprintf("no Service %q with port %d was rendered for path %q", b.Name, b.Port.Number, path.Path)
	}
	return fmt.Sprintf("no Service %q with a port named %q was rendered for path %q", b.Name, b.Port.Name, path.Path)
}
