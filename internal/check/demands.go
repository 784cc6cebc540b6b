package check

import (
	"context"
	"regexp"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/workload"
	"github.com/tugops/tug/internal/object"
)

// demands looks at what an API server demands of kinds beyond their schemas,
// as comparing with one showed (bench/checks).
func (l *look) demands(context.Context) error {
	for _, placed := range l.set.Objects {
		o := placed.Object
		k := o.GVK()
		switch k.Group + "/" + k.Kind {
		case "rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole":
			l.roleRules(o)
		case "rbac.authorization.k8s.io/ClusterRoleBinding":
			l.subjects(o)
		case "admissionregistration.k8s.io/ValidatingWebhookConfiguration", "admissionregistration.k8s.io/MutatingWebhookConfiguration":
			l.webhookRules(o)
		case "/PersistentVolumeClaim":
			l.claim(o)
		case "policy/PodDisruptionBudget":
			l.percent(o, problem.Path{"spec", "minAvailable"})
			l.percent(o, problem.Path{"spec", "maxUnavailable"})
		case "autoscaling/HorizontalPodAutoscaler":
			l.scaler(o)
		}
	}
	for _, in := range l.set.Ingresses {
		l.ingress(in.Object)
	}
	for _, n := range l.set.NetworkPolicies {
		l.policyPorts(n)
	}
	return nil
}

// items are the maps of a list at a path, each with its own path.
func items(v any, at problem.Path) (list []map[string]any, paths []problem.Path) {
	found, _ := at.Get(v)
	all, _ := found.([]any)
	for i, item := range all {
		if m, ok := item.(map[string]any); ok {
			list, paths = append(list, m), append(paths, at.At(i))
		}
	}
	return list, paths
}

func empty(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case string:
		return t == ""
	case []any:
		return len(t) == 0
	case map[string]any:
		return len(t) == 0
	}
	return false
}

// need reports keys that must not be empty.
func (l *look) need(o *object.Object, m map[string]any, at problem.Path, keys ...string) {
	for _, key := range keys {
		if empty(m[key]) {
			l.report(o, problem.New(RuleField, at.At(key), "%s must not be empty", key).WithHint("name at least one"))
		}
	}
}

func (l *look) roleRules(o *object.Object) {
	rules, paths := items(o.Fields, problem.Path{"rules"})
	for i, r := range rules {
		l.need(o, r, paths[i], "verbs")
		switch urls := !empty(r["nonResourceURLs"]); {
		case urls && (!empty(r["resources"]) || !empty(r["apiGroups"])):
			l.report(o, problem.New(RuleField, paths[i], "a rule is for resources or for URLs, not for both").WithHint("make two rules of it"))
		case !urls:
			l.need(o, r, paths[i], "apiGroups", "resources")
		}
	}
}

// subjects of a ClusterRoleBinding have no namespace to fall back to.
func (l *look) subjects(o *object.Object) {
	subjects, paths := items(o.Fields, problem.Path{"subjects"})
	for i, s := range subjects {
		if s["kind"] == "ServiceAccount" && empty(s["namespace"]) {
			l.report(o, problem.New(RuleField, paths[i].At("namespace"), "a ServiceAccount needs its namespace here").WithHint("add namespace"))
		}
	}
}

func (l *look) webhookRules(o *object.Object) {
	hooks, paths := items(o.Fields, problem.Path{"webhooks"})
	for i := range hooks {
		rules, below := items(o.Fields, paths[i].At("rules"))
		for j, r := range rules {
			l.need(o, r, below[j], "operations", "apiGroups", "apiVersions", "resources")
		}
	}
}

func (l *look) claim(o *object.Object) {
	spec, _ := o.Fields["spec"].(map[string]any)
	if spec == nil {
		return
	}
	l.need(o, spec, problem.Path{"spec"}, "accessModes")
	at := problem.Path{"spec", "resources", "requests", "storage"}
	if v, _ := at.Get(o.Fields); v == nil {
		l.report(o, problem.New(RuleField, at, "the claim does not say how much storage it needs").WithHint("set spec.resources.requests.storage"))
	}
}

var percentText = regexp.MustCompile(`\A[0-9]+%\z`)

func (l *look) percent(o *object.Object, at problem.Path) {
	v, _ := at.Get(o.Fields)
	if s, ok := v.(string); ok && !percentText.MatchString(s) {
		l.report(o, problem.New(RuleField, at, "%q is neither a number nor a percentage", s).WithHint("write 1 or 50%%"))
	}
}

// scaler looks at what an autoscaler scales and by which metric.
func (l *look) scaler(o *object.Object) {
	at := problem.Path{"spec", "scaleTargetRef", "apiVersion"}
	v, _ := at.Get(o.Fields)
	if version, _ := v.(string); version == "" || !strings.Contains(version, "/") && version != "v1" {
		l.report(o, problem.New(RuleField, at, "apiVersion %q of the target has no group", version).WithHint("write apps/v1 for a Deployment"))
	}
	metrics, paths := items(o.Fields, problem.Path{"spec", "metrics"})
	for i, m := range metrics {
		for _, kind := range []string{"resource", "containerResource"} {
			v, ok := problem.Path{kind, "target"}.Get(m)
			target, _ := v.(map[string]any)
			if ok && target["averageUtilization"] == nil && target["averageValue"] == nil {
				l.report(o, problem.New(RuleField, paths[i].At(kind, "target"), "the metric has no target value").WithHint("set averageUtilization or averageValue"))
			}
		}
	}
}

func (l *look) ingress(o *object.Object) {
	rules, paths := items(o.Fields, problem.Path{"spec", "rules"})
	if backend, _ := (problem.Path{"spec", "defaultBackend"}).Get(o.Fields); empty(backend) && len(rules) == 0 {
		l.report(o, problem.New(RuleField, problem.Path{"spec"}, "the Ingress has neither rules nor a defaultBackend").WithHint("add one of them"))
	}
	for i := range rules {
		routes, below := items(o.Fields, paths[i].At("http", "paths"))
		for j, r := range routes {
			if path, _ := r["path"].(string); path != "" && !strings.HasPrefix(path, "/") || path == "" && r["pathType"] != "ImplementationSpecific" {
				l.report(o, problem.New(RuleField, below[j].At("path"), "path %q does not begin with /", path).WithHint("begin it with /"))
			}
			if v, ok := (problem.Path{"backend", "service"}).Get(r); ok {
				service, _ := v.(map[string]any)
				port, _ := service["port"].(map[string]any)
				if empty(port["name"]) && port["number"] == nil {
					l.report(o, problem.New(RuleField, below[j].At("backend", "service", "port"), "the backend has no port").WithHint("set port.number or port.name"))
				}
			}
		}
	}
}

// policyPorts are numbers, or names of ports.
func (l *look) policyPorts(n *workload.Of[networkingv1.NetworkPolicy]) {
	for _, direction := range []string{"ingress", "egress"} {
		_, paths := items(n.Object.Fields, problem.Path{"spec", direction})
		for _, at := range paths {
			ports, below := items(n.Object.Fields, at.At("ports"))
			for i, p := range ports {
				if name, ok := p["port"].(string); ok && len(validation.IsValidPortName(name)) > 0 {
					l.report(n.Object, problem.New(RuleField, below[i].At("port"), "%q is no name of a port: %s", name, validation.IsValidPortName(name)[0]))
				}
			}
		}
	}
}
