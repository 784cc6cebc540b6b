package score

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/tugops/tug/internal/check/workload"
)

func (r *run) pods() {
	for _, p := range r.own.Pods {
		checks := map[string]func(*verdict, *workload.Pods){
			"container-resources":                               r.resources,
			"container-resource-requests-equal-limits":          equal(corev1.ResourceCPU, corev1.ResourceMemory),
			"container-cpu-requests-equal-limits":               equal(corev1.ResourceCPU),
			"container-memory-requests-equal-limits":            equal(corev1.ResourceMemory),
			"container-image-tag":                               imageTag,
			"container-image-pull-policy":                       pullPolicy,
			"container-ephemeral-storage-request-and-limit":     storage,
			"container-ephemeral-storage-request-equals-limit":  storageEqual,
			"container-ports-check":                             ports,
			"environment-variable-key-duplication":              environment,
			"pod-networkpolicy":                                 r.networkPolicy,
			"pod-probes":                                        r.probes,
			"pod-probes-identical":                              r.probesIdentical,
			"container-security-context-user-group-id":          userGroup,
			"container-security-context-privileged":             privileged,
			"container-security-context-readonlyrootfilesystem": readOnly,
			"container-seccomp-profile":                         seccomp,
			"pod-topology-spread-constraints":                   spread,
		}
		for _, c := range Checks() {
			if look := checks[c.ID]; look != nil {
				r.check(c.ID, p.Object, p.Template.Annotations, func(v *verdict) { look(v, p) })
			}
		}
	}
}

func (r *run) resources(v *verdict, p *workload.Pods) {
	all := p.Containers()
	if len(all) == 0 {
		v.critical(p.Spec("containers"), "there are no containers", "")
	}
	var limits, requests []string
	if !r.options.NoCPULimit {
		limits = append(limits, "cpu")
	}
	if !r.options.NoMemoryLimit {
		limits = append(limits, "memory")
	}
	requests = []string{"cpu", "memory"}
	for _, c := range all {
		limited(v, c, limits, requests)
	}
}

// limited finds what is missing of the resources of a container: a missing
// limit is critical, a missing request a warning.
func limited(v *verdict, c workload.Container, limits, requests []string) {
	var missing []string
	grade := OK
	for _, name := range requests {
		if zero(c.Resources.Requests, name) {
			missing, grade = append(missing, "requests."+name), Warning
		}
	}
	for _, name := range limits {
		if zero(c.Resources.Limits, name) {
			missing, grade = append(missing, "limits."+name), Critical
		}
	}
	if grade == OK {
		return
	}
	slices.Sort(missing)
	v.add(grade, c.Path.At("resources"), fmt.Sprintf("container %q has no %s", c.Name, strings.Join(missing, ", ")),
		"set them under resources: without requests a pod is placed anywhere, without limits it can starve its neighbours")
}

func zero(list corev1.ResourceList, name string) bool {
	q := list[corev1.ResourceName(name)]
	return q.IsZero()
}

func equal(names ...corev1.ResourceName) func(*verdict, *workload.Pods) {
	return func(v *verdict, p *workload.Pods) {
		for _, c := range p.Containers() {
			for _, name := range names {
				request, limit := c.Resources.Requests[name], c.Resources.Limits[name]
				if !request.Equal(limit) {
					v.critical(c.Path.At("resources", "requests"), fmt.Sprintf("container %q requests %s of %s and may use %s", c.Name, text(request), name, text(limit)),
						fmt.Sprintf("set resources.requests.%s to the limit", name))
				}
			}
		}
	}
}

func text(q resource.Quantity) string {
	if q.IsZero() {
		return "none"
	}
	return q.String()
}

func storage(v *verdict, p *workload.Pods) {
	all := p.Containers()
	if len(all) == 0 {
		v.critical(p.Spec("containers"), "there are no containers", "")
	}
	for _, c := range all {
		limited(v, c, []string{"ephemeral-storage"}, []string{"ephemeral-storage"})
	}
}

func storageEqual(v *verdict, p *workload.Pods) {
	const name = corev1.ResourceEphemeralStorage
	for _, c := range p.Containers() {
		request, limit := c.Resources.Requests[name], c.Resources.Limits[name]
		if !request.IsZero() && !limit.IsZero() && !request.Equal(limit) {
			v.critical(c.Path.At("resources", "requests"), fmt.Sprintf("container %q requests %s of %s and may use %s", c.Name, text(request), name, text(limit)),
				"set both to the same value")
		}
	}
}

// tag is the tag of an image, as kube-score reads it: what follows the last
// colon, which for a digest is its hash.
func tag(image string) string {
	at := strings.LastIndexByte(image, ':')
	if at < 0 {
		return ""
	}
	return image[at+1:]
}

func floating(image string) bool { return tag(image) == "" || tag(image) == "latest" }

func imageTag(v *verdict, p *workload.Pods) {
	for _, c := range p.Containers() {
		if floating(c.Image) {
			v.critical(c.Path.At("image"), fmt.Sprintf("image %q of container %q has no fixed tag", c.Image, c.Name),
				"name a version, and lock it: tug image lock")
		}
	}
}

func pullPolicy(v *verdict, p *workload.Pods) {
	for _, c := range p.Containers() {
		byDefault := c.ImagePullPolicy == "" && floating(c.Image)
		if !byDefault && c.ImagePullPolicy != corev1.PullAlways {
			v.critical(c.Path.At("imagePullPolicy"), fmt.Sprintf("container %q does not always pull its image", c.Name),
				"set imagePullPolicy: Always, so that pull secrets are checked on every node")
		}
	}
}

func ports(v *verdict, p *workload.Pods) {
	const longest = 15
	for _, c := range p.Containers() {
		seen := map[string]bool{}
		for i, port := range c.Ports {
			at := c.Path.At("ports", i)
			if port.Name != "" && seen[port.Name] {
				v.critical(at.At("name"), fmt.Sprintf("container %q has two ports %q", c.Name, port.Name), "rename one of them")
			}
			seen[port.Name] = true
			if len(port.Name) > longest {
				v.critical(at.At("name"), fmt.Sprintf("port name %q is longer than %d characters", port.Name, longest), "shorten it")
			}
			if port.ContainerPort == 0 {
				v.critical(at.At("containerPort"), fmt.Sprintf("a port of container %q has no number", c.Name), "set containerPort")
			}
		}
	}
}

func environment(v *verdict, p *workload.Pods) {
	for _, c := range p.Containers() {
		seen := map[string]bool{}
		for i, e := range c.Env {
			if seen[e.Name] {
				v.critical(c.Path.At("env", i), fmt.Sprintf("container %q has the environment variable %q twice", c.Name, e.Name), "remove one of them; the last would win, or the apply fail")
			}
			seen[e.Name] = true
		}
	}
}
