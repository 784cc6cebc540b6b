package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/workload"
)

// pods looks at what an API server demands of pods beyond their schema.
func (l *look) pods(context.Context) error {
	for _, p := range l.set.Pods {
		l.containerNames(p)
		l.restartPolicy(p)
		l.volumes(p)
		taken := map[string]string{}
		for _, c := range p.Containers() {
			l.container(p, c)
			l.containerPorts(p, c, taken)
			l.mounts(p, c)
			l.quantities(p, c)
			l.probes(p, c)
		}
	}
	return nil
}

// containerNames are unique over all lists of a pod; each list by itself is the
// matter of its schema.
func (l *look) containerNames(p *workload.Pods) {
	seen := map[string]bool{}
	for _, c := range p.Containers() {
		if c.Init {
			seen[c.Name] = true
			continue
		}
		if seen[c.Name] && c.Name != "" {
			l.report(p.Object, problem.New(RuleDuplicateName, c.Path.At("name"), "a container and an init container are both called %q", c.Name).
				WithHint("rename one of them"))
		}
	}
}

func (l *look) restartPolicy(p *workload.Pods) {
	policy := p.Template.Spec.RestartPolicy
	at := p.Spec("restartPolicy")
	switch p.Object.GVK().Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		if policy != "" && policy != corev1.RestartPolicyAlways {
			l.report(p.Object, problem.New(RuleField, at, "restartPolicy of a %s cannot be %q", p.Object.GVK().Kind, policy).WithHint("leave it out: it is Always"))
		}
	case "Job":
		if policy != corev1.RestartPolicyNever && policy != corev1.RestartPolicyOnFailure {
			l.report(p.Object, problem.New(RuleField, at, "restartPolicy of a Job cannot be %q", policy).WithHint("set it to Never or OnFailure"))
		}
	}
}

func (l *look) container(p *workload.Pods, c workload.Container) {
	if texts := validation.IsDNS1123Label(c.Name); c.Name != "" && len(texts) > 0 {
		l.report(p.Object, problem.New(RuleField, c.Path.At("name"), "container name %q: %s", c.Name, trim(texts)[0]))
	}
	if strings.TrimSpace(c.Image) == "" || c.Image != strings.TrimSpace(c.Image) {
		l.report(p.Object, problem.New(RuleField, c.Path.At("image"), "image %q of container %q is not one", c.Image, c.Name).WithHint("name an image"))
	}
	for i, e := range c.Env {
		if e.Value != "" && e.ValueFrom != nil {
			l.report(p.Object, problem.New(RuleField, c.Path.At("env", i), "environment variable %q has both value and valueFrom", e.Name).WithHint("keep one of them"))
		}
		if strings.ContainsRune(e.Name, '=') {
			l.report(p.Object, problem.New(RuleField, c.Path.At("env", i, "name"), "environment variable %q: a name has no =", e.Name))
		}
	}
	sidecar := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	if c.Init && !sidecar && (c.ReadinessProbe != nil || c.LivenessProbe != nil || c.StartupProbe != nil || c.Lifecycle != nil) {
		l.report(p.Object, problem.New(RuleField, c.Path, "init container %q has probes or a lifecycle, which it cannot have", c.Name).
			WithHint("remove them, or make it a sidecar with restartPolicy: Always"))
	}
}

// containerPorts looks at the ports of a container; taken are those of the
// containers before it, which share the pod's address.
func (l *look) containerPorts(p *workload.Pods, c workload.Container, taken map[string]string) {
	names := map[string]bool{}
	for i, port := range c.Ports {
		at := c.Path.At("ports", i)
		if port.Name != "" {
			if names[port.Name] {
				l.report(p.Object, problem.New(RuleDuplicateName, at.At("name"), "container %q has two ports %q", c.Name, port.Name).WithHint("rename one of them"))
			}
			names[port.Name] = true
			if texts := validation.IsValidPortName(port.Name); len(texts) > 0 {
				l.report(p.Object, problem.New(RuleField, at.At("name"), "port name %q: %s", port.Name, texts[0]))
			}
		}
		l.portNumber(p, at.At("containerPort"), int(port.ContainerPort), false)
		l.portNumber(p, at.At("hostPort"), int(port.HostPort), true)
		protocol := string(port.Protocol)
		if protocol == "" {
			protocol = "TCP"
		}
		key := fmt.Sprintf("%d/%s", port.ContainerPort, protocol)
		if other := taken[key]; other != "" && other != c.Name && !c.Init {
			l.report(p.Object, problem.New(RuleDuplicatePort, at.At("containerPort"), "port %s is taken by container %q of the same pod", key, other).
				As(problem.Warning).WithHint("give one of them another port: containers of a pod share its address"))
		}
		if !c.Init {
			taken[key] = c.Name
		}
		if port.HostPort == 0 {
			continue
		}
		host := fmt.Sprintf("host %s %d/%s", port.HostIP, port.HostPort, protocol)
		if other := taken[host]; other != "" {
			l.report(p.Object, problem.New(RuleDuplicatePort, at.At("hostPort"), "host port %d is taken by container %q", port.HostPort, other).WithHint("give one of them another port"))
		}
		taken[host] = c.Name
	}
}

