package score

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/tugops/tug/internal/check/workload"
)

// lowID is the first user or group ID that no host uses by itself.
const lowID = 10000

func userGroup(v *verdict, p *workload.Pods) {
	pod := p.Template.Spec.SecurityContext
	for _, c := range p.Containers() {
		if c.SecurityContext == nil && pod == nil {
			v.critical(c.Path, noContext(c), "set runAsUser and runAsGroup to IDs from 10000 on under securityContext")
			continue
		}
		user, group := ids(c.SecurityContext, pod)
		if user == nil || *user < lowID {
			v.critical(c.Path.At("securityContext", "runAsUser"), fmt.Sprintf("container %q runs with %s", c.Name, idText("user", user)),
				"set securityContext.runAsUser to 10000 or more")
		}
		if group == nil || *group < lowID {
			v.critical(c.Path.At("securityContext", "runAsGroup"), fmt.Sprintf("container %q runs with %s", c.Name, idText("group", group)),
				"set securityContext.runAsGroup to 10000 or more")
		}
	}
}

func noContext(c workload.Container) string {
	return fmt.Sprintf("container %q has no securityContext", c.Name)
}

// ids are those of a container, else those of its pod.
func ids(c *corev1.SecurityContext, pod *corev1.PodSecurityContext) (user, group *int64) {
	if c != nil {
		user, group = c.RunAsUser, c.RunAsGroup
	}
	if pod != nil && user == nil {
		user = pod.RunAsUser
	}
	if pod != nil && group == nil {
		group = pod.RunAsGroup
	}
	return user, group
}

func idText(what string, id *int64) string {
	if id == nil {
		return "the " + what + " ID of its image"
	}
	return fmt.Sprintf("%s ID %d", what, *id)
}

func privileged(v *verdict, p *workload.Pods) {
	for _, c := range p.Containers() {
		if s := c.SecurityContext; s != nil && s.Privileged != nil && *s.Privileged {
			v.critical(c.Path.At("securityContext", "privileged"), fmt.Sprintf("container %q is privileged", c.Name),
				"remove privileged: true; such a container can do on its node what root can")
		}
	}
}

func readOnly(v *verdict, p *workload.Pods) {
	for _, c := range p.Containers() {
		s := c.SecurityContext
		switch {
		case s == nil:
			v.critical(c.Path, noContext(c), "set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where files are written")
		case s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem:
			v.critical(c.Path.At("securityContext", "readOnlyRootFilesystem"), fmt.Sprintf("container %q can write to its root file system", c.Name),
				"set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where files are written")
		}
	}
}

// seccomp asks for a profile of the pod or of every container; kube-score looks
// at no init containers here.
func seccomp(v *verdict, p *workload.Pods) {
	if _, old := p.Template.Annotations["seccomp.security.alpha.kubernetes.io/defaultProfileName"]; old {
		return
	}
	if s := p.Template.Spec.SecurityContext; s != nil && s.SeccompProfile != nil {
		return
	}
	if len(p.Template.Spec.Containers) == 0 {
		v.warning(p.Spec("securityContext", "seccompProfile"), "the pod has no seccomp profile", "set securityContext.seccompProfile.type to RuntimeDefault")
	}
	for _, c := range p.Containers() {
		if s := c.SecurityContext; !c.Init && (s == nil || s.SeccompProfile == nil) {
			v.warning(c.Path.At("securityContext", "seccompProfile"), fmt.Sprintf("container %q has no seccomp profile", c.Name),
				"set securityContext.seccompProfile.type to RuntimeDefault")
		}
	}
}

// spread finds constraints that an API server refuses; the first in each pod.
func spread(v *verdict, p *workload.Pods) {
	for i, s := range p.Template.Spec.TopologySpreadConstraints {
		at := p.Spec("topologySpreadConstraints", i)
		switch {
		case s.LabelSelector == nil:
			v.critical(at.At("labelSelector"), "a topology spread constraint has no labelSelector", "select the pods that are to be spread")
		case s.MaxSkew == 0:
			v.critical(at.At("maxSkew"), "maxSkew of a topology spread constraint is 0", "set it to 1 or more")
		case s.MinDomains != nil && *s.MinDomains == 0:
			v.critical(at.At("minDomains"), "minDomains of a topology spread constraint is 0", "set it to 1 or more, or leave it out")
		case s.TopologyKey == "":
			v.critical(at.At("topologyKey"), "a topology spread constraint has no topologyKey", "set it to a label of nodes: topology.kubernetes.io/zone")
		case s.WhenUnsatisfiable != corev1.DoNotSchedule && s.WhenUnsatisfiable != corev1.ScheduleAnyway:
			v.critical(at.At("whenUnsatisfiable"), fmt.Sprintf("whenUnsatisfiable cannot be %q", s.WhenUnsatisfiable), "it is DoNotSchedule or ScheduleAnyway")
		default:
			continue
		}
		return
	}
}
