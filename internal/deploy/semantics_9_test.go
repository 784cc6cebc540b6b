package deploy_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// deployer is a user with a Role for what an app of ConfigMaps and Deployments
// needs, and the lab seen by that user.
func (l *lab) deployer() (*kubetest.Restricted, *lab) {
	l.t.Helper()
	u := kubetest.User(l.t, l.ns,
		kubetest.Rule("get,list,watch,create,update,patch,delete", "", "configmaps,secrets,services,serviceaccounts"),
		kubetest.Rule("get,list,watch", "", "pods,events"),
		kubetest.Rule("get,create,update,delete", "coordination.k8s.io", "leases"),
		kubetest.Rule("get,list,watch,create,patch,delete", "apps", "deployments"),
		kubetest.Rule("get,list,watch", "apps", "replicasets"),
	)
	return u, l.as(u.Client)
}

func TestSemantics_9_1_ANamespacedRoleIsEnough(t *testing.T) {
	l := newLab(t)
	_, as := l.deployer()
	s := as.snap("shop", configMap("a"), configMap("b"), deployment("web", "registry.example/web:1", 1))
	as.deploy(s)
	if out := as.deploy(s); !out.Unchanged {
		t.Errorf("second deploy: %+v", out)
	}
	as.deploy(as.snap("shop", configMap("a", "v", "two"), deployment("web", "registry.example/web:1", 1)))
	if _, err := as.engine.Status(t.Context(), "shop", l.ns, true); err != nil {
		t.Errorf("status: %v", err)
	}
	if _, err := as.engine.Rollback(t.Context(), "shop", l.ns, 0, as.options()); err != nil {
		t.Errorf("rollback: %v", err)
	}
	as.delete("shop")
	l.wantNothing("shop")
}

const clusterRole = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: NAMESPACE}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}"

func (l *lab) dropClusterRole() {
	l.t.Cleanup(func() {
		kubetest.As(l.t, "test").Drop(object.Ref{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: l.ns})
	})
}

func TestSemantics_9_1_ClusterScopedObjectsFailThePreflight(t *testing.T) {
	l := newLab(t)
	_, as := l.deployer()
	_, err := as.try(as.snap("shop", configMap("a"), clusterRole))
	wantFault(t, err, fault.Denied, "clusterroles.rbac.authorization.k8s.io at the cluster scope", "create", "--assume-cluster-objects")
	if fault.KindOf(err).ExitCode() != 4 {
		t.Errorf("exit code %d", fault.KindOf(err).ExitCode())
	}
	if w := as.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("written: %v", w)
	}
}

func TestSemantics_9_1_UnlessAllowed(t *testing.T) {
	l := newLab(t)
	l.dropClusterRole()
	u, as := l.deployer()
	u.AllowCluster(
		kubetest.Rule("get,list,watch,create,patch,delete", "rbac.authorization.k8s.io", "clusterroles"),
		kubetest.Rule("get", "", "pods"))
	as.deploy(as.snap("shop", configMap("a"), clusterRole))
	as.delete("shop")
	l.wantNothing("shop")
}

func TestSemantics_9_1_UnlessTheyExistAsDeclared(t *testing.T) {
	l := newLab(t)
	l.dropClusterRole()
	u, as := l.deployer()
	u.AllowCluster(kubetest.Rule("get", "rbac.authorization.k8s.io", "clusterroles"))
	assume := func(o *deploy.Options) { o.AssumeClusterObjects = true }
	s := as.snap("shop", configMap("a"), clusterRole)

	_, err := as.try(s, assume)
	wantFault(t, err, fault.Denied, "does not exist")
	kubetest.Apply(t, "", strings.ReplaceAll(strings.Replace(clusterRole, "[get]", "[list]", 1), "NAMESPACE", l.ns))
	_, err = as.try(s, assume)
	wantFault(t, err, fault.Denied, "differs", ".rules[0].verbs[0]")
	kubetest.As(t, "admin").Update(strings.ReplaceAll(clusterRole, "NAMESPACE", l.ns))
	as.deploy(s, assume)
	if p := as.plan(s, assume); len(p.Plan.Warnings) == 0 {
		t.Error("nobody says that the object is only assumed")
	}
	if items := l.record("shop").Items; len(items) != 1 {
		t.Errorf("inventory: %+v", items)
	}
	as.delete("shop")
	if l.person().Get(object.Ref{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: l.ns}) == nil {
		t.Error("an assumed object was deleted")
	}
}

