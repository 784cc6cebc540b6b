// Package kubetest gives tests a real API server: clients, namespaces of
// their own, restricted users, and edits as other field managers make them.
//
// TUG_LAB_KUBECONFIG names the kubeconfig of the cluster that all test
// packages share. Without it tests are skipped; with CI=true they fail, so
// that a CI run cannot pass by skipping. It is imported by tests only.
package kubetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tugops/tug/internal/kube"
)

// variable names the kubeconfig of the shared cluster.
const variable = "TUG_LAB_KUBECONFIG"

// Config is the path of the shared cluster's kubeconfig.
func Config(t testing.TB) string {
	t.Helper()
	path := os.Getenv(variable)
	switch {
	case path != "":
		return path
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not set: CI must run this test on a cluster (make lab starts one)", variable)
	default:
		t.Skipf("%s is not set: run `make lab` for a cluster and its kubeconfig", variable)
	}
	return ""
}

// Client is a new client with the rights of the cluster's administrator.
func Client(t testing.TB) *kube.Client {
	t.Helper()
	return connect(t, Config(t))
}

func connect(t testing.TB, kubeconfig string) *kube.Client {
	t.Helper()
	c, err := kube.Connect(kube.Options{Kubeconfig: kubeconfig, UserAgent: "tug-test/" + t.Name()})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return c
}

// Rest is the client-go configuration of the administrator, without limits.
func Rest(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", Config(t))
	if err != nil {
		t.Fatalf("kubeconfig: %v", err)
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	return config
}

// Kubernetes is the typed client, for tests that look behind tug's back.
func Kubernetes(t testing.TB) kubernetes.Interface {
	t.Helper()
	c, err := kubernetes.NewForConfig(Rest(t))
	if err != nil {
		t.Fatalf("typed client: %v", err)
	}
	return c
}

// Dynamic is the client for any kind.
func Dynamic(t testing.TB) dynamic.Interface {
	t.Helper()
	c, err := dynamic.NewForConfig(Rest(t))
	if err != nil {
		t.Fatalf("dynamic client: %v", err)
	}
	return c
}

// Namespace creates a namespace of the test's own, with its default service
// account in place, and deletes it after the test without waiting.
func Namespace(t testing.TB) string {
	t.Helper()
	api, name := Kubernetes(t), Name(t)
	ns := &corev1.Namespace{ObjectMeta: v1.ObjectMeta{Name: name, Labels: map[string]string{"kubetest": "true"}}}
	if _, err := api.CoreV1().Namespaces().Create(t.Context(), ns, v1.CreateOptions{}); err != nil {
		t.Fatalf("create namespace: %v", err)
	}
	t.Cleanup(func() {
		_ = api.CoreV1().Namespaces().Delete(context.Background(), name, v1.DeleteOptions{})
	})
	Eventually(t, 30*time.Second, "default service account", func() bool {
		_, err := api.CoreV1().ServiceAccounts(name).Get(t.Context(), "default", v1.GetOptions{})
		return err == nil
	})
	return name
}

// Name is a new name of at most 50 characters for an object of the test,
// fit for namespaces and DNS labels.
func Name(t testing.TB) string {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		t.Fatalf("random name: %v", err)
	}
	base := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(strings.TrimPrefix(t.Name(), "Test")))
	return "t-" + strings.Trim(base[:min(len(base), 38)], "-") + "-" + hex.EncodeToString(random[:])
}

// Eventually waits until cond holds and fails the test when it does not
// within d. cond is asked at once and then every 20 ms.
func Eventually(t testing.TB, d time.Duration, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s: not within %s", what, d)
		case <-t.Context().Done():
			t.Fatalf("%s: the test ended", what)
		}
	}
}
