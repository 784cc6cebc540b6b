package agent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tugops/tug/internal/agent"
	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

// patience bounds waits for what must happen.
const patience = 60 * time.Second

// lab is an agent on a real cluster, which follows a repository that the test
// makes up.
type lab struct {
	t      *testing.T
	ns     string
	client *kube.Client
	engine *deploy.Engine
	repo   *repository
	facts  *facts
	agent  *agent.Agent
}

func newLab(t *testing.T) *lab {
	t.Helper()
	t.Parallel()
	l := &lab{t: t, ns: kubetest.Namespace(t), client: kubetest.Client(t), facts: &facts{}}
	l.engine = deploy.New(l.client)
	l.repo = &repository{lab: l, apps: map[string]app{}}
	return l
}

// start runs the agent until the test ends.
func (l *lab) start(change ...func(*agent.Options)) {
	l.t.Helper()
	o := agent.Options{
		Engine: l.engine, Watch: l.watchHeads, Cluster: "lab", Facts: l.facts.add,
		Repositories: []agent.Followed{{Repository: l.repo, Interval: time.Hour}},
	}
	for _, f := range change {
		f(&o)
	}
	l.agent = agent.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.agent.Run(ctx) }()
	l.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				l.t.Errorf("agent: %v", err)
			}
		case <-time.After(patience):
			l.t.Error("the agent does not end")
		}
	})
}

func (l *lab) watchHeads(ctx context.Context, namespace string, handle func(agent.HeadChange) bool) error {
	return l.client.Watch(ctx, inventory.SecretGVK(), namespace, inventory.HeadSelector, func(c object.Change) bool {
		if c.Synced {
			return handle(agent.HeadChange{Synced: true})
		}
		if c.Deleted {
			return handle(agent.HeadChange{Deleted: true, Head: inventory.Head{App: inventory.AppOf(c.Object.Name()), Namespace: namespace}})
		}
		h, err := inventory.HeadOf(c.Object)
		if err != nil {
			l.t.Errorf("head: %v", err)
		}
		return handle(agent.HeadChange{Head: h})
	})
}

// push commits apps: what the repository says from now on.
func (l *lab) push(apps ...app) {
	l.t.Helper()
	l.repo.commit(apps...)
	if l.agent != nil {
		l.agent.Hint(l.repo.Name())
	}
}

// waitFor waits for a fact of an app.
func (l *lab) waitFor(kind event.Kind, name string) event.Fact {
	l.t.Helper()
	var found event.Fact
	kubetest.Eventually(l.t, patience, fmt.Sprintf("fact %s of %s", kind, name), func() bool {
		f, ok := l.facts.take(kind, name)
		found = f
		return ok
	})
	return found
}

func (l *lab) head(name string) *inventory.Head {
	l.t.Helper()
	h, err := l.engine.History(l.t.Context(), name, l.ns)
	if err != nil {
		l.t.Fatal(err)
	}
	return h
}

func (l *lab) data(name, key string) string {
	l.t.Helper()
	o, err := l.client.Get(l.t.Context(), kind("", "ConfigMap"), l.ns, name)
	if err != nil {
		l.t.Fatal(err)
	}
	data, _ := o.Fields["data"].(map[string]any)
	text, _ := data[key].(string)
	return text
}

// facts are those that were told and not taken yet.
type facts struct {
	mu   sync.Mutex
	list []event.Fact
	all  []event.Fact
}

func (f *facts) add(e event.Fact) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.all = append(f.list, e), append(f.all, e)
}

func (f *facts) take(kind event.Kind, name string) (event.Fact, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, e := range f.list {
		if e.Kind == kind && e.App == name {
			f.list = append(f.list[:i:i], f.list[i+1:]...)
			return e, true
		}
	}
	return event.Fact{}, false
}

func (f *facts) count(kind event.Kind, name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, e := range f.all {
		if e.Kind == kind && (name == "" || e.App == name) {
			n++
		}
	}
	return n
}

// app is one app of the made-up repository.
type app struct {
	name, yaml string
	needs      []string
	change     func(*agent.App)
}

// repository is a made-up one: each push is a commit.
type repository struct {
	lab *lab

	mu      sync.Mutex
	commits int
	apps    map[string]app
	last    map[string]string // what was rendered last, by app
	broken  error
}

func (r *repository) commit(apps ...app) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits++
	clear(r.apps)
	for _, a := range apps {
		r.apps[a.name] = a
	}
}

func (r *repository) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = err
}

// Name implements agent.Repository.
func (r *repository) Name() string { return "https://git.example.com/config.git" }

// State implements agent.Repository.
func (r *repository) State(context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%040d", r.commits), r.broken
}

// Open implements agent.Repository.
func (r *repository) Open(_ context.Context, state string) (agent.Checkout, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := checkout{declared: deploy.Declared{
		Env: "test", Project: "tug.yaml", Clean: true, Namespaces: []string{r.lab.ns},
		Ancestor: func(context.Context, string) (bool, error) { return true, nil },
	}}
	for _, a := range r.apps {
		c.apps = append(c.apps, r.app(a, state))
		c.declared.Apps = append(c.declared.Apps, object.AppKey(r.lab.ns, a.name))
	}
	return c, nil
}

func (r *repository) app(a app, state string) agent.App {
	out := agent.App{
		Name: a.name, Env: "test", Namespace: r.lab.ns, Revision: snapshot.Revision{Commit: state, Message: "a commit"},
		Options: deploy.Options{Timeout: patience},
	}
	for _, n := range a.needs {
		out.DependsOn = append(out.DependsOn, object.AppKey(r.lab.ns, n))
	}
	out.Find = func(context.Context, func(context.Context) (map[string]string, error)) (agent.Rendered, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if strings.Contains(a.yaml, "BROKEN") {
			return agent.Rendered{}, errors.New("render: the template is broken")
		}
		if r.last == nil {
			r.last = map[string]string{}
		}
		built := r.last[a.name] != a.yaml
		r.last[a.name] = a.yaml
		load := func(context.Context) (*snapshot.Snapshot, error) { return r.lab.snap(a, state), nil }
		return agent.Rendered{Name: a.yaml, Built: built, Load: load}, nil
	}
	if a.change != nil {
		a.change(&out)
	}
	return out
}

type checkout struct {
	apps     []agent.App
	declared deploy.Declared
}

// Apps implements agent.Checkout.
func (c checkout) Apps() []agent.App { return c.apps }

// Declared implements agent.Checkout.
func (c checkout) Declared() []deploy.Declared { return []deploy.Declared{c.declared} }

// Close implements agent.Checkout.
func (c checkout) Close() {}

// snap is a snapshot of the YAML of an app.
func (l *lab) snap(a app, commit string) *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		App: a.name, Env: "test", Namespace: l.ns, KubeVersion: "1.36", Project: "tug.yaml",
		Revision: snapshot.Revision{Commit: commit, Message: "a commit"},
	}
	list, err := object.ReadYAML("app.yaml", []byte(a.yaml))
	if err != nil {
		l.t.Errorf("YAML of %s: %v", a.name, err)
	}
	for _, o := range list {
		if err := o.Normalize(); err != nil {
			l.t.Errorf("YAML of %s: %v", a.name, err)
		}
		s.Objects = append(s.Objects, o)
	}
	return s
}

// deployOptions are those of an app that says nothing.
func deployOptions() deploy.Options { return deploy.Options{} }