func TestSemantics_9_2_MissingVerbsAreNamedBeforeTheFirstWrite(t *testing.T) {
	l := newLab(t)
	u := kubetest.User(t, l.ns,
		kubetest.Rule("get,list,watch,create,patch,delete", "", "configmaps"),
		kubetest.Rule("get,list,create", "", "secrets"),
		kubetest.Rule("get,list", "apps", "deployments"))
	as := l.as(u.Client)
	_, err := as.try(as.snap("shop", configMap("a"), deployment("web", "registry.example/web:1", 1)))
	wantFault(t, err, fault.Denied, u.Name,
		"create, patch, watch deployments.apps in namespace "+l.ns,
		"update, delete secrets in namespace "+l.ns,
		"get, create, update leases.coordination.k8s.io in namespace "+l.ns)
	if strings.Contains(err.Error(), "configmaps") {
		t.Errorf("what is allowed is listed too: %v", err)
	}
	if w := as.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("written: %v", w)
	}
}

// A delete waits until the objects are gone, which needs the right to watch.
func TestSemantics_9_2_ADeleteIsForeseenToo(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a"), configMap("b")))
	u := kubetest.User(t, l.ns,
		kubetest.Rule("get,list,create,patch", "", "configmaps"),
		kubetest.Rule("get,list,create,update,delete", "", "secrets"),
		kubetest.Rule("get,create,update", "coordination.k8s.io", "leases"))
	as := l.as(u.Client)
	_, err := as.try(as.snap("shop", configMap("a")))
	wantFault(t, err, fault.Denied, "delete, watch configmaps in namespace "+l.ns)
	_, err = as.engine.Delete(t.Context(), "shop", l.ns, as.options())
	wantFault(t, err, fault.Denied, "delete, watch configmaps in namespace "+l.ns, "delete leases.coordination.k8s.io in namespace "+l.ns)
	if w := as.spy.requests(request.writes); len(w) > 0 {
		t.Errorf("written: %v", w)
	}
}

func TestSemantics_9_2_OneRulesReviewPerNamespace(t *testing.T) {
	l := newLab(t)
	var rules, access atomic.Int64
	l.spy.Cluster = kubetest.Proxied(t, func(_ http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/selfsubjectrulesreviews"):
			rules.Add(1)
		case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews"):
			access.Add(1)
		}
		return false
	})
	l.deploy(l.snap("shop", configMap("a"), configMap("b"), deployment("web", "registry.example/web:1", 0)))
	if rules.Load() != 1 || access.Load() != 0 {
		t.Errorf("%d rules reviews and %d access reviews for one namespace", rules.Load(), access.Load())
	}
	rules.Store(0)
	l.dropClusterRole()
	l.deploy(l.snap("shop", configMap("a"), configMap("b"), deployment("web", "registry.example/web:1", 0), clusterRole))
	if rules.Load() != 1 || access.Load() == 0 {
		t.Errorf("%d rules reviews and %d access reviews with a cluster-scoped object", rules.Load(), access.Load())
	}
}

