package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/workload"
	"github.com/tugops/tug/internal/object"
)

// reference is a mention of another object.
type reference struct {
	from            *object.Object
	at              problem.Path
	group, kind     string
	namespace, name string
	keys            []string // that must be there
	optional        bool
}

// references looks for ConfigMaps, Secrets, ServiceAccounts, claims, Services
// and roles that are mentioned and not declared.
func (l *look) references(context.Context) error {
	for _, p := range l.set.Pods {
		for _, r := range podReferences(p) {
			l.refer(r)
		}
	}
	for _, placed := range l.set.Objects {
		for _, r := range objectReferences(placed) {
			l.refer(r)
		}
	}
	for _, in := range l.set.Ingresses {
		if b := in.Typed.Spec.DefaultBackend; b != nil && b.Service != nil {
			l.refer(reference{from: in.Object, at: problem.Path{"spec", "defaultBackend", "service"}, kind: "Service", namespace: in.Namespace, name: b.Service.Name})
		}
	}
	return nil
}

// refer reports a reference to what is not there, or lacks a key.
func (l *look) refer(r reference) {
	if r.name == "" || r.optional || givenByCluster(r) {
		return
	}
	o := l.env.find(r.group, r.kind, r.namespace, r.name)
	if o == nil {
		if !l.madeBySomething(r) {
			l.missing(r)
		}
		return
	}
	if r.kind != "ConfigMap" && r.kind != "Secret" || encrypted(o) {
		return
	}
	there := dataKeys(o)
	for _, key := range r.keys {
		if slices.Contains(there, key) {
			continue
		}
		p := problem.New(RuleReferenceKey, r.at, "%s has no key %q", o.Ref(), key)
		if near := nearest(key, there); near != "" {
			p = p.WithHint("did you mean %q?", near)
		} else {
			p = p.WithHint("its keys: %s", orNone(there))
		}
		l.report(r.from, p)
	}
}

func (l *look) missing(r reference) {
	where := ""
	if r.namespace != "" {
		where = " in namespace " + r.namespace
	}
	p := problem.New(RuleReference, r.at, "%s %q is not declared%s", r.kind, r.name, where)
	if near := nearest(r.name, l.env.named(r.group, r.kind, r.namespace)); near != "" {
		p = p.WithHint("did you mean %q?", near)
	} else {
		p = p.WithHint("declare it, mark the reference optional, or except it in %s when it is in the cluster already", ConfigFile)
	}
	l.report(r.from, l.absent(p))
}

// givenByCluster are objects that every cluster has.
func givenByCluster(r reference) bool {
	switch r.kind {
	case "ServiceAccount":
		return r.name == "default"
	case "ConfigMap":
		return r.name == "kube-root-ca.crt"
	case "ClusterRole":
		return strings.HasPrefix(r.name, "system:") || slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, r.name)
	case "Role":
		return strings.HasPrefix(r.name, "system:") || r.name == "extension-apiserver-authentication-reader"
	case "Service":
		return r.name == "kubernetes" && r.namespace == "default"
	}
	return false
}

// madeBySomething reports whether a custom resource of the environment will
// make a Secret or ConfigMap: one of the same name, or one that names it where
// such resources do (Certificate, ExternalSecret, VaultStaticSecret, …).
func (l *look) madeBySomething(r reference) bool {
	if r.kind != "Secret" && r.kind != "ConfigMap" {
		return false
	}
	for _, placed := range l.env.all.Objects {
		k := placed.Object.GVK()
		if placed.Namespace != r.namespace || l.env.version.BuiltinGroup(k.Group) {
			continue
		}
		if placed.Object.Name() == r.name && strings.Contains(k.Kind, "Secret") {
			return true
		}
		for _, at := range []problem.Path{
			{"spec", "secretName"}, {"spec", "target", "name"}, {"spec", "destination", "name"}, {"spec", "template", "metadata", "name"},
			{"spec", "secret", "name"}, {"spec", "output", "name"}, {"spec", "writeConnectionSecretToRef", "name"}, {"spec", "targetConfigMapName"},
		} {
			if v, _ := at.Get(placed.Object.Fields); v == r.name {
				return true
			}
		}
	}
	return false
}

// encrypted reports whether an object is a SOPS file as it is in Git: its keys
// may be hidden.
func encrypted(o *object.Object) bool {
	_, sops := o.Fields["sops"]
	return sops
}

