package deploy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// order is the order in which objects were written or deleted first.
func (l *lab) order(verb string) []string {
	var out []string
	for _, r := range l.spy.requests(func(r request) bool { return r.verb == verb }) {
		name := r.ref.Kind + " " + r.ref.Name
		if r.ref.Kind != "Secret" && r.ref.Kind != "Lease" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// before checks that each of the names comes before the next.
func wantOrder(t *testing.T, got []string, names ...string) {
	t.Helper()
	last := -1
	for _, n := range names {
		i := slices.Index(got, n)
		if i < last {
			t.Errorf("%q comes too early in %v, want the order %v", n, got, names)
		}
		if i < 0 {
			t.Errorf("%q is not in %v", n, got)
		}
		last = i
	}
}

func TestSemantics_8_1_OrderAndReverse(t *testing.T) {
	l := newLab(t)
	extra := object.Ref{Kind: "Namespace", Name: l.ns + "-two"}
	t.Cleanup(func() { kubetest.As(t, "test").Drop(extra) })
	webhook := `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAMESPACE}
webhooks:
- name: w.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: {service: {namespace: NAMESPACE, name: web}}
  namespaceSelector: {matchLabels: {never: "true"}}
  rules: [{apiGroups: [example.com], apiVersions: [v1], operations: [CREATE], resources: [nothings]}]
`
	docs := []string{
		webhook, l.widget("w", "color: blue"), deployment("web", "registry.example/web:1", 1),
		"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {run: web}, ports: [{port: 80}]}}",
		configMap("settings"),
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: runner}}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: reader}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}",
		l.widgets(), "{apiVersion: v1, kind: Namespace, metadata: {name: NAMESPACE-two}}",
		strings.Replace(configMap("far"), "{name: far}", "{name: far, namespace: NAMESPACE-two}", 1),
	}
	l.deploy(l.snap("shop", docs...))
	got := l.order("apply")
	crd := "CustomResourceDefinition widgets." + l.group()
	hook := "ValidatingWebhookConfiguration " + l.ns
	for _, config := range []string{"ConfigMap settings", "ServiceAccount runner", "Role reader", "ConfigMap far"} {
		wantOrder(t, got, crd, config, "Deployment web", "Widget w", hook)
		wantOrder(t, got, "Namespace "+l.ns+"-two", config, "Service web", "Widget w")
	}
	l.spy.reset()
	l.delete("shop")
	gone := l.order("delete")
	for _, config := range []string{"ConfigMap settings", "ServiceAccount runner", "Role reader"} {
		wantOrder(t, gone, hook, "Widget w", "Deployment web", config, crd)
		wantOrder(t, gone, hook, "Service web", config, "Namespace "+l.ns+"-two")
	}
	l.wantNothing("shop")
}

