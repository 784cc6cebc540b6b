package score

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/workload"
	"github.com/tugops/tug/internal/object"
)

func (r *run) deployments() {
	for _, d := range r.own.Deployments {
		pods := &workload.Pods{Object: d.Object, Namespace: d.Namespace, Template: d.Typed.Spec.Template}
		served, scaler := r.all.Behind(pods), r.scaler(d)
		r.check("deployment-strategy", d.Object, nil, func(v *verdict) {
			t := d.Typed.Spec.Strategy.Type
			if !served {
				v.skip()
			} else if t != "" && t != appsv1.RollingUpdateDeploymentStrategyType {
				v.warning(problem.Path{"spec", "strategy", "type"}, fmt.Sprintf("the Deployment is behind a Service and updated with %s, which interrupts it", t), "set spec.strategy.type to RollingUpdate")
			}
		})
		r.check("deployment-replicas", d.Object, nil, func(v *verdict) {
			if !served || scaler != nil && scaler.Typed.Spec.ScaleTargetRef.APIVersion == d.Object.GVK().GroupVersion().String() {
				v.skip()
			} else if n := count(d.Typed.Spec.Replicas); n < r.options.MinReplicas {
				v.warning(problem.Path{"spec", "replicas"}, fmt.Sprintf("the Deployment is behind a Service and has %d of at least %d replicas", n, r.options.MinReplicas), "set spec.replicas, or add a HorizontalPodAutoscaler")
			}
		})
		r.check("deployment-has-poddisruptionbudget", d.Object, nil, func(v *verdict) { r.budget(v, d.Namespace, d.Typed.Spec.Replicas, d.Typed.Spec.Template.Labels) })
		r.check("deployment-has-host-podantiaffinity", d.Object, nil, func(v *verdict) { antiAffinity(v, d.Typed.Spec.Replicas, d.Typed.Spec.Template) })
		r.check("deployment-targeted-by-hpa-does-not-have-replicas-configured", d.Object, nil, func(v *verdict) {
			if scaler == nil {
				v.skip()
			} else if d.Typed.Spec.Replicas != nil {
				v.critical(problem.Path{"spec", "replicas"}, fmt.Sprintf("the Deployment says how many replicas it has, and %s scales it", scaler.Object.Ref()), "remove spec.replicas: every deploy would undo the scaling")
			}
		})
		r.check("deployment-pod-selector-labels-match-template-metadata-labels", d.Object, nil, func(v *verdict) { selfSelect(v, d.Typed.Spec.Selector, d.Typed.Spec.Template.Labels) })
	}
}

func (r *run) statefulSets() {
	for _, s := range r.own.StatefulSets {
		r.check("statefulset-has-poddisruptionbudget", s.Object, nil, func(v *verdict) { r.budget(v, s.Namespace, s.Typed.Spec.Replicas, s.Typed.Spec.Template.Labels) })
		r.check("statefulset-has-host-podantiaffinity", s.Object, nil, func(v *verdict) { antiAffinity(v, s.Typed.Spec.Replicas, s.Typed.Spec.Template) })
		r.check("statefulset-has-servicename", s.Object, nil, func(v *verdict) {
			for _, svc := range r.set.Services {
				if svc.Namespace == s.Namespace && svc.Typed.Name == s.Typed.Spec.ServiceName && svc.Typed.Spec.ClusterIP == corev1.ClusterIPNone &&
					workload.MatchesMap(svc.Typed.Spec.Selector, s.Typed.Spec.Template.Labels) {
					return
				}
			}
			v.critical(problem.Path{"spec", "serviceName"}, fmt.Sprintf("no headless Service %q selects the pods", s.Typed.Spec.ServiceName), "add a Service with clusterIP: None and the labels of the pods as selector")
		})
		r.check("statefulset-pod-selector-labels-match-template-metadata-labels", s.Object, nil, func(v *verdict) { selfSelect(v, s.Typed.Spec.Selector, s.Typed.Spec.Template.Labels) })
	}
}

