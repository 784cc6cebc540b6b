package score

// Checks are all checks, in kube-score's order.
//
// Three of its checks have no code here: stable-version is the rule
// api-deprecated of tug, which knows every kind; label-values is part of
// metadata-invalid; environment-variable-key-duplication is both a check here
// and what a server-side apply refuses.
func Checks() []Check {
	return []Check{
		{ID: "deployment-strategy", Target: "Deployment", Title: "A Deployment behind a Service is updated step by step"},
		{ID: "deployment-replicas", Target: "Deployment", Title: "A Deployment behind a Service has more than one replica"},
		{ID: "ingress-targets-service", Target: "Ingress", Title: "The backends of an Ingress are Services and ports that exist"},
		{ID: "cronjob-has-deadline", Target: "CronJob", Title: "A CronJob says how late it may start", Mild: true},
		{ID: "cronjob-restartpolicy", Target: "CronJob", Title: "The pods of a CronJob have a valid restart policy", Refused: true},
		{ID: "container-resources", Target: "Pod", Title: "Containers have requests and limits of CPU and memory"},
		{ID: "container-resource-requests-equal-limits", Target: "Pod", Title: "Requests of CPU and memory equal the limits", Optional: true},
		{ID: "container-cpu-requests-equal-limits", Target: "Pod", Title: "Requests of CPU equal the limits", Optional: true},
		{ID: "container-memory-requests-equal-limits", Target: "Pod", Title: "Requests of memory equal the limits", Optional: true},
		{ID: "container-image-tag", Target: "Pod", Title: "Images have a tag that is not latest"},
		{ID: "container-image-pull-policy", Target: "Pod", Title: "Images are pulled always, so that pull secrets are checked", Mild: true},
		{ID: "container-ephemeral-storage-request-and-limit", Target: "Pod", Title: "Containers have requests and limits of ephemeral storage", Mild: true},
		{ID: "container-ephemeral-storage-request-equals-limit", Target: "Pod", Title: "Requests of ephemeral storage equal the limits", Optional: true},
		{ID: "container-ports-check", Target: "Pod", Title: "Container ports have numbers, and short names that are unique", Optional: true},
		{ID: "environment-variable-key-duplication", Target: "Pod", Title: "No environment variable is there twice", Refused: true},
		{ID: "statefulset-has-poddisruptionbudget", Target: "StatefulSet", Title: "A StatefulSet has a PodDisruptionBudget"},
		{ID: "deployment-has-poddisruptionbudget", Target: "Deployment", Title: "A Deployment has a PodDisruptionBudget"},
		{ID: "poddisruptionbudget-has-policy", Target: "PodDisruptionBudget", Title: "A PodDisruptionBudget says how many pods may be missing"},
		{ID: "pod-networkpolicy", Target: "Pod", Title: "Pods have NetworkPolicies for both directions"},
		{ID: "networkpolicy-targets-pod", Target: "NetworkPolicy", Title: "A NetworkPolicy selects pods that exist"},
		{ID: "pod-probes", Target: "Pod", Title: "Pods behind a Service have a readiness probe"},
		{ID: "pod-probes-identical", Target: "Pod", Title: "Readiness and liveness probes differ"},
		{ID: "container-security-context-user-group-id", Target: "Pod", Title: "Containers run with high user and group IDs"},
		{ID: "container-security-context-privileged", Target: "Pod", Title: "No container is privileged"},
		{ID: "container-security-context-readonlyrootfilesystem", Target: "Pod", Title: "The root file system of containers is read-only"},
		{ID: "container-seccomp-profile", Target: "Pod", Title: "Pods have a seccomp profile", Optional: true},
		{ID: "service-targets-pod", Target: "Service", Title: "A Service selects pods that exist"},
		{ID: "service-type", Target: "Service", Title: "No Service is of type NodePort"},
		{ID: "stable-version", Target: "all", Title: "Objects use the stable version of their API"},
		{ID: "deployment-has-host-podantiaffinity", Target: "Deployment", Title: "The pods of a Deployment keep away from each other", Mild: true},
		{ID: "statefulset-has-host-podantiaffinity", Target: "StatefulSet", Title: "The pods of a StatefulSet keep away from each other", Mild: true},
		{ID: "deployment-targeted-by-hpa-does-not-have-replicas-configured", Target: "Deployment", Title: "A Deployment that is scaled by itself does not say how many replicas it has"},
		{ID: "statefulset-has-servicename", Target: "StatefulSet", Title: "A StatefulSet has a headless Service"},
		{ID: "deployment-pod-selector-labels-match-template-metadata-labels", Target: "Deployment", Title: "A Deployment selects its own pods", Refused: true},
		{ID: "statefulset-pod-selector-labels-match-template-metadata-labels", Target: "StatefulSet", Title: "A StatefulSet selects its own pods", Refused: true},
		{ID: "label-values", Target: "all", Title: "Values of labels are valid", Refused: true},
		{ID: "horizontalpodautoscaler-has-target", Target: "HorizontalPodAutoscaler", Title: "An autoscaler scales something that exists"},
		{ID: "horizontalpodautoscaler-replicas", Target: "HorizontalPodAutoscaler", Title: "An autoscaler keeps more than one replica"},
		{ID: "pod-topology-spread-constraints", Target: "Pod", Title: "Topology spread constraints are complete", Refused: true},
	}
}
