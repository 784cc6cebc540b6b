package main

import (
	"fmt"
	"strings"
)

// fields are an object, or a part of one.
type fields = map[string]any

// app is the name of the app that is killed.
const app = "shop"

// random stands for a value that the chart makes at random.
const random = "RANDOM"

// version is one of the two states of the app.
type version string

// The versions: B changes some objects of A, adds some, and lacks some.
const (
	versionA version = "a"
	versionB version = "b"
)

// world is where one run takes place.
type world struct {
	namespace string // of the app and its record
	beside    string // namespace of foreign objects; may be the same
	// owns says that the app declares its namespace itself, so that the
	// record goes with it.
	owns bool
}

// group is the API group of the run's own CRD.
func (w world) group() string { return w.namespace + ".soak.example" }

// sets are the objects of one version, by the folder they stand in.
type sets struct{ templates, sub, crds, hooks []fields }

// lasting are the objects that stay until the app is deleted.
func (s sets) lasting() []fields {
	return append(append(append([]fields{}, s.templates...), s.sub...), s.crds...)
}

// declared is what the app declares in a version. It is written to the chart,
// and compared with the cluster afterwards: tug's own view is not asked.
func (w world) declared(v version) sets {
	s := sets{sub: w.subchart(v), crds: []fields{w.definition()}, hooks: w.hooks()}
	add := func(list ...fields) { s.templates = append(s.templates, list...) }
	if w.owns {
		add(object("v1", "Namespace", w.namespace, nil))
	}
	first, last := 0, 16
	if v == versionB {
		first, last = 4, 20
	}
	for i := first; i < last; i++ {
		value := "same"
		if i%2 == 0 {
			value = "version " + string(v)
		}
		add(object("v1", "ConfigMap", fmt.Sprintf("settings-%02d", i), fields{"data": fields{"value": value}}))
	}
	for i := range 8 {
		add(object("v1", "Secret", fmt.Sprintf("credentials-%d", i), fields{
			"type": "Opaque", "stringData": fields{"user": fmt.Sprintf("user-%d", i), "password": random},
		}))
	}
	for i := range 4 {
		add(object("v1", "ServiceAccount", fmt.Sprintf("account-%d", i), nil))
	}
	roles, webs, image := 3, 6, "registry.example/web:1"
	if v == versionB {
		roles, webs, image = 2, 5, "registry.example/web:2"
	}
	for i := range roles {
		add(w.role(i)...)
	}
	for i := range webs {
		add(service(fmt.Sprintf("web-%d", i)), workload("Deployment", fmt.Sprintf("web-%d", i), image, min(i%3, 1)))
	}
	store := workload("StatefulSet", "store", image, 1)
	store["spec"].(fields)["serviceName"] = "web-0"
	add(store, object("rbac.authorization.k8s.io/v1", "ClusterRole", w.namespace+"-reader", fields{
		"rules": []any{fields{"apiGroups": []any{""}, "resources": []any{"nodes"}, "verbs": []any{"get"}}},
	}))
	return s
}

func (w world) role(i int) []fields {
	const rbac = "rbac.authorization.k8s.io"
	name := fmt.Sprintf("role-%d", i)
	return []fields{
		object(rbac+"/v1", "Role", name, fields{
			"rules": []any{fields{"apiGroups": []any{""}, "resources": []any{"configmaps"}, "verbs": []any{"get"}}},
		}),
		object(rbac+"/v1", "RoleBinding", name, fields{
			"roleRef":  fields{"apiGroup": rbac, "kind": "Role", "name": name},
			"subjects": []any{fields{"kind": "ServiceAccount", "name": fmt.Sprintf("account-%d", i), "namespace": w.namespace}},
		}),
	}
}

// subchart has custom resources of the CRD that the chart brings.
func (w world) subchart(v version) []fields {
	list := []fields{
		workload("Deployment", "cache", "registry.example/cache:"+string(v), 1),
		service("cache"),
		object("policy/v1", "PodDisruptionBudget", "cache", fields{
			"spec": fields{"maxUnavailable": 1, "selector": fields{"matchLabels": fields{"run": "cache"}}},
		}),
	}
	for i := range 3 {
		list = append(list, object(w.group()+"/v1", "Anchor", fmt.Sprintf("anchor-%d", i), fields{
			"spec": fields{"depth": i, "chain": string(v)},
		}))
	}
	return list
}

func (w world) definition() fields {
	return object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "anchors."+w.group(), fields{"spec": fields{
		"group": w.group(), "scope": "Namespaced",
		"names": fields{"kind": "Anchor", "listKind": "AnchorList", "plural": "anchors", "singular": "anchor"},
		"versions": []any{fields{
			"name": "v1", "served": true, "storage": true,
			"schema": fields{"openAPIV3Schema": fields{"type": "object", "properties": fields{"spec": fields{
				"type":       "object",
				"properties": fields{"depth": fields{"type": "integer"}, "chain": fields{"type": "string"}},
			}}}},
		}},
	}})
}

// hooks are a Job that stays until the next one, and a ConfigMap that goes
// once it is there.
func (w world) hooks() []fields {
	job := object("batch/v1", "Job", "migrate", fields{"spec": fields{"template": fields{"spec": fields{
		"restartPolicy": "Never",
		"containers":    []any{fields{"name": "main", "image": "registry.example/migrate:1"}},
	}}}})
	mark(job, "annotations", "helm.sh/hook", "pre-install,pre-upgrade")
	note := object("v1", "ConfigMap", "note", fields{"data": fields{"value": "hook"}})
	mark(note, "annotations", "helm.sh/hook", "post-install,post-upgrade")
	mark(note, "annotations", "helm.sh/hook-delete-policy", "hook-succeeded,before-hook-creation")
	return []fields{job, note}
}

func service(name string) fields {
	return object("v1", "Service", name, fields{"spec": fields{
		"selector": fields{"run": name}, "ports": []any{fields{"name": "http", "port": 80, "targetPort": 8080}},
	}})
}

func workload(kind, name, image string, replicas int) fields {
	return object("apps/v1", kind, name, fields{"spec": fields{
		"replicas": replicas,
		"selector": fields{"matchLabels": fields{"run": name}},
		"template": fields{
			"metadata": fields{"labels": fields{"run": name}},
			"spec": fields{
				"terminationGracePeriodSeconds": 0,
				"containers": []any{fields{
					"name": "main", "image": image, "ports": []any{fields{"containerPort": 8080}},
					"env": []any{fields{"name": "NAME", "value": name}},
				}},
			},
		},
	}})
}

// object has the labels that people put on what belongs together.
func object(apiVersion, kind, name string, rest fields) fields {
	o := fields{"apiVersion": apiVersion, "kind": kind, "metadata": fields{"name": name}}
	mark(o, "labels", "app.kubernetes.io/part-of", app)
	for k, v := range rest {
		o[k] = v
	}
	return o
}

// mark sets a label or an annotation.
func mark(o fields, where, key, value string) {
	meta := o["metadata"].(fields)
	all, _ := meta[where].(fields)
	if all == nil {
		all = fields{}
		meta[where] = all
	}
	all[key] = value
}

// id names an object within a run: kind, group and name.
type id struct{ group, kind, name string }

func (i id) String() string {
	if i.group == "" {
		return i.kind + "/" + i.name
	}
	return i.kind + "." + i.group + "/" + i.name
}

func idOf(o fields) id {
	group, _, grouped := strings.Cut(o["apiVersion"].(string), "/")
	if !grouped {
		group = ""
	}
	return id{group, o["kind"].(string), o["metadata"].(fields)["name"].(string)}
}
