package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// patience is how long controllers get to clean up what they made themselves:
// pods, ReplicaSets, endpoints.
const patience = 60 * time.Second

// view is what a run sees of the cluster: everything in its namespaces, and
// the cluster-scoped objects that have to do with it.
type view []unstructured.Unstructured

func (t *trial) look(ctx context.Context) (view, error) {
	all, err := t.soak.cluster.everything(ctx, t.world.namespace, t.world.beside)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o unstructured.Unstructured) bool {
		return o.GetNamespace() == "" && !strings.Contains(o.GetName(), t.world.namespace) && !strings.HasPrefix(t.owner(&o), t.world.namespace+"/")
	}), nil
}

func (t *trial) owner(o *unstructured.Unstructured) string {
	return o.GetAnnotations()["tug.dev/owner"]
}

// key of the app, as its objects carry it.
func (t *trial) key() string { return t.world.namespace + "/" + app }

// ours reports whether o is of the app that is killed: by its owner in words,
// by its name if the app declares such an object, or as part of its record.
func (t *trial) ours(o *unstructured.Unstructured) bool {
	if isGenerated(o) {
		return false
	}
	if t.owner(o) == t.key() {
		return true
	}
	if o.GetNamespace() != "" && o.GetNamespace() != t.world.namespace {
		return false
	}
	name := o.GetName()
	if (o.GetKind() == "Secret" || o.GetKind() == "Lease") && (name == "tug."+app || o.Object["type"] == "tug.dev/record" && strings.HasPrefix(name, "tug."+app+".")) {
		return true
	}
	return t.names[idOfLive(o)] && !t.foreign[string(o.GetUID())]
}

// compare holds the live objects against what the app declares in a version.
func (t *trial) compare(ctx context.Context, v version) error {
	seen, err := t.look(ctx)
	if err != nil {
		return err
	}
	live := map[id]*unstructured.Unstructured{}
	for i := range seen {
		if t.ours(&seen[i]) && !isRecord(&seen[i]) {
			live[idOfLive(&seen[i])] = &seen[i]
		}
	}
	var errs []error
	declared := t.world.declared(v)
	for _, o := range declared.lasting() {
		key := idOf(o)
		if live[key] == nil {
			errs = append(errs, fmt.Errorf("%s is missing", key))
			continue
		}
		if t.owner(live[key]) != t.key() {
			errs = append(errs, fmt.Errorf("%s is not marked as owned", key))
		}
		errs = append(errs, differs(key.String(), plain(normal(o)), live[key].Object))
		delete(live, key)
	}
	// The Job of the hook stays until the next one.
	delete(live, idOf(declared.hooks[0]))
	for key := range live {
		errs = append(errs, fmt.Errorf("%s is there, but not declared", key))
	}
	return errors.Join(errs...)
}

func isRecord(o *unstructured.Unstructured) bool {
	return (o.GetKind() == "Secret" || o.GetKind() == "Lease") && strings.HasPrefix(o.GetName(), "tug.")
}

// normal is o as the server stores it: stringData becomes data.
func normal(o fields) fields {
	text, ok := o["stringData"].(fields)
	if !ok {
		return o
	}
	out := maps.Clone(o)
	delete(out, "stringData")
	data := fields{}
	for k, v := range text {
		if data[k] = random; v != random {
			data[k] = base64.StdEncoding.EncodeToString([]byte(v.(string)))
		}
	}
	out["data"] = data
	return out
}

// differs says where live lacks something of want. What live has beyond it
// are defaults and status.
func differs(path string, want, live any) error {
	switch want := want.(type) {
	case fields:
		have, _ := live.(fields)
		for _, k := range slices.Sorted(maps.Keys(want)) {
			if err := differs(path+"."+k, want[k], have[k]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		have, _ := live.([]any)
		if len(have) != len(want) {
			return fmt.Errorf("%s has %d items, want %d", path, len(have), len(want))
		}
		for i := range want {
			if err := differs(fmt.Sprintf("%s[%d]", path, i), want[i], have[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if text, ok := live.(string); want == random && ok && len(text) == 32 {
		return nil // 24 random characters in base64
	}
	if want != live {
		return fmt.Errorf("%s is %v, want %v", path, live, want)
	}
	return nil
}

// left names what of the app is in the cluster after it was deleted. Objects
// that the app declared, and its record, have to be gone at once; what
// controllers made of them goes soon.
func (t *trial) left(ctx context.Context) error {
	end := time.Now().Add(patience)
	for {
		seen, err := t.look(ctx)
		if err != nil {
			return err
		}
		var ours, made []string
		for i := range seen {
			o := &seen[i]
			switch {
			case t.foreign[string(o.GetUID())] || !t.world.owns && o.GetKind() == "Namespace":
			case t.ours(o):
				ours = append(ours, idOfLive(o).String())
			default:
				made = append(made, idOfLive(o).String())
			}
		}
		switch {
		case len(ours) > 0:
			return fmt.Errorf("left of the app: %s", strings.Join(ours, ", "))
		case len(made) == 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("left after %s: %s", patience, strings.Join(made, ", "))
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// isGenerated reports what controllers make of declared objects, with copies
// of their annotations or labels, and remove after them.
func isGenerated(o *unstructured.Unstructured) bool {
	return len(o.GetOwnerReferences()) > 0 || o.GetKind() == "Endpoints" || o.GetKind() == "EndpointSlice"
}

// prints are the foreign objects and what is to stay of each: everything for
// those that no controller writes to, all but the status for the others.
func (t *trial) prints(ctx context.Context) (map[string]string, error) {
	seen, err := t.look(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i := range seen {
		o := &seen[i]
		if t.ours(o) || o.GetKind() == "Namespace" {
			continue
		}
		name, uid := idOfLive(o).String()+" in "+o.GetNamespace(), string(o.GetUID())
		text := uid + " " + o.GetResourceVersion()
		if o.GetKind() == "Deployment" {
			c := o.DeepCopy()
			unstructured.RemoveNestedField(c.Object, "status")
			unstructured.RemoveNestedField(c.Object, "metadata", "resourceVersion")
			unstructured.RemoveNestedField(c.Object, "metadata", "managedFields")
			unstructured.RemoveNestedField(c.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
			data, err := json.Marshal(c.Object)
			if err != nil {
				return nil, err
			}
			text = fmt.Sprintf("%s %x", uid, sha256.Sum256(data))
		}
		switch o.GetKind() {
		// Controllers write these for the foreign Deployments and Services.
		case "Pod", "ReplicaSet", "Endpoints", "EndpointSlice":
			text = "exists"
		}
		out[name] = text
	}
	return out, nil
}

// untouched compares the foreign objects with how they were.
func (t *trial) untouched(ctx context.Context) error {
	now, err := t.prints(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for name, was := range t.before {
		if is, ok := now[name]; !ok {
			errs = append(errs, fmt.Errorf("foreign %s is gone", name))
		} else if is != was {
			errs = append(errs, fmt.Errorf("foreign %s was touched: %s, before %s", name, is, was))
		}
	}
	return errors.Join(errs...)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
