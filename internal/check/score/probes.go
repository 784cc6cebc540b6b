package score

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/tugops/tug/internal/check/workload"
)

// runsOnce are kinds whose pods serve nobody.
func runsOnce(p *workload.Pods) bool {
	k := p.Object.GVK()
	return k.Group == "batch" && (k.Kind == "Job" || k.Kind == "CronJob")
}

// probes asks for a readiness probe of one container of pods behind a Service.
func (r *run) probes(v *verdict, p *workload.Pods) {
	switch {
	case runsOnce(p):
		return
	case !r.all.Behind(p):
		v.skip()
		return
	}
	for _, c := range p.Containers() {
		if c.ReadinessProbe != nil {
			return
		}
	}
	v.critical(p.Spec("containers"), "no container has a readinessProbe, but a Service sends traffic to the pods",
		"add a readinessProbe, so that a pod gets traffic only once it can serve it")
}

func (r *run) probesIdentical(v *verdict, p *workload.Pods) {
	if runsOnce(p) {
		return
	}
	for _, c := range p.Containers() {
		if c.ReadinessProbe != nil && c.LivenessProbe != nil && identical(c.ReadinessProbe, c.LivenessProbe) {
			v.critical(c.Path.At("livenessProbe"), fmt.Sprintf("readiness and liveness probe of container %q are the same", c.Name),
				"let the liveness probe ask only whether the process hangs, or remove it")
			return
		}
	}
}

// identical compares what probes do, not how often.
func identical(a, b *corev1.Probe) bool {
	switch {
	case a.HTTPGet != nil && b.HTTPGet != nil:
		return a.HTTPGet.Path == b.HTTPGet.Path && a.HTTPGet.Port.IntValue() == b.HTTPGet.Port.IntValue()
	case a.TCPSocket != nil && b.TCPSocket != nil:
		return a.TCPSocket.Port == b.TCPSocket.Port
	case a.Exec != nil && b.Exec != nil:
		return slices.Equal(a.Exec.Command, b.Exec.Command)
	}
	return false
}