// Every kind that the statement names is in its group, in the plan for this
// very API server, whatever the order in the repository.
func TestSemantics_8_1_EachKindIsInItsGroup(t *testing.T) {
	l := newLab(t)
	named := func(apiVersion, kind string, rest ...string) string {
		return "{apiVersion: " + apiVersion + ", kind: " + kind + ", metadata: {name: NAMESPACE-x}" + strings.Join(rest, "") + "}"
	}
	late := []string{
		named("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
		named("apiregistration.k8s.io/v1", "APIService"),
	}
	workloads := []string{
		named("v1", "Service"), named("apps/v1", "StatefulSet"), named("apps/v1", "DaemonSet"), named("batch/v1", "CronJob"),
		named("networking.k8s.io/v1", "Ingress"), named("autoscaling/v2", "HorizontalPodAutoscaler"),
	}
	config := []string{
		named("rbac.authorization.k8s.io/v1", "RoleBinding"), named("rbac.authorization.k8s.io/v1", "ClusterRole"),
		named("v1", "ServiceAccount"), named("v1", "ConfigMap"), named("v1", "Secret"),
		named("storage.k8s.io/v1", "StorageClass"), named("v1", "PersistentVolume"), named("v1", "PersistentVolumeClaim"),
		named("v1", "ResourceQuota"), named("v1", "LimitRange"), named("scheduling.k8s.io/v1", "PriorityClass"),
	}
	p := l.plan(l.snap("shop", slices.Concat(late, []string{l.widget("w", "size: 1")}, workloads, config,
		[]string{l.widgets(), named("v1", "Namespace")})...))
	got := map[string]int{}
	last := plan.StageDefinitions
	for _, c := range p.Plan.Changes {
		if c.Stage < last {
			t.Errorf("%s of %s comes after %s", c.Ref, c.Stage, last)
		}
		last = c.Stage
		got[c.Stage.String()]++
	}
	want := map[string]int{
		"namespaces and definitions": 2, "configuration": len(config), "workloads": len(workloads), "custom resources": 1, "webhooks": len(late),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects by group (-want +got):\n%s", diff)
	}
}

// A barrier is not only an order of requests: nothing of a group is sent
// before everything of the group before is confirmed.
func TestSemantics_8_1_EachGroupIsABarrier(t *testing.T) {
	l := newLab(t)
	var open atomic.Int64
	broken := atomic.Bool{}
	l.spy.before = func(r request) error {
		if r.verb == "apply" && r.ref.Kind == "ConfigMap" {
			open.Add(1)
		}
		if r.verb == "apply" && r.ref.Kind == "Deployment" && open.Load() > 0 {
			broken.Store(true)
		}
		return nil
	}
	l.spy.after = func(r request) {
		if r.verb == "apply" && r.ref.Kind == "ConfigMap" {
			open.Add(-1)
		}
	}
	docs := many(40)
	for i := range 10 {
		docs = append(docs, deployment(fmt.Sprintf("d%d", i), "registry.example/web:1", 0))
	}
	l.deploy(l.snap("shop", docs...))
	if broken.Load() {
		t.Error("a workload was sent while configuration was under way")
	}
}

func hookJob(name, events string, more ...string) string {
	lines := ""
	for i := 0; i+1 < len(more); i += 2 {
		lines += "\n    " + more[i] + ": \"" + more[i+1] + "\""
	}
	return `apiVersion: batch/v1
kind: Job
metadata:
  name: ` + name + `
  annotations:
    helm.sh/hook: ` + events + lines + `
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "registry.example/job:1"}]
`
}

func TestSemantics_8_2_HooksAreBarriersInWeightOrder(t *testing.T) {
	l := newLab(t)
	docs := []string{
		configMap("a"), deployment("web", "registry.example/web:1", 1),
		hookJob("late", "pre-install,pre-upgrade", "helm.sh/hook-weight", "5"),
		hookJob("early", "pre-install", "helm.sh/hook-weight", "-5"),
		hookJob("after", "post-install"),
		hookJob("tidy", "post-install", "helm.sh/hook-delete-policy", "hook-succeeded"),
	}
	l.deploy(l.snap("shop", docs...))
	wantOrder(t, l.order("apply"), "Job early", "Job late", "ConfigMap a", "Deployment web", "Job after")
	if l.get("Job.batch", "tidy") != nil {
		t.Error("a hook with hook-succeeded is still there")
	}
	if l.get("Job.batch", "early") == nil {
		t.Error("a hook with the default policy is gone before the next run")
	}
	// The next run replaces it before it is created again, and only those of
	// an upgrade run.
	uid := l.get("Job.batch", "late").UID()
	l.spy.reset()
	l.deploy(l.snap("shop", append(docs[1:], configMap("a", "v", "two"))...))
	if diff := cmp.Diff([]string{"Job late", "ConfigMap a"}, l.order("apply")); diff != "" {
		t.Errorf("applied by the upgrade (-want +got):\n%s", diff)
	}
	if l.get("Job.batch", "late").UID() == uid {
		t.Error("the hook was not made anew")
	}
	l.delete("shop")
	l.wantNothing("shop")
}

func TestSemantics_8_2_HooksRunOnlyWithChanges(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"), hookJob("migrate", "pre-install,pre-upgrade"))
	l.deploy(s)
	l.spy.reset()
	if out := l.deploy(s); !out.Unchanged {
		t.Errorf("outcome: %+v", out)
	}
	if w := l.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("written: %v", w)
	}
}

func TestSemantics_8_2_AFailedHookStopsTheDeploy(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"), strings.Replace(hookJob("migrate", "pre-install"), "job:1", "lab-fail:1", 1))
	_, err := l.try(s)
	if err == nil || !strings.Contains(err.Error(), "migrate") {
		t.Fatalf("got %v", err)
	}
	if l.get("ConfigMap", "a") != nil {
		t.Error("objects were applied after a failed hook")
	}
	if r := l.record("shop").Head.Latest(); r.Status != inventory.Failed || !strings.Contains(r.Error, "migrate") {
		t.Errorf("release: %+v", r)
	}
	// Once it is mended the deploy goes on as an install.
	l.deploy(l.snap("shop", configMap("a"), hookJob("migrate", "pre-install")))
	if l.get("ConfigMap", "a") == nil {
		t.Error("the mended deploy did nothing")
	}
}

