package api_test

import (
	"net/http"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/tugops/tug/internal/api"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
)

// token is that of a user on the lab cluster.
func token(t *testing.T, u *kubetest.Restricted) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(u.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return config.AuthInfos["user"].Token
}

// TestTheClusterDecides: the API refuses a user whom the cluster would refuse,
// and shows of an app what that user could read there.
func TestTheClusterDecides(t *testing.T) {
	t.Parallel()
	one, two := kubetest.Namespace(t), kubetest.Namespace(t)
	server, log := serve(t, api.Config{State: state{one, two}, Callers: kube.Callers{Client: kubetest.Client(t)}})
	nobody := token(t, kubetest.User(t, one))
	viewer := token(t, kubetest.User(t, one, kubetest.Rule("get,list", "", "pods"), kubetest.Rule("get", "apps", "deployments")))
	named := token(t, kubetest.User(t, one, kubetest.Rule("list", "", "pods"), kubetest.Rule("get", "", "secrets", "db")))
	both := kubetest.User(t, one, kubetest.Rule("list", "", "pods"))
	both.Allow(two, kubetest.Rule("list", "", "pods"))
	for _, tc := range []struct {
		who, token, path string
		code             int
		has, hasNot      string
	}{
		{"nobody", nobody, "/api/v1/apps", 200, `{"items":[]}`, "shop"},
		{"nobody", nobody, "/api/v1/apps/" + one + "/shop", 404, "that you may see", "ready"},
		{"nobody", nobody, "/api/v1/apps/" + one + "/shop/plan", 404, "that you may see", "replicas"},
		{"viewer", viewer, "/api/v1/apps", 200, `"name":"shop"`, "till"},
		{"viewer", viewer, "/api/v1/apps/" + two + "/till", 404, "that you may see", "failed"},
		{"viewer", viewer, "/api/v1/apps/" + one + "/shop/plan", 200, "spec.replicas", "Secret"},
		{"viewer", viewer, "/api/v1/apps/" + one + "/shop/tree", 200, `"left":4`, "ReplicaSet"},
		{"one object by name", named, "/api/v1/apps/" + one + "/shop/plan", 200, `"kind":"Secret"`, "Deployment"},
		{"both", token(t, both), "/api/v1/apps", 200, `"name":"till"`, ""},
		{"a stranger", "not.a.token", "/api/v1/apps", 401, "does not take this token", "shop"},
		{"a stranger", "not.a.token", "/api/v1/events", 401, "does not take this token", "shop"},
	} {
		res := get(t, server, tc.path, tc.token)
		text := body(t, res)
		if res.StatusCode != tc.code || !strings.Contains(text, tc.has) || tc.hasNot != "" && strings.Contains(text, tc.hasNot) {
			t.Errorf("%s %s: %d %s", tc.who, strings.ReplaceAll(tc.path, one, "one"), res.StatusCode, text)
		}
	}
	for _, secret := range []string{nobody, viewer, named} {
		if strings.Contains(log.String(), secret) {
			t.Error("the log tells a token")
		}
	}
	if res := get(t, server, "/api/v1/apps", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d", res.StatusCode)
	}
}

// TestAdminIsNotTheCaller: the rights of the agent never stand in for those of
// the caller.
func TestAdminIsNotTheCaller(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	c, err := kubetest.Client(t).WithToken(token(t, kubetest.User(t, ns)))
	if err != nil {
		t.Fatal(err)
	}
	if name := c.Identity(t.Context()); !strings.HasPrefix(name, "system:serviceaccount:"+ns+":") {
		t.Errorf("acts as %q", name)
	}
	if _, err := kubetest.Client(t).WithToken(""); err == nil {
		t.Error("no token is taken for one")
	}
}
