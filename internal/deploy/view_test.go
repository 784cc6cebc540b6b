package deploy_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func TestStatusSaysHealthDriftAndWhoWrote(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "color", "blue"), configMap("lost"), configMap("plain"), deployment("web", "registry.example/web:1", 2)))
	l.person().Merge(l.ref("ConfigMap", "a"), `{"data":{"color":"red"}}`)
	l.person().Merge(l.ref("ConfigMap", "plain"), `{"metadata":{"labels":{"tug.dev/app":null}}}`)
	l.person().Delete(l.ref("ConfigMap", "lost"))
	s, err := l.engine.Status(t.Context(), "shop", l.ns, true)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]deploy.ObjectStatus{}
	for _, o := range s.Objects {
		got[o.Name] = o
	}
	if len(got) != 4 || s.Release.Number != 1 || s.Ready() || s.Drifted() != 3 || len(s.Warnings) > 0 {
		t.Errorf("status: %d objects, ready %v, %d drifted, %v", len(got), s.Ready(), s.Drifted(), s.Warnings)
	}
	if o := got["web"]; o.Health.State != health.Ready || o.Drift != nil {
		t.Errorf("web: %+v", o)
	}
	if o := got["lost"]; !o.Missing || o.Health.State != health.Failed || o.Drift == nil {
		t.Errorf("lost: %+v", o)
	}
	a := got["a"]
	if a.Drift == nil || a.Drift.Fields[0].Path != "data.color" || a.Drift.Fields[0].Manager != "kubectl-edit" {
		t.Errorf("a: %+v", a.Drift)
	}
	if len(a.Others) != 1 || a.Others[0].Manager != "kubectl-edit" || a.Others[0].Time.IsZero() {
		t.Errorf("who wrote a: %+v", a.Others)
	}
	if o := got["plain"]; o.Missing || o.UID == "" {
		t.Errorf("an object that lost its label is not found: %+v", o)
	}
	_, err = l.engine.Status(t.Context(), "none", l.ns, false)
	wantFault(t, err, fault.NotFound, "none", "shop")
}

func TestStatusSaysWhatDriftCannotBeFoundOut(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a")))
	l.person().Merge(l.ref("ConfigMap", "a"), `{"metadata":{"labels":{"tug.dev/app":"0123456789abcdef"},"annotations":{"tug.dev/owner":"else/where"}}}`)
	s, err := l.engine.Status(t.Context(), "shop", l.ns, true)
	if err != nil || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "else/where") {
		t.Errorf("warnings: %v, %v", s.Warnings, err)
	}
}

// kinds flattens a tree to "Kind" or "Parent > Kind".
func kinds(nodes []*deploy.Node, under string) []string {
	var out []string
	for _, n := range nodes {
		name := strings.TrimPrefix(under+" > "+n.Kind, " > ")
		out = append(out, name)
		out = append(out, kinds(n.Children, name)...)
	}
	return out
}

func TestTreeShowsWhatControllersMade(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), deployment("web", "registry.example/web:1", 2),
		"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {run: web}, ports: [{port: 80}]}}"))
	want := []string{
		"ConfigMap", "Deployment", "Deployment > ReplicaSet", "Deployment > ReplicaSet > Pod", "Deployment > ReplicaSet > Pod",
		"Service", "Service > EndpointSlice",
	}
	var got []string
	kubetest.Eventually(t, 10*time.Second, "the whole tree", func() bool {
		roots, err := l.engine.Tree(t.Context(), "shop", l.ns)
		if err != nil {
			t.Fatal(err)
		}
		got = sortedStrings(kinds(roots, ""))
		return slices.Equal(want, got)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	pods, err := l.engine.Pods(t.Context(), "shop", l.ns)
	if err != nil || len(pods) != 2 {
		t.Errorf("%d pods, %v", len(pods), err)
	}
}

func TestLogs(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:1", 2)))
	pods := map[string]bool{}
	err := l.engine.Logs(t.Context(), "shop", l.ns, deploy.LogRequest{}, func(line deploy.LogLine) {
		if line.Container != "main" || line.Text == "" {
			t.Errorf("line: %+v", line)
		}
		pods[line.Pod] = true
	})
	if err != nil || len(pods) != 2 {
		t.Errorf("logs of %d pods, %v", len(pods), err)
	}
	err = l.engine.Logs(t.Context(), "shop", l.ns, deploy.LogRequest{Container: "sidecar"}, func(deploy.LogLine) {})
	wantNotFound(t, err)
	l.deploy(l.snap("quiet", configMap("a")))
	wantFault(t, l.engine.Logs(t.Context(), "quiet", l.ns, deploy.LogRequest{}, func(deploy.LogLine) {}), fault.NotFound, "no pods")
}

func wantNotFound(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want not found", err)
	}
}

