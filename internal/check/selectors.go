package check

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/workload"
	"github.com/tugops/tug/internal/object"
)

// selectors looks for selectors and targets that find nothing. Those of
// Services, NetworkPolicies, autoscalers and Ingresses are checks of
// kube-score.
func (l *look) selectors(context.Context) error {
	for _, d := range l.set.DaemonSets {
		l.selfSelect(d.Object, d.Typed.Spec.Selector, d.Typed.Spec.Template.Labels)
	}
	for _, r := range l.set.ReplicaSets {
		l.selfSelect(r.Object, r.Typed.Spec.Selector, r.Typed.Spec.Template.Labels)
	}
	for _, b := range l.set.Budgets {
		if !l.env.finder.Selects(b.Namespace, b.Typed.Spec.Selector) {
			l.report(b.Object, l.absent(problem.New(RuleNoMatch, problem.Path{"spec", "selector"}, "the PodDisruptionBudget selects no pods").
				WithHint("compare its selector with the labels of the pods")))
		}
	}
	for _, placed := range l.set.Objects {
		l.custom(placed)
	}
	return nil
}

func (l *look) selfSelect(o *object.Object, s *metav1.LabelSelector, labels map[string]string) {
	if s != nil && !workload.Matches(s, labels) {
		l.report(o, problem.New(RuleSelector, problem.Path{"spec", "selector"}, "the selector does not select the pods of the template").
			WithHint("give spec.template.metadata.labels every label of spec.selector.matchLabels"))
	}
}

// absent softens a problem about something that is not there, when apps of the
// environment were left out: it may be in one of them.
func (l *look) absent(p problem.Problem) problem.Problem {
	if !l.in.All {
		p = p.As(problem.Info)
	}
	return p
}

// custom looks at well-known custom resources that select or target.
func (l *look) custom(placed workload.Placed) {
	o := placed.Object
	k := o.GVK()
	switch k.Group + "/" + k.Kind {
	case "monitoring.coreos.com/ServiceMonitor":
		l.serviceMonitor(placed)
	case "monitoring.coreos.com/PodMonitor":
		selector, namespaces := monitorSelector(o), monitored(o, placed.Namespace)
		for _, p := range l.env.all.Pods {
			if within(namespaces, p.Namespace) && workload.Matches(selector, p.Template.Labels) {
				return
			}
		}
		l.report(o, l.absent(problem.New(RuleNoMatch, problem.Path{"spec", "selector"}, "the PodMonitor selects no pods").WithHint("compare its selector with the labels of the pods")))
	case "autoscaling.k8s.io/VerticalPodAutoscaler":
		l.target(placed, problem.Path{"spec", "targetRef"})
	case "keda.sh/ScaledObject":
		l.target(placed, problem.Path{"spec", "scaleTargetRef"})
	}
}

func (l *look) serviceMonitor(placed workload.Placed) {
	o := placed.Object
	selector, namespaces := monitorSelector(o), monitored(o, placed.Namespace)
	for _, s := range l.env.all.Services {
		if within(namespaces, s.Namespace) && workload.Matches(selector, s.Typed.Labels) {
			return
		}
	}
	l.report(o, l.absent(problem.New(RuleNoMatch, problem.Path{"spec", "selector"}, "the ServiceMonitor selects no Services").
		WithHint("compare its selector with the labels of the Services (not of the pods)")))
}

// monitorSelector is spec.selector; one that cannot be read selects nothing.
func monitorSelector(o *object.Object) *metav1.LabelSelector {
	v, _ := problem.Path{"spec", "selector"}.Get(o.Fields)
	m, _ := v.(map[string]any)
	var s metav1.LabelSelector
	if m == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(m, &s) != nil {
		return nil
	}
	return &s
}

// monitored are the namespaces of a monitor; nil for all.
func monitored(o *object.Object, own string) []string {
	v, ok := problem.Path{"spec", "namespaceSelector"}.Get(o.Fields)
	m, _ := v.(map[string]any)
	if !ok || len(m) == 0 {
		return []string{own}
	}
	if any, _ := m["any"].(bool); any {
		return nil
	}
	list, _ := m["matchNames"].([]any)
	namespaces := []string{}
	for _, n := range list {
		if s, ok := n.(string); ok {
			namespaces = append(namespaces, s)
		}
	}
	return namespaces
}

func within(namespaces []string, ns string) bool {
	return namespaces == nil || slices.Contains(namespaces, ns)
}

// target looks for the object that a reference of kind and name means.
func (l *look) target(placed workload.Placed, at problem.Path) {
	v, _ := at.Get(placed.Object.Fields)
	m, _ := v.(map[string]any)
	kind, _ := m["kind"].(string)
	name, _ := m["name"].(string)
	if kind == "" {
		kind = "Deployment"
	}
	if name == "" {
		return
	}
	for ref := range l.env.objects {
		if ref.Kind == kind && ref.Name == name && ref.Namespace == placed.Namespace {
			return
		}
	}
	l.report(placed.Object, l.absent(problem.New(RuleNoMatch, at, "there is no %s %q to scale", kind, name).WithHint("name an object of the same namespace")))
}