func TestSemantics_8_2_OtherHooksAreNeverPlainObjects(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"), hookJob("check", "test"), hookJob("undo", "pre-rollback"), hookJob("bye", "pre-delete"),
		hookJob("gone", "post-delete"), hookJob("odd", "pre-lunch"))
	l.deploy(s)
	for _, name := range []string{"check", "undo", "bye", "gone", "odd"} {
		if l.get("Job.batch", name) != nil {
			t.Errorf("%s was applied", name)
		}
	}
	if items := l.record("shop").Items; len(items) != 1 {
		t.Errorf("inventory: %+v", items)
	}
	l.spy.reset()
	l.delete("shop")
	if diff := cmp.Diff([]string{"Job bye", "Job gone"}, l.order("apply")); diff != "" {
		t.Errorf("hooks of the delete (-want +got):\n%s", diff)
	}
	l.wantNothing("shop")
}

func TestSemantics_8_3_WaitsAreWatchesAtTheObservedGeneration(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:1", 2)))
	ready := func() bool { return field(l.get("Deployment.apps", "web"), "status", "readyReplicas") == int64(2) }
	if !ready() {
		t.Error("the deploy ended before the pods were ready")
	}
	l.spy.reset()
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:2", 2)))
	o := l.get("Deployment.apps", "web")
	if field(o, "status", "observedGeneration") != field(o, "metadata", "generation") || field(o, "status", "updatedReplicas") != int64(2) {
		t.Errorf("the deploy ended before the rollout: %v", o.Fields["status"])
	}
	if w := l.spy.requests(func(r request) bool { return r.verb == "watch" && r.ref.Kind == "Deployment" }); len(w) != 1 {
		t.Errorf("watches: %v", w)
	}
	polls := l.spy.requests(func(r request) bool { return r.ref.Kind == "Deployment" && (r.verb == "get" || r.verb == "list") })
	if len(polls) > 2 {
		t.Errorf("the wait polls: %v", polls)
	}
}

func TestSemantics_8_3_AFailureSaysWhy(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", deployment("web", "registry.example/web:1", 1)))
	_, err := l.try(l.snap("shop", deployment("web", "registry.example/lab-missing:2", 1)),
		func(o *deploy.Options) { o.Timeout = 20 * time.Second })
	wantFault(t, err, fault.NotReady, "Deployment "+l.ns+"/web", "ImagePull", "lab-missing:2", "event: Failed")
	if fault.KindOf(err).ExitCode() != 6 {
		t.Errorf("exit code %d", fault.KindOf(err).ExitCode())
	}
	if r := l.record("shop").Head.Latest(); r.Status != inventory.Failed || !strings.Contains(r.Error, "ImagePull") {
		t.Errorf("release: %+v", r)
	}
	// Trying again without a change waits again, and does not say it is well.
	_, err = l.try(l.snap("shop", deployment("web", "registry.example/lab-missing:2", 1)),
		func(o *deploy.Options) { o.Timeout = 2 * time.Second })
	wantFault(t, err, fault.NotReady)
	if _, err := l.engine.Rollback(t.Context(), "shop", l.ns, 0, l.options()); err != nil {
		t.Fatalf("rollback: %v", err)
	}
	if got := field(l.get("Deployment.apps", "web"), "spec", "template", "spec", "containers", "main", "image"); got != "registry.example/web:1" {
		t.Errorf("image %v after the rollback", got)
	}
}

func TestSemantics_8_3_ARetryAfterAFailedWaitRecordsSuccess(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", deployment("web", "registry.example/lab-hang:1", 1))
	_, err := l.try(s, func(o *deploy.Options) { o.Timeout = time.Second })
	wantFault(t, err, fault.NotReady)
	l.person().JSON(l.ref("Deployment.apps", "web"),
		`[{"op":"add","path":"/spec/template/metadata/annotations","value":{"lab.tug.dev/behaviour":"ready"}}]`)
	if p := l.plan(s); !p.Plan.Empty() || !p.Plan.Unfinished {
		t.Fatalf("the retry has changes: %v", actions(p))
	}
	out := l.deploy(s)
	if out.Unchanged || out.Release.Status != inventory.Deployed || out.Release.Number != 2 {
		t.Errorf("outcome: %+v", out.Release)
	}
	if out := l.deploy(s); !out.Unchanged {
		t.Errorf("then: %+v", out)
	}
}

func TestSemantics_8_3_ACrashShowsTheLog(t *testing.T) {
	l := newLab(t)
	_, err := l.try(l.snap("shop", deployment("web", "registry.example/lab-crash:1", 1)),
		func(o *deploy.Options) { o.Timeout = 15 * time.Second })
	wantFault(t, err, fault.NotReady, "web", "crashes again and again", "exit code 1", "log: lab: container started")
}

