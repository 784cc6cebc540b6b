package cluster

import (
	"net/url"
	"testing"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, url, want string }{
		{"GET", "/api/v1/namespaces/shop/secrets/tug.shop", "get"},
		{"GET", "/api/v1/namespaces/shop/secrets?labelSelector=a%3Db", "list"},
		{"GET", "/api/v1/namespaces/shop", "get"},
		{"GET", "/api/v1/namespaces", "list"},
		{"GET", "/apis/apps/v1/namespaces/shop/deployments", "list"},
		{"GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale", "get"},
		{"GET", "/apis/apps/v1/deployments?watch=true&resourceVersion=4", "watch"},
		{"GET", "/apis/apps/v1/deployments?watch=1", "watch"},
		{"GET", "/api", "discovery"},
		{"GET", "/apis", "discovery"},
		{"GET", "/apis/apps/v1", "discovery"},
		{"GET", "/api/v1", "discovery"},
		{"GET", "/version", "discovery"},
		{"GET", "/openapi/v3", "discovery"},
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "review"},
		{"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "review"},
		{"POST", "/api/v1/namespaces/shop/secrets", "write"},
		{"PATCH", "/api/v1/namespaces/shop/secrets/a?fieldManager=tug&force=true", "write"},
		{"PATCH", "/api/v1/namespaces/shop/secrets/a?dryRun=All", "dry-run"},
		{"DELETE", "/api/v1/namespaces/shop/secrets/a", "write"},
		{"PUT", "/apis/coordination.k8s.io/v1/namespaces/shop/leases/tug", "write"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := classify(c.method, u); got != c.want {
			t.Errorf("%s %s is %q, want %q", c.method, c.url, got, c.want)
		}
	}
}
