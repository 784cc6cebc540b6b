package check

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/workload"
	"github.com/tugops/tug/internal/fault"
)

// nearest is the known word that was probably meant, or "".
func nearest(word string, known []string) string {
	for _, near := range fault.Nearest(word, known, 1) {
		return near
	}
	return ""
}

// services looks at what an API server demands of Services.
func (l *look) services(context.Context) error {
	for _, s := range l.set.Services {
		l.serviceShape(s)
		names := map[string]bool{}
		for i := range s.Typed.Spec.Ports {
			l.servicePort(s, i, names)
		}
	}
	return nil
}

func (l *look) serviceShape(s *workload.Of[corev1.Service]) {
	spec := s.Typed.Spec
	at := problem.Path{"spec"}
	headless := spec.ClusterIP == corev1.ClusterIPNone
	switch {
	case spec.Type == corev1.ServiceTypeExternalName && spec.ExternalName == "":
		l.report(s.Object, problem.New(RuleField, at.At("externalName"), "a Service of type ExternalName has no externalName").WithHint("name the host it stands for"))
	case spec.Type == corev1.ServiceTypeExternalName:
	case len(spec.Ports) == 0 && !headless:
		l.report(s.Object, problem.New(RuleField, at.At("ports"), "the Service has no ports").WithHint("add one, or make it headless with clusterIP: None"))
	case headless && (spec.Type == corev1.ServiceTypeNodePort || spec.Type == corev1.ServiceTypeLoadBalancer):
		l.report(s.Object, problem.New(RuleField, at.At("clusterIP"), "a Service of type %s cannot be headless", spec.Type).WithHint("remove clusterIP: None, or make the type ClusterIP"))
	}
}

func (l *look) servicePort(s *workload.Of[corev1.Service], i int, names map[string]bool) {
	p := s.Typed.Spec.Ports[i]
	at := problem.Path{"spec", "ports", i}
	if texts := validation.IsValidPortNum(int(p.Port)); len(texts) > 0 {
		l.report(s.Object, problem.New(RuleField, at.At("port"), "port %d: %s", p.Port, texts[0]))
	}
	switch {
	case p.Name == "" && len(s.Typed.Spec.Ports) > 1:
		l.report(s.Object, problem.New(RuleField, at, "a Service with several ports needs a name for each").WithHint("name this port"))
	case p.Name != "" && names[p.Name]:
		l.report(s.Object, problem.New(RuleDuplicateName, at.At("name"), "the Service has two ports %q", p.Name).WithHint("rename one of them"))
	case p.Name != "":
		if texts := validation.IsDNS1123Label(p.Name); len(texts) > 0 {
			l.report(s.Object, problem.New(RuleField, at.At("name"), "port name %q: %s", p.Name, trim(texts)[0]))
		}
	}
	names[p.Name] = true
	l.nodePort(s, at.At("nodePort"), p)
	l.targetPort(s, at.At("targetPort"), p)
}

// nodePort is one port of all nodes: no other Service may have it.
func (l *look) nodePort(s *workload.Of[corev1.Service], at problem.Path, p corev1.ServicePort) {
	if p.NodePort == 0 {
		return
	}
	if t := s.Typed.Spec.Type; t == "" || t == corev1.ServiceTypeClusterIP {
		l.report(s.Object, problem.New(RuleField, at, "a Service of type ClusterIP has a node port").WithHint("remove nodePort, or make the type NodePort"))
		return
	}
	for _, other := range l.env.all.Services {
		for _, q := range other.Typed.Spec.Ports {
			if other.Object != s.Object && q.NodePort == p.NodePort && protocol(q) == protocol(p) && other.Object.Ref().Compare(s.Object.Ref()) < 0 {
				l.report(s.Object, problem.New(RuleDuplicatePort, at, "node port %d is taken by %s (%s)", p.NodePort, other.Object.Ref(), other.Object.Source).WithHint("choose another one, or leave it to the cluster"))
			}
		}
	}
}

func protocol(p corev1.ServicePort) string {
	if p.Protocol == "" {
		return "TCP"
	}
	return string(p.Protocol)
}

// targetPort, when it is a name, must be one of the pods that are selected.
func (l *look) targetPort(s *workload.Of[corev1.Service], at problem.Path, p corev1.ServicePort) {
	if p.TargetPort.Type == intstr.Int {
		if n := int(p.TargetPort.IntVal); n != 0 && len(validation.IsValidPortNum(n)) > 0 {
			l.report(s.Object, problem.New(RuleField, at, "port %d: %s", n, validation.IsValidPortNum(n)[0]))
		}
		return
	}
	var known []string
	served := l.env.finder.Served(s)
	for _, pods := range served {
		for _, c := range pods.Containers() {
			for _, cp := range c.Ports {
				known = append(known, cp.Name)
			}
		}
	}
	if len(served) == 0 || slices.Contains(known, p.TargetPort.StrVal) {
		return
	}
	f := problem.New(RuleNoMatch, at, "the pods that the Service selects have no port %q", p.TargetPort.StrVal)
	if near := nearest(p.TargetPort.StrVal, known); near != "" {
		f = f.WithHint("did you mean %q?", near)
	} else {
		f = f.WithHint("%s", fmt.Sprintf("name the port in the pods, or use its number; named ports: %s", orNone(slices.DeleteFunc(known, func(n string) bool { return n == "" }))))
	}
	l.report(s.Object, f)
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return some(words)
}