func (l *look) portNumber(p *workload.Pods, at problem.Path, n int, optional bool) {
	if n == 0 && optional {
		return
	}
	if texts := validation.IsValidPortNum(n); len(texts) > 0 {
		l.report(p.Object, problem.New(RuleField, at, "port %d: %s", n, texts[0]))
	}
}

// volumes looks at volumes that have no or several sources.
func (l *look) volumes(p *workload.Pods) {
	for i := range p.Template.Spec.Volumes {
		at := p.Spec("volumes", i)
		v, _ := at.Get(p.Object.Fields)
		m, _ := v.(map[string]any)
		var sources []string
		for key, value := range m {
			if key != "name" && value != nil {
				sources = append(sources, key)
			}
		}
		if len(sources) > 1 {
			slices.Sort(sources)
			l.report(p.Object, problem.New(RuleField, at, "volume %q is of several kinds: %s", p.Template.Spec.Volumes[i].Name, strings.Join(sources, ", ")).WithHint("keep one of them"))
		}
	}
}

// mounts compares what a container mounts with what the pod has.
func (l *look) mounts(p *workload.Pods, c workload.Container) {
	there := l.volumeNames(p)
	missing := func(at problem.Path, name string) {
		if name == "" || slices.Contains(there, name) {
			return
		}
		f := problem.New(RuleVolume, at, "container %q mounts volume %q, which the pod does not have", c.Name, name)
		if near := nearest(name, there); near != "" {
			f = f.WithHint("did you mean %q?", near)
		} else {
			f = f.WithHint("add it under volumes, or remove the mount")
		}
		l.report(p.Object, f)
	}
	for i, m := range c.VolumeMounts {
		missing(c.Path.At("volumeMounts", i), m.Name)
	}
	for i, d := range c.VolumeDevices {
		missing(c.Path.At("volumeDevices", i), d.Name)
	}
}

func (l *look) volumeNames(p *workload.Pods) []string {
	var names []string
	for _, v := range p.Template.Spec.Volumes {
		names = append(names, v.Name)
	}
	for _, s := range l.set.StatefulSets {
		if s.Object != p.Object {
			continue
		}
		for i := range s.Typed.Spec.VolumeClaimTemplates {
			names = append(names, s.Typed.Spec.VolumeClaimTemplates[i].Name)
		}
	}
	return names
}

// quantities compares requests with limits.
func (l *look) quantities(p *workload.Pods, c workload.Container) {
	for r := range resourceNames(c) {
		l.quantity(p, c, r)
	}
}

func resourceNames(c workload.Container) map[corev1.ResourceName]bool {
	all := map[corev1.ResourceName]bool{}
	for r := range c.Resources.Requests {
		all[r] = true
	}
	for r := range c.Resources.Limits {
		all[r] = true
	}
	return all
}

func (l *look) quantity(p *workload.Pods, c workload.Container, r corev1.ResourceName) {
	request, requested := c.Resources.Requests[r]
	limit, limited := c.Resources.Limits[r]
	at := c.Path.At("resources")
	switch {
	case request.Sign() < 0:
		l.report(p.Object, problem.New(RuleResources, at.At("requests", string(r)), "container %q requests %s of %s", c.Name, request.String(), r))
	case limit.Sign() < 0:
		l.report(p.Object, problem.New(RuleResources, at.At("limits", string(r)), "container %q has a limit of %s of %s", c.Name, limit.String(), r))
	case requested && limited && request.Cmp(limit) > 0:
		l.report(p.Object, problem.New(RuleResources, at.At("requests", string(r)), "container %q requests %s of %s and may use %s only", c.Name, request.String(), r, limit.String()).
			WithHint("lower the request or raise the limit"))
	}
}

// probes have exactly one way to ask, and ports that exist.
func (l *look) probes(p *workload.Pods, c workload.Container) {
	for name, probe := range map[string]*corev1.Probe{"livenessProbe": c.LivenessProbe, "readinessProbe": c.ReadinessProbe, "startupProbe": c.StartupProbe} {
		if probe == nil {
			continue
		}
		at := c.Path.At(name)
		n := 0
		for _, there := range []bool{probe.HTTPGet != nil, probe.TCPSocket != nil, probe.Exec != nil, probe.GRPC != nil} {
			if there {
				n++
			}
		}
		if n != 1 {
			l.report(p.Object, problem.New(RuleField, at, "%s of container %q has %d ways to ask instead of one", name, c.Name, n).WithHint("give it one of httpGet, tcpSocket, exec and grpc"))
		}
		port := ""
		switch {
		case probe.HTTPGet != nil:
			port, at = probe.HTTPGet.Port.StrVal, at.At("httpGet", "port")
		case probe.TCPSocket != nil:
			port, at = probe.TCPSocket.Port.StrVal, at.At("tcpSocket", "port")
		}
		if port != "" && !slices.ContainsFunc(c.Ports, func(cp corev1.ContainerPort) bool { return cp.Name == port }) {
			l.report(p.Object, problem.New(RuleNoMatch, at, "%s asks at port %q, which container %q does not name", name, port, c.Name).WithHint("name the port under ports"))
		}
	}
}