func TestSemantics_8_3_WaitsHaveDeadlines(t *testing.T) {
	l := newLab(t)
	started := time.Now()
	_, err := l.try(l.snap("shop", deployment("web", "registry.example/lab-hang:1", 1)),
		func(o *deploy.Options) { o.Timeout = 2 * time.Second })
	wantFault(t, err, fault.NotReady, "--wait-timeout")
	if took := time.Since(started); took > 15*time.Second {
		t.Errorf("a wait of 2s took %s", took)
	}
	// Without waiting it is deployed.
	l.deploy(l.snap("shop", deployment("web", "registry.example/lab-hang:2", 1)), func(o *deploy.Options) { o.NoWait = true })
}

func TestSemantics_8_4_ParallelismIsBounded(t *testing.T) {
	l := newLab(t)
	var now, most atomic.Int64
	l.spy.before = func(r request) error {
		if r.verb != "apply" {
			return nil
		}
		n := now.Add(1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				return nil
			}
		}
	}
	l.spy.after = func(r request) {
		if r.verb == "apply" {
			now.Add(-1)
		}
	}
	l.deploy(l.snap("shop", many(120)...))
	if m := most.Load(); m > 16 || m < 4 {
		t.Errorf("%d applies at once, want up to 16", m)
	}
}

func TestSemantics_8_4_PriorityAndFairnessIsRespected(t *testing.T) {
	l := newLab(t)
	var refused, early atomic.Int64
	var again sync.Map // by path: when it may be sent again
	l.spy.Cluster = kubetest.Proxied(t, func(w http.ResponseWriter, r *http.Request) bool {
		if until, told := again.Load(r.URL.Path); told && time.Now().Before(until.(time.Time)) {
			early.Add(1)
		}
		if r.Method != http.MethodPatch || refused.Load() >= 5 {
			return false
		}
		refused.Add(1)
		again.Store(r.URL.Path, time.Now().Add(time.Second))
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	l.deploy(l.snap("shop", many(20)...))
	if n := l.count("ConfigMap"); n != 20 {
		t.Errorf("%d objects", n)
	}
	if refused.Load() != 5 || early.Load() > 0 {
		t.Errorf("%d requests were refused, %d came again before Retry-After", refused.Load(), early.Load())
	}
}

func TestSemantics_8_4_DiscoveryIsCached(t *testing.T) {
	l := newLab(t)
	var discovery atomic.Int64
	l.spy.Cluster = kubetest.Proxied(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api" || r.URL.Path == "/apis" {
			discovery.Add(1)
		}
		return false
	})
	docs := append(many(50), deployment("web", "registry.example/web:1", 1))
	l.deploy(l.snap("shop", docs...))
	l.deploy(l.snap("shop", docs[1:]...))
	l.delete("shop")
	if n := discovery.Load(); n != 2 {
		t.Errorf("%d discovery requests, want one for each of the two roots", n)
	}
}

func TestSemantics_8_4_NoClientLimit(t *testing.T) {
	l := newLab(t)
	started := time.Now()
	l.deploy(l.snap("shop", many(400)...))
	// client-go's default of 5 requests a second would take 80 s.
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("400 objects took %s", took)
	}
}

// A definition that somebody deleted, and all its objects with it, comes back
// with the next deploy. Each deploy is a process of its own: a client trusts
// in definitions that it applied itself for a while.
func TestSemantics_8_1_ADeletedDefinitionComesBack(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a"), l.widgets(), l.widget("one", "size: 1"))
	l.deploy(s)
	l.undefine()
	l.as(kubetest.Client(t)).deploy(s)
	if l.person().Get(l.widgetRef("one")) == nil {
		t.Error("the custom resource is not back")
	}
	// An object that is no longer declared went with its definition.
	l.undefine()
	l.as(kubetest.Client(t)).deploy(l.snap("shop", configMap("a"), l.widgets(), l.widget("two", "size: 1")))
	if items := l.record("shop").Items; len(items) != 3 {
		t.Errorf("inventory: %v", items)
	}
	l.as(kubetest.Client(t)).delete("shop")
	l.wantNothing("shop")
}

// undefine deletes the definition of the lab's widgets and waits until the
// cluster no longer serves them.
func (l *lab) undefine() {
	l.t.Helper()
	crd := object.Ref{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "widgets." + l.group()}
	l.person().Delete(crd)
	kubetest.Eventually(l.t, 30*time.Second, "kind not served any more", func() bool {
		_, served, err := kubetest.Client(l.t).Scope(l.t.Context(), l.widgetRef("one").GroupKind())
		return err == nil && !served
	})
}
