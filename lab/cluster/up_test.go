package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tugops/tug/lab/cluster/internal/cli"
	"github.com/tugops/tug/lab/cluster/internal/cluster"
	"github.com/tugops/tug/lab/cluster/internal/process"
)

// TestMain lets the test binary stand in for labcluster: up starts its children
// by running its own executable again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "run" {
		os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestCluster takes one cluster through its life, in order.
func TestCluster(t *testing.T) {
	lab := newLab(t)
	steps := []struct {
		name string
		run  func(*testing.T, *testLab)
	}{
		{"two ups at once", testConcurrentUp},
		{"status", testStatus},
		{"up of a running cluster", testSecondUp},
		{"deployment", testDeployment},
		{"missing", testMissing},
		{"crash", testCrash},
		{"hang", testHang},
		{"jobs", testJobs},
		{"init containers", testInitContainers},
		{"claims", testClaims},
		{"logs", testLogs},
		{"user", testUser},
		{"token", testToken},
		{"custom resources", testCustomResource},
		{"garbage", testGarbage},
		{"killed component", testKilledComponent},
		{"damaged state", testDamagedState},
		{"down", testDown},
	}
	for _, step := range steps {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, lab) }) && step.name == steps[0].name {
			t.FailNow()
		}
	}
}

// testLab is the cluster under test.
type testLab struct {
	dir string
}

func newLab(t *testing.T) *testLab {
	dir := filepath.Join(t.TempDir(), "lab")
	t.Cleanup(func() { _ = cluster.Down(context.Background(), cluster.Folder(dir), false) })
	return &testLab{dir: dir}
}

func (l *testLab) command(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = cli.Main(append(args, "--dir", l.dir), &out, &err)
	return code, out.String(), err.String()
}

func (l *testLab) must(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := l.command(args...)
	if code != 0 {
		t.Fatalf("labcluster %v: exit code %d\n%s", args, code, stderr)
	}
	return stdout, stderr
}

// client returns a client for a kubeconfig, by default the administrator's.
func (l *testLab) client(t *testing.T, kubeconfig string) *kubernetes.Clientset {
	t.Helper()
	if kubeconfig == "" {
		kubeconfig = filepath.Join(l.dir, "kubeconfig")
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func testConcurrentUp(t *testing.T, l *testLab) {
	extra := filepath.Join(t.TempDir(), "copy")
	var group sync.WaitGroup
	for _, args := range [][]string{{"up", "--nodes", "2"}, {"up", "--nodes", "2", "--kubeconfig", extra}} {
		group.Go(func() {
			code, stdout, stderr := l.command(args...)
			if code != 0 || !strings.HasPrefix(stdout, "export KUBECONFIG=") {
				t.Errorf("labcluster %v: exit code %d, stdout %q\n%s", args, code, stdout, stderr)
			}
		})
	}
	group.Wait()
	first, _ := os.ReadFile(filepath.Join(l.dir, "kubeconfig"))
	second, err := os.ReadFile(extra)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("kubeconfigs differ (%v)", err)
	}
	nodes, err := l.client(t, "").CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 2 {
		t.Errorf("nodes: %v, %v", nodes, err)
	}
}

func testStatus(t *testing.T, l *testLab) {
	if out, _ := l.must(t, "status", "--output", "json"); strings.Count(out, `"alive": true`) != 5 {
		t.Errorf("status: %s", out)
	}
}

func testSecondUp(t *testing.T, l *testLab) {
	before, _ := os.ReadFile(filepath.Join(l.dir, "kubeconfig"))
	if _, stderr := l.must(t, "up", "--nodes", "3"); !strings.Contains(stderr, "already running, 3 nodes") {
		t.Errorf("progress: %s", stderr)
	}
	if after, _ := os.ReadFile(filepath.Join(l.dir, "kubeconfig")); !bytes.Equal(before, after) {
		t.Error("kubeconfig changed")
	}
}

func testKilledComponent(t *testing.T, l *testLab) {
	status, err := cluster.GetStatus(t.Context(), cluster.Folder(l.dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(status.Components[1].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, func() error {
		if code, _, _ := l.command("status"); code != 1 {
			return errorf("status: exit code %d", code)
		}
		return nil
	})
	if _, stderr := l.must(t, "up"); !strings.Contains(stderr, "restarting on the data") {
		t.Errorf("progress: %s", stderr)
	}
	if _, err := l.client(t, "").AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{}); err != nil {
		t.Errorf("data of the last run: %v", err)
	}
	l.createPod(t, "after", nil, podSpec("nginx:1"))
	l.awaitPod(t, "after", ready)
}

func testDamagedState(t *testing.T, l *testLab) {
	if err := os.WriteFile(filepath.Join(l.dir, "state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr := l.must(t, "up"); !strings.Contains(stderr, "starting anew") {
		t.Errorf("progress: %s", stderr)
	}
	owned, err := process.Owned(l.dir)
	if err != nil || len(owned) != 5 {
		t.Errorf("processes after a new start: %v, %v", owned, err)
	}
}

func testDown(t *testing.T, l *testLab) {
	l.must(t, "down")
	l.must(t, "down")
	if owned, err := process.Owned(l.dir); err != nil || len(owned) != 0 {
		t.Errorf("processes left: %v, %v", owned, err)
	}
	if code, _, _ := l.command("status"); code != 1 {
		t.Errorf("status: exit code %d", code)
	}
	l.must(t, "down", "--purge")
	if code, _, stderr := l.command("status"); code != 1 || !strings.Contains(stderr, "no cluster") {
		t.Errorf("status: exit code %d, %s", code, stderr)
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	lab := newLab(t)
	code, _, stderr := lab.command("up", "--timeout", "400ms")
	if code != 1 || !strings.Contains(stderr, "last lines of its log") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if owned, err := process.Owned(lab.dir); err != nil || len(owned) != 0 {
		t.Errorf("processes left: %v, %v", owned, err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"up", "--nodes", "x"}, {"up", "--nodes", "-1"}, {"status", "-o", "yaml"}, {"user"}} {
		if code, _, stderr := newLab(t).command(args...); code != 2 {
			t.Errorf("labcluster %v: exit code %d, %s", args, code, stderr)
		}
	}
}