func count(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// scaler is the autoscaler of a Deployment, or nil.
func (r *run) scaler(d *workload.Of[appsv1.Deployment]) *workload.Of[autoscalingv2.HorizontalPodAutoscaler] {
	for _, h := range r.set.Autoscalers {
		t := h.Typed.Spec.ScaleTargetRef
		if h.Namespace == d.Namespace && strings.EqualFold(t.Kind, "Deployment") && t.Name == d.Typed.Name {
			return h
		}
	}
	return nil
}

// budget asks for a PodDisruptionBudget where there is more than one replica.
func (r *run) budget(v *verdict, ns string, replicas *int32, labels map[string]string) {
	if replicas != nil && *replicas < 2 {
		v.skip()
		return
	}
	var elsewhere []string
	for _, b := range r.set.Budgets {
		if !workload.Matches(b.Typed.Spec.Selector, labels) {
			continue
		}
		if b.Namespace == ns {
			return
		}
		elsewhere = append(elsewhere, b.Namespace)
	}
	text := "no PodDisruptionBudget selects the pods"
	if elsewhere != nil {
		text += "; one in namespace " + strings.Join(elsewhere, ", ") + " would"
	}
	v.critical(problem.Path{"spec", "template", "metadata", "labels"}, text, "add one, so that draining nodes leaves some pods running")
}

func antiAffinity(v *verdict, replicas *int32, t corev1.PodTemplateSpec) {
	if replicas != nil && *replicas < 2 {
		v.skip()
		return
	}
	if a := t.Spec.Affinity; a == nil || a.PodAntiAffinity == nil || !keepsApart(a.PodAntiAffinity, t.Labels) {
		v.warning(problem.Path{"spec", "template", "spec", "affinity"}, "all pods may end up on one node", "set a podAntiAffinity over kubernetes.io/hostname that selects the pods themselves")
	}
}

func keepsApart(a *corev1.PodAntiAffinity, labels map[string]string) bool {
	terms := append([]corev1.PodAffinityTerm(nil), a.RequiredDuringSchedulingIgnoredDuringExecution...)
	for _, p := range a.PreferredDuringSchedulingIgnoredDuringExecution {
		terms = append(terms, p.PodAffinityTerm)
	}
	for _, t := range terms {
		switch t.TopologyKey {
		case "kubernetes.io/hostname", "topology.kubernetes.io/region", "topology.kubernetes.io/zone",
			"failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone":
			if workload.Matches(t.LabelSelector, labels) {
				return true
			}
		}
	}
	return false
}

func selfSelect(v *verdict, s *metav1.LabelSelector, labels map[string]string) {
	at := problem.Path{"spec", "selector"}
	if _, err := metav1.LabelSelectorAsSelector(s); err != nil {
		v.critical(at, fmt.Sprintf("the selector is invalid: %v", err), "")
	} else if !workload.Matches(s, labels) {
		v.critical(at, "the selector does not select the pods of the template", "give spec.template.metadata.labels every label of spec.selector.matchLabels")
	}
}

func (r *run) cronJobs() {
	for _, c := range r.own.CronJobs {
		template := c.Typed.Spec.JobTemplate.Spec.Template
		r.check("cronjob-has-deadline", c.Object, nil, func(v *verdict) {
			if c.Typed.Spec.StartingDeadlineSeconds == nil {
				v.critical(problem.Path{"spec", "startingDeadlineSeconds"}, "the CronJob does not say how late it may start", "set spec.startingDeadlineSeconds, so that runs that were missed do not pile up")
			}
		})
		r.check("cronjob-restartpolicy", c.Object, nil, func(v *verdict) {
			if p := template.Spec.RestartPolicy; p != corev1.RestartPolicyNever && p != corev1.RestartPolicyOnFailure {
				v.critical(problem.Path{"spec", "jobTemplate", "spec", "template", "spec", "restartPolicy"}, fmt.Sprintf("restartPolicy of a CronJob cannot be %q", p), "set it to Never or OnFailure")
			}
		})
	}
}

func (r *run) budgets() {
	for _, b := range r.own.Budgets {
		r.check("poddisruptionbudget-has-policy", b.Object, nil, func(v *verdict) { hasPolicy(v, b.Typed.Spec) })
	}
}

func hasPolicy(v *verdict, spec policyv1.PodDisruptionBudgetSpec) {
	if spec.MinAvailable == nil && spec.MaxUnavailable == nil {
		v.critical(problem.Path{"spec"}, "the PodDisruptionBudget has neither minAvailable nor maxUnavailable", "set one of them")
	}
}

func (r *run) autoscalers() {
	for _, h := range r.own.Autoscalers {
		r.check("horizontalpodautoscaler-has-target", h.Object, nil, func(v *verdict) {
			t := h.Typed.Spec.ScaleTargetRef
			if !r.hasTarget(h.Namespace, t) {
				v.critical(problem.Path{"spec", "scaleTargetRef"}, fmt.Sprintf("there is no %s %q to scale", t.Kind, t.Name), "name an object of the same namespace, with its apiVersion")
			}
		})
		r.check("horizontalpodautoscaler-replicas", h.Object, nil, func(v *verdict) {
			if n := count(h.Typed.Spec.MinReplicas); n < r.options.MinReplicasAutoscaler {
				v.warning(problem.Path{"spec", "minReplicas"}, fmt.Sprintf("the autoscaler keeps %d of at least %d replicas", n, r.options.MinReplicasAutoscaler), "set spec.minReplicas")
			}
		})
	}
}

func (r *run) hasTarget(ns string, t autoscalingv2.CrossVersionObjectReference) bool {
	same := func(o *object.Object, objectNS string) bool {
		k := o.GVK()
		return objectNS == ns && o.Name() == t.Name && k.Kind == t.Kind && k.GroupVersion().String() == t.APIVersion
	}
	for _, o := range r.set.Objects {
		if same(o.Object, o.Namespace) {
			return true
		}
	}
	return false
}
