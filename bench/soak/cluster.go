package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// parallel is how many kinds are listed at once.
const parallel = 16

// cluster is the cluster as anybody may see it, without any code of tug.
type cluster struct {
	objects   dynamic.Interface
	discovery discovery.DiscoveryInterface
}

// kind is one listable kind.
type kind struct {
	schema.GroupVersionResource
	namespaced bool
}

func connect(kubeconfig string) (*cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	config.QPS, config.UserAgent, config.WarningHandler = -1, "soak", rest.NoWarnings{}
	c := &cluster{}
	if c.objects, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	c.discovery, err = discovery.NewDiscoveryClientForConfig(config)
	return c, err
}

// kinds asks the server anew what it serves. Events are left out: they tell
// of objects, and outlive them.
func (c *cluster) kinds() ([]kind, error) {
	_, lists, err := c.discovery.ServerGroupsAndResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	var all []kind
	seen := map[schema.GroupResource]bool{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, r := range list.APIResources {
			gvr := gv.WithResource(r.Name)
			if seen[gvr.GroupResource()] || !slices.Contains(r.Verbs, "list") || r.Kind == "Event" {
				continue
			}
			seen[gvr.GroupResource()] = true
			all = append(all, kind{gvr, r.Namespaced})
		}
	}
	return all, nil
}

// everything lists all objects of all kinds in the given namespaces, and all
// cluster-scoped ones. A kind whose definition goes away meanwhile is empty.
func (c *cluster) everything(ctx context.Context, namespaces ...string) ([]unstructured.Unstructured, error) {
	kinds, err := c.kinds()
	if err != nil {
		return nil, err
	}
	slices.Sort(namespaces)
	namespaces = slices.Compact(namespaces)
	var mu sync.Mutex
	var all []unstructured.Unstructured
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, k := range kinds {
		in := namespaces
		if !k.namespaced {
			in = []string{""}
		}
		for _, namespace := range in {
			g.Go(func() error {
				list, err := c.objects.Resource(k.GroupVersionResource).Namespace(namespace).List(ctx, v1.ListOptions{})
				if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("list %s in %q: %w", k, namespace, err)
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, list.Items...)
				return nil
			})
		}
	}
	return all, g.Wait()
}

// create makes objects that tug has nothing to do with.
func (c *cluster) create(ctx context.Context, namespace string, list ...fields) error {
	places := map[string]kind{
		"Namespace":  {schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, false},
		"ConfigMap":  {schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, true},
		"Secret":     {schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, true},
		"Lease":      {schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}, true},
		"Deployment": {schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, true},
		"ClusterRole": {schema.GroupVersionResource{
			Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}, false},
	}
	for _, o := range list {
		place, ok := places[o["kind"].(string)]
		if !ok {
			return fmt.Errorf("no place known for %s", idOf(o))
		}
		in := namespace
		if !place.namespaced {
			in = ""
		}
		u := &unstructured.Unstructured{Object: plain(o).(fields)}
		_, err := c.objects.Resource(place.GroupVersionResource).Namespace(in).Create(ctx, u, v1.CreateOptions{FieldManager: "somebody"})
		if err != nil {
			return fmt.Errorf("create %s: %w", idOf(o), err)
		}
	}
	return nil
}

// drop starts to delete what a run leaves by intention; nothing waits for it.
func (c *cluster) drop(ctx context.Context, w world) error {
	roles := schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
	namespaces := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	errs := []error{c.objects.Resource(roles).Delete(ctx, w.namespace+"-other", v1.DeleteOptions{})}
	for _, name := range []string{w.namespace, w.beside} {
		errs = append(errs, c.objects.Resource(namespaces).Delete(ctx, name, v1.DeleteOptions{}))
	}
	for i, err := range errs {
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}

// plain is a value with numbers as the API has them.
func plain(v any) any {
	switch v := v.(type) {
	case fields:
		out := make(fields, len(v))
		for k, item := range v {
			out[k] = plain(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case int:
		return int64(v)
	}
	return v
}

func idOfLive(o *unstructured.Unstructured) id {
	return id{o.GroupVersionKind().Group, o.GetKind(), o.GetName()}
}
