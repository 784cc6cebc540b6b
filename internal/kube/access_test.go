package kube_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func TestDeniedAgreesWithTheAuthorizer(t *testing.T) {
	t.Parallel()
	a, b := kubetest.Namespace(t), kubetest.Namespace(t)
	u := kubetest.User(t, a,
		kubetest.Rule("get,list,watch,create,patch", "", "configmaps,services"),
		kubetest.Rule("get", "", "secrets", "one"),
		kubetest.Rule("*", "apps", "*"),
		kubetest.Rule("get", "", "pods/log"),
		kubetest.Rule("update", "batch", "*/status"))
	u.AllowCluster(
		kubetest.Rule("get,list", "", "nodes"),
		kubetest.Rule("list", "rbac.authorization.k8s.io", "clusterroles"),
		kubetest.Rule("get", "networking.k8s.io", "ingresses"))
	allowed := []object.Access{
		{Verb: "patch", Resource: "configmaps", Namespace: a},
		{Verb: "patch", Resource: "configmaps", Namespace: a, Name: "x"},
		{Verb: "get", Resource: "secrets", Namespace: a, Name: "one"},
		{Verb: "delete", Group: "apps", Resource: "deployments", Namespace: a},
		{Verb: "patch", Group: "apps", Resource: "deployments", Subresource: "scale", Namespace: a},
		{Verb: "get", Resource: "pods", Subresource: "log", Namespace: a},
		{Verb: "update", Group: "batch", Resource: "jobs", Subresource: "status", Namespace: a},
		{Verb: "get", Group: "networking.k8s.io", Resource: "ingresses", Namespace: b},
		{Verb: "list", Resource: "nodes"},
		{Verb: "list", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
		{Verb: "get", Group: "networking.k8s.io", Resource: "ingresses"},
	}
	denied := []object.Access{
		{Verb: "delete", Resource: "configmaps", Namespace: a},
		{Verb: "get", Resource: "secrets", Namespace: a},
		{Verb: "get", Resource: "secrets", Namespace: a, Name: "two"},
		{Verb: "get", Resource: "pods", Namespace: a},
		{Verb: "patch", Resource: "configmaps", Namespace: b},
		{Verb: "list", Resource: "configmaps"},
		{Verb: "update", Group: "batch", Resource: "jobs", Namespace: a},
		{Verb: "delete", Resource: "nodes"},
		{Verb: "patch", Group: "apps", Resource: "deployments"},
	}
	got, err := u.Client.Denied(t.Context(), append(append([]object.Access{}, allowed...), append(denied, denied[0])...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(denied, got); diff != "" {
		t.Errorf("denied (-want +got):\n%s", diff)
	}
	if none, err := u.Client.Denied(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("denied of nothing: %v, %v", none, err)
	}
	if all, err := kubetest.Client(t).Denied(t.Context(), append(denied, allowed...)); err != nil || len(all) != 0 {
		t.Errorf("denied of an administrator: %v, %v", all, err)
	}
}

// One rules review answers any number of questions about a namespace.
func TestDeniedAsksLittle(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	u := kubetest.User(t, ns, kubetest.Rule("get", "", "configmaps"))
	counts, c := counting(t, u.Kubeconfig)
	var wanted []object.Access
	for _, resource := range []string{"configmaps", "secrets", "services", "pods", "endpoints"} {
		for _, verb := range []string{"get", "list", "patch", "delete"} {
			wanted = append(wanted, object.Access{Verb: verb, Resource: resource, Namespace: ns})
		}
	}
	got, err := c.Denied(t.Context(), wanted)
	if err != nil || len(got) != len(wanted)-1 {
		t.Fatalf("%d denied of %d, %v", len(got), len(wanted), err)
	}
	if n := counts("selfsubjectrulesreviews"); n != 1 {
		t.Errorf("%d rules reviews for one namespace", n)
	}
	if n := counts("selfsubjectaccessreviews"); n != 0 {
		t.Errorf("%d access reviews for what the rules say", n)
	}
}

// counting is a client through a proxy that counts the paths of requests.
func counting(t *testing.T, kubeconfigPath string) (func(part string) int, *kube.Client) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfigPath)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var paths []string
	c := clientOf(t, config, func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.URL.Path)
		return false
	})
	return func(part string) int {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, p := range paths {
			if strings.Contains(p, part) {
				n++
			}
		}
		return n
	}, c
}