func dataKeys(o *object.Object) []string {
	var keys []string
	for _, block := range []string{"data", "stringData", "binaryData"} {
		m, _ := o.Fields[block].(map[string]any)
		keys = append(keys, names(m)...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// podReferences are the mentions in pods.
func podReferences(p *workload.Pods) []reference {
	var list []reference
	add := func(at problem.Path, kind, name string, optional *bool, keys ...string) {
		list = append(list, reference{
			from: p.Object, at: at, kind: kind, namespace: p.Namespace, name: name,
			optional: optional != nil && *optional, keys: keys,
		})
	}
	spec := p.Template.Spec
	if spec.ServiceAccountName != "" {
		add(p.Spec("serviceAccountName"), "ServiceAccount", spec.ServiceAccountName, nil)
	}
	for i, s := range spec.ImagePullSecrets {
		add(p.Spec("imagePullSecrets", i), "Secret", s.Name, nil)
	}
	for i := range spec.Volumes {
		volumeReferences(&spec.Volumes[i], p.Spec("volumes", i), add)
	}
	for _, c := range p.Containers() {
		for i, e := range c.EnvFrom {
			switch at := c.Path.At("envFrom", i); {
			case e.ConfigMapRef != nil:
				add(at.At("configMapRef"), "ConfigMap", e.ConfigMapRef.Name, e.ConfigMapRef.Optional)
			case e.SecretRef != nil:
				add(at.At("secretRef"), "Secret", e.SecretRef.Name, e.SecretRef.Optional)
			}
		}
		for i, e := range c.Env {
			if e.ValueFrom == nil {
				continue
			}
			at := c.Path.At("env", i, "valueFrom")
			if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
				add(at.At("configMapKeyRef"), "ConfigMap", r.Name, r.Optional, r.Key)
			}
			if r := e.ValueFrom.SecretKeyRef; r != nil {
				add(at.At("secretKeyRef"), "Secret", r.Name, r.Optional, r.Key)
			}
		}
	}
	return list
}

type addReference func(at problem.Path, kind, name string, optional *bool, keys ...string)

func volumeReferences(v *corev1.Volume, at problem.Path, add addReference) {
	switch {
	case v.ConfigMap != nil:
		add(at.At("configMap"), "ConfigMap", v.ConfigMap.Name, v.ConfigMap.Optional, itemKeys(v.ConfigMap.Items)...)
	case v.Secret != nil:
		add(at.At("secret"), "Secret", v.Secret.SecretName, v.Secret.Optional, itemKeys(v.Secret.Items)...)
	case v.PersistentVolumeClaim != nil:
		add(at.At("persistentVolumeClaim"), "PersistentVolumeClaim", v.PersistentVolumeClaim.ClaimName, nil)
	case v.Projected != nil:
		for i, s := range v.Projected.Sources {
			switch below := at.At("projected", "sources", i); {
			case s.ConfigMap != nil:
				add(below.At("configMap"), "ConfigMap", s.ConfigMap.Name, s.ConfigMap.Optional, itemKeys(s.ConfigMap.Items)...)
			case s.Secret != nil:
				add(below.At("secret"), "Secret", s.Secret.Name, s.Secret.Optional, itemKeys(s.Secret.Items)...)
			}
		}
	}
}

func itemKeys(items []corev1.KeyToPath) []string {
	var keys []string
	for _, i := range items {
		keys = append(keys, i.Key)
	}
	return keys
}

// objectReferences are the mentions in other kinds.
func objectReferences(placed workload.Placed) []reference {
	o := placed.Object
	k := o.GVK()
	switch k.Group + "/" + k.Kind {
	case "rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding":
		return bindingReferences(placed)
	case "admissionregistration.k8s.io/ValidatingWebhookConfiguration", "admissionregistration.k8s.io/MutatingWebhookConfiguration":
		var list []reference
		hooks, _ := o.Fields["webhooks"].([]any)
		for i, h := range hooks {
			list = append(list, serviceReference(o, h, problem.Path{"webhooks", i}, problem.Path{"clientConfig", "service"})...)
		}
		return list
	case "apiregistration.k8s.io/APIService":
		return serviceReference(o, o.Fields, nil, problem.Path{"spec", "service"})
	}
	return nil
}

func serviceReference(o *object.Object, v any, at, below problem.Path) []reference {
	value, _ := below.Get(v)
	m, _ := value.(map[string]any)
	name, _ := m["name"].(string)
	namespace, _ := m["namespace"].(string)
	return []reference{{from: o, at: at.At(below...), kind: "Service", namespace: namespace, name: name}}
}

func bindingReferences(placed workload.Placed) []reference {
	o, k := placed.Object, placed.Object.GVK()
	const group = "rbac.authorization.k8s.io"
	var list []reference
	role, _ := o.Fields["roleRef"].(map[string]any)
	kind, _ := role["kind"].(string)
	name, _ := role["name"].(string)
	ns := ""
	if kind == "Role" {
		ns = placed.Namespace
	}
	list = append(list, reference{from: o, at: problem.Path{"roleRef"}, group: group, kind: kind, namespace: ns, name: name})
	subjects, _ := o.Fields["subjects"].([]any)
	for i, s := range subjects {
		m, _ := s.(map[string]any)
		if fmt.Sprint(m["kind"]) != "ServiceAccount" {
			continue
		}
		name, _ := m["name"].(string)
		ns, _ := m["namespace"].(string)
		if ns == "" && k.Kind == "RoleBinding" {
			ns = placed.Namespace
		}
		if ns != placed.Namespace {
			continue // of another team, or none at all
		}
		list = append(list, reference{from: o, at: problem.Path{"subjects", i}, kind: "ServiceAccount", namespace: ns, name: name})
	}
	return list
}
