package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// strangers are objects of nobody that tug knows, with names and labels as
// near to the app's as can be. Some have the names that a record of tug could
// have.
func strangers() []fields {
	chunk := object("v1", "Secret", "tug."+app+".0123456789abcdef", fields{"type": "Opaque", "stringData": fields{"value": "mine"}})
	mark(chunk, "labels", "app.kubernetes.io/managed-by", "tug")
	return []fields{
		object("v1", "ConfigMap", "settings-99", fields{"data": fields{"value": "mine"}}),
		object("v1", "ConfigMap", "settings-00-backup", fields{"data": fields{"value": "mine"}}),
		object("v1", "Secret", "credentials-99", fields{"type": "Opaque", "stringData": fields{"password": "mine"}}),
		object("v1", "ConfigMap", "tug."+app, fields{"data": fields{"value": "mine"}}),
		workload("Deployment", "web-99", "registry.example/web:1", 1),
		object("coordination.k8s.io/v1", "Lease", "tug-"+app, fields{"spec": fields{"holderIdentity": "me"}}),
		chunk,
	}
}

// settle makes the namespaces of a run with everything foreign, and
// remembers how that is.
func (t *trial) settle(ctx context.Context) error {
	c := t.soak.cluster
	places := []string{t.world.beside}
	if t.world.beside != t.world.namespace && !t.world.owns {
		places = append(places, t.world.namespace)
	}
	for _, name := range places {
		if err := c.create(ctx, "", object("v1", "Namespace", name, nil)); err != nil {
			return err
		}
	}
	list := append(strangers(), object("rbac.authorization.k8s.io/v1", "ClusterRole", t.world.namespace+"-other", fields{"rules": []any{}}))
	if err := t.createAll(ctx, list); err != nil {
		return err
	}
	if err := t.succeed(ctx, "deploy the other app", "deploy", "other", "-a", other, "-n", t.world.beside, "--yes"); err != nil {
		return err
	}
	if err := t.quiet(ctx); err != nil {
		return err
	}
	var err error
	if t.before, err = t.prints(ctx); err != nil {
		return err
	}
	seen, err := t.look(ctx)
	if err != nil {
		return err
	}
	for i := range seen {
		t.foreign[string(seen[i].GetUID())] = true
	}
	return nil
}

func (t *trial) createAll(ctx context.Context, list []fields) error {
	for _, o := range list {
		if err := t.soak.cluster.create(ctx, t.world.beside, o); err != nil {
			return err
		}
	}
	return nil
}

// quiet waits until controllers are done with what is foreign: what they make
// later would look like something of the app.
func (t *trial) quiet(ctx context.Context) error {
	const want = 6 // account, certificates, two Deployments, their two ReplicaSets
	for end := time.Now().Add(patience); time.Now().Before(end); {
		seen, err := t.look(ctx)
		if err != nil {
			return err
		}
		found := 0
		for i := range seen {
			if seen[i].GetNamespace() == t.world.beside && isSettled(&seen[i]) {
				found++
			}
		}
		if found == want {
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("namespace %s does not settle", t.world.beside)
}

// isSettled reports whether o is one of the objects to wait for, in its last
// state.
func isSettled(o *unstructured.Unstructured) bool {
	switch o.GetKind() {
	case "ServiceAccount":
		return o.GetName() == "default"
	case "ConfigMap":
		return o.GetName() == "kube-root-ca.crt"
	case "Deployment":
		want, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		ready, _, _ := unstructured.NestedInt64(o.Object, "status", "readyReplicas")
		seen, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
		return ready == want && seen == o.GetGeneration()
	case "ReplicaSet":
		return true
	}
	return false
}