func TestSemantics_9_2_ScopeOfNewKindsIsReadFromTheSet(t *testing.T) {
	l := newLab(t)
	u, as := l.deployer()
	_, err := as.try(as.snap("shop", l.widgets(), l.widget("w", "color: blue")))
	wantFault(t, err, fault.Denied,
		"customresourcedefinitions.apiextensions.k8s.io at the cluster scope", "widgets."+l.group()+" in namespace "+l.ns)
	u.AllowCluster(kubetest.Rule("get,list,watch,create,patch,delete", "apiextensions.k8s.io", "customresourcedefinitions"))
	u.Allow(l.ns, kubetest.Rule("get,list,watch,create,patch,delete", l.group(), "widgets"))
	as.deploy(as.snap("shop", l.widgets(), l.widget("w", "color: blue")))
	if l.person().Get(l.widgetRef("w")) == nil {
		t.Error("the custom resource is not there")
	}
}

func TestSemantics_9_2_EscalationIsSaidWhenItHits(t *testing.T) {
	l := newLab(t)
	u, as := l.deployer()
	u.Allow(l.ns, kubetest.Rule("get,list,watch,create,patch,delete", "rbac.authorization.k8s.io", "roles"))
	_, err := as.try(as.snap("shop", "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: power}, rules: [{apiGroups: [''], resources: [nodes], verbs: [delete]}]}"))
	wantFault(t, err, fault.Denied, "power", "escalate")
	if r := l.record("shop").Head.Latest(); r.Status != "failed" {
		t.Errorf("release: %+v", r)
	}
}

func TestSemantics_9_3_ServerSidePlansNeedPatch(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "v", "one")))
	u := kubetest.User(t, l.ns, kubetest.Rule("get,list,watch", "", "configmaps,secrets"))
	as := l.as(u.Client)
	_, err := as.engine.Plan(t.Context(), as.snap("shop", configMap("a", "v", "two")), as.options())
	wantFault(t, err, fault.Denied, "patch", "configmaps in namespace "+l.ns)
}

func TestSemantics_9_3_WithoutRightsAPreviewComparesWithTheLastRelease(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "v", "one"), configMap("b"), configMap("same"),
		"{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: correcthorse}}"))
	u := kubetest.User(t, l.ns, kubetest.Rule("get", "", "secrets"))
	as := l.as(u.Client)
	p, err := as.engine.Preview(t.Context(), as.snap("shop", configMap("a", "v", "two"), configMap("c"), configMap("same"),
		"{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: batterystaple}}"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Changes {
		line := string(c.Action) + " " + c.Ref.Name
		for _, f := range c.Fields {
			line += " " + f.Path
		}
		got = append(got, line)
	}
	want := []string{"create c", "update a data.v", "update s data.password", "delete b"}
	if diff := cmp.Diff(sortedStrings(want), sortedStrings(got)); diff != "" {
		t.Errorf("preview (-want +got):\n%s", diff)
	}
	if w := as.spy.requests(func(r request) bool { return r.verb != "get" || r.ref.Kind != "Secret" }); len(w) > 0 {
		t.Errorf("a preview made requests beyond the record: %v", w)
	}
	first, err := as.engine.Preview(t.Context(), as.snap("new", configMap("x")))
	if err != nil || len(first.Changes) != 1 || first.Changes[0].Action != "create" {
		t.Errorf("preview of a first deploy: %+v, %v", first, err)
	}
}

func TestSemantics_9_3_WebhooksWithoutDryRunAreNamedAndSkipped(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a", "v", "one"), configMap("b")))
	// admissionregistration v1 knows no such webhook any more; clusters that
	// carry one over from older versions answer like this.
	l.spy.Cluster = kubetest.Proxied(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch || r.URL.Query().Get("dryRun") == "" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"BadRequest","code":400,
			"message":"admission webhook \"picky.example.com\" does not support dry run"}`))
		return true
	})
	p := l.plan(l.snap("shop", configMap("a", "v", "two"), configMap("b")))
	if diff := cmp.Diff([]string{"update ConfigMap a"}, actions(p)); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if text := strings.Join(p.Plan.Warnings, "\n"); !strings.Contains(text, "picky.example.com") || !strings.Contains(text, "ConfigMap "+l.ns+"/a") {
		t.Errorf("the webhook is not named: %s", text)
	}
}