func TestLogsFollowNewPods(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:1", 1)))
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	pods := map[string]bool{}
	ended := make(chan error, 1)
	go func() {
		ended <- l.engine.Logs(ctx, "shop", l.ns, deploy.LogRequest{LogOptions: object.LogOptions{Follow: true}}, func(line deploy.LogLine) {
			mu.Lock()
			defer mu.Unlock()
			pods[line.Pod] = true
		})
	}()
	seen := func(n int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return len(pods) >= n }
	}
	kubetest.Eventually(t, 20*time.Second, "the log of the first pod", seen(1))
	// A rollout makes a ReplicaSet that nobody knew when following began.
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:2", 1)))
	kubetest.Eventually(t, 20*time.Second, "the log of the new pod", seen(2))
	stop()
	if err := <-ended; err != nil {
		t.Errorf("following ended with %v", err)
	}
}

func TestGeneratedValuesComeFromTheLastRelease(t *testing.T) {
	l := newLab(t)
	if g, err := l.engine.Generated(t.Context(), l.ns, "shop"); g != nil || err != nil {
		t.Errorf("before the first deploy: %v, %v", g, err)
	}
	s := l.snap("shop", configMap("a"))
	s.Generated = map[string]string{"randAlphaNum/1": "x7"}
	l.deploy(s)
	g, err := l.engine.Generated(t.Context(), l.ns, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Generated, g); diff != "" {
		t.Errorf("generated (-want +got):\n%s", diff)
	}
}

func TestVersionMismatchIsAWarning(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"))
	if p := l.plan(s); len(p.Plan.Warnings) > 0 {
		t.Errorf("warnings: %v", p.Plan.Warnings)
	}
	s.KubeVersion = "v1.29.3"
	if p := l.plan(s); len(p.Plan.Warnings) != 1 || !strings.Contains(p.Plan.Warnings[0], "1.29") {
		t.Errorf("warnings: %v", p.Plan.Warnings)
	}
}

func TestExpectedHashAndTheAgent(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"))
	_, err := l.try(s, func(o *deploy.Options) { o.ExpectHash = "another" })
	wantFault(t, err, fault.Conflict, "hash")
	l.deploy(s, func(o *deploy.Options) { o.ExpectHash = l.plan(s).Plan.Hash })

	rec := l.record("shop")
	rec.Head.Controller = inventory.ControllerAgent
	if err := inventory.NewStore(l.spy.Cluster, l.ns, "shop").Save(t.Context(), rec, rec.Head.Epoch); err != nil {
		t.Fatal(err)
	}
	_, err = l.try(s)
	wantFault(t, err, fault.Conflict, "agent", "--take-over")
	l.deploy(s, func(o *deploy.Options) { o.TakeOver = true })
	if c := l.record("shop").Head.Controller; c != inventory.ControllerSuspended {
		t.Errorf("controller is %q", c)
	}
}

func TestErrorsOfReleasesHoldNoSecrets(t *testing.T) {
	l := newLab(t)
	secret := "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: correcthorse}}"
	_, err := l.try(l.snap("shop", secret, "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: correcthorse, ports: [{port: 80}]}}"))
	if err == nil {
		t.Fatal("an invalid Service was accepted")
	}
	if text := l.record("shop").Head.Latest().Error; text == "" || strings.Contains(text, "correcthorse") {
		t.Errorf("recorded: %s", text)
	}
}
