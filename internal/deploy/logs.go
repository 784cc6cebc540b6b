package deploy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// maxLogLine bounds one line of a log, in bytes; longer ones are split.
const maxLogLine = 64 << 10

// LogRequest selects logs of an app.
type LogRequest struct {
	object.LogOptions
	// Container limits the logs to containers of that name; "" for all.
	Container string
}

// LogLine is one line of one container.
type LogLine struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Container string `json:"container"`
	Text      string `json:"text"`
}

// Pods are the pods of an app: those it declares and those that controllers
// made for what it declares, sorted.
func (e *Engine) Pods(ctx context.Context, app, namespace string) ([]*object.Object, error) {
	roots, err := e.Tree(ctx, app, namespace)
	if err != nil {
		return nil, err
	}
	var pods []*object.Object
	var collect func(n *Node)
	collect = func(n *Node) {
		if n.pod != nil {
			pods = append(pods, n.pod)
		}
		for _, c := range n.Children {
			collect(c)
		}
	}
	for _, n := range roots {
		collect(n)
	}
	slices.SortFunc(pods, func(a, b *object.Object) int { return a.Ref().Compare(b.Ref()) })
	return pods, nil
}

// Logs gives the log lines of an app's pods to line, which is called by one
// goroutine at a time. With Follow it goes on, also with pods that come later,
// until ctx ends. Values of the app's Secrets, and what was decrypted for it,
// are masked.
func (e *Engine) Logs(ctx context.Context, app, namespace string, r LogRequest, line func(LogLine)) error {
	pods, err := e.Pods(ctx, app, namespace)
	if err != nil {
		return err
	}
	if line, err = e.masked(ctx, app, namespace, line); err != nil {
		return err
	}
	if r.Follow {
		return e.follow(ctx, app, namespace, r, pods, line)
	}
	if len(pods) == 0 {
		return fault.New(fault.NotFound, "%s has no pods", app).Hint("see `tug status -a %s -n %s`", app, namespace)
	}
	streams := 0
	var failed []error
	for _, pod := range pods {
		for _, c := range containers(pod, r.Container) {
			streams++
			err := e.copyLog(ctx, pod, c.name, r.LogOptions, line)
			if ctx.Err() != nil {
				return err
			}
			if err != nil {
				failed = append(failed, err)
			}
		}
	}
	if streams == 0 {
		return fault.New(fault.NotFound, "no pod of %s has a container %q", app, r.Container).
			Hint("containers: %s", strings.Join(containerNames(pods), ", "))
	}
	if len(failed) == streams {
		return failed[0]
	}
	return nil
}

// masked is line behind which no secret of the last release is seen. A release
// that cannot be read any more hides nothing.
func (e *Engine) masked(ctx context.Context, app, namespace string, line func(LogLine)) (func(LogLine), error) {
	snap, err := e.lastSnapshot(ctx, namespace, app)
	if inventory.Damaged(err) {
		err = nil
	}
	if err != nil || snap == nil {
		return line, err
	}
	secrets := secretsOf(&Prepared{Snapshot: snap})
	return func(l LogLine) {
		l.Text = secrets.Mask(l.Text)
		line(l)
	}, nil
}

// containerNames are the names of all containers, each once.
func containerNames(pods []*object.Object) []string {
	var names []string
	for _, pod := range pods {
		for _, c := range containers(pod, "") {
			names = append(names, c.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// container is one container of a pod as its status has it.
type container struct {
	name     string
	started  bool
	restarts int64
}

// containers lists the containers of a pod, init containers first.
func containers(pod *object.Object, only string) []container {
	spec, _ := pod.Fields["spec"].(map[string]any)
	status, _ := pod.Fields["status"].(map[string]any)
	var out []container
	for _, block := range [][2]string{{"initContainers", "initContainerStatuses"}, {"containers", "containerStatuses"}} {
		list, _ := spec[block[0]].([]any)
		states, _ := status[block[1]].([]any)
		for _, item := range list {
			m, _ := item.(map[string]any)
			name, _ := m["name"].(string)
			if only == "" || only == name {
				out = append(out, container{name: name}.with(states))
			}
		}
	}
	return out
}

func (c container) with(states []any) container {
	for _, item := range states {
		m, _ := item.(map[string]any)
		if m["name"] != c.name {
			continue
		}
		state, _ := m["state"].(map[string]any)
		c.started = state["running"] != nil || state["terminated"] != nil
		c.restarts, _ = m["restartCount"].(int64)
	}
	return c
}

// copyLog reads one log to its end.
func (e *Engine) copyLog(ctx context.Context, pod *object.Object, name string, o object.LogOptions, line func(LogLine)) error {
	log, err := e.Cluster.Logs(ctx, pod.Namespace(), pod.Name(), name, o)
	if err != nil {
		return err
	}
	defer log.Close()
	in := bufio.NewReaderSize(log, maxLogLine)
	for {
		text, _, err := in.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("log of %s/%s: %w", pod.Name(), name, err)
		}
		line(LogLine{pod.Namespace(), pod.Name(), name, string(text)})
	}
}

// follower follows the logs of an app while pods come and go.
type follower struct {
	e     *Engine
	r     LogRequest
	known map[string]bool // UIDs of what the app owns
	mu    sync.Mutex
	seen  map[string]bool // streams that were opened
	line  func(LogLine)
}

func (e *Engine) follow(ctx context.Context, app, namespace string, r LogRequest, pods []*object.Object, line func(LogLine)) error {
	f := &follower{e: e, r: r, known: map[string]bool{}, seen: map[string]bool{}, line: line}
	roots, err := e.Tree(ctx, app, namespace)
	if err != nil {
		return err
	}
	namespaces := map[string]bool{namespace: true}
	var note func(n *Node)
	note = func(n *Node) {
		f.known[n.UID] = true
		if n.Namespace != "" {
			namespaces[n.Namespace] = true
		}
		for _, c := range n.Children {
			note(c)
		}
	}
	for _, n := range roots {
		note(n)
	}
	for _, pod := range pods {
		f.known[pod.UID()] = true
	}
	g, gctx := errgroup.WithContext(ctx)
	for ns := range namespaces {
		g.Go(func() error {
			return e.Cluster.Watch(gctx, podKind().WithVersion("v1"), ns, "", func(c object.Change) bool {
				if c.Object != nil && !c.Deleted && f.ours(gctx, c.Object) {
					f.open(gctx, g, c.Object)
				}
				return gctx.Err() == nil
			})
		})
	}
	err = g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// ours reports whether a pod belongs to the app: it or one of its owners, up
// to the controller of its controller, is known.
func (f *follower) ours(ctx context.Context, pod *object.Object) bool {
	live, err := object.LiveOf(pod)
	if err != nil {
		return false
	}
	f.mu.Lock()
	known := f.known[live.UID] || f.owned(live.OwnerRefs)
	f.mu.Unlock()
	if known {
		return true
	}
	for _, o := range live.OwnerRefs {
		// A Deployment makes a new ReplicaSet, a CronJob a new Job.
		group := map[string]string{"ReplicaSet": "apps", "Job": "batch"}[o.Kind]
		if group == "" {
			continue
		}
		owner := object.Ref{Group: group, Kind: o.Kind, Namespace: live.Ref.Namespace, Name: o.Name}
		l, err := f.e.Cluster.GetLive(ctx, placeOf(owner).kind(), owner.Namespace, owner.Name)
		f.mu.Lock()
		known = err == nil && l.UID == o.UID && f.owned(l.OwnerRefs)
		if known {
			f.known[l.UID] = true
		}
		f.mu.Unlock()
		if known {
			return true
		}
	}
	return false
}

func (f *follower) owned(owners []object.OwnerRef) bool {
	return slices.ContainsFunc(owners, func(o object.OwnerRef) bool { return f.known[o.UID] })
}

// open starts a stream for each container instance that has none yet. A log
// that cannot be read is said in a line of its own.
func (f *follower) open(ctx context.Context, g *errgroup.Group, pod *object.Object) {
	for _, c := range containers(pod, f.r.Container) {
		key := fmt.Sprint(pod.UID(), "/", c.name, "/", c.restarts)
		f.mu.Lock()
		again := f.seen[key]
		f.seen[key] = again || c.started
		f.mu.Unlock()
		if again || !c.started {
			continue
		}
		g.Go(func() error {
			say := func(l LogLine) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.line(l)
			}
			if err := f.e.copyLog(ctx, pod, c.name, f.r.LogOptions, say); err != nil && ctx.Err() == nil {
				say(LogLine{pod.Namespace(), pod.Name(), c.name, "tug: " + err.Error()})
			}
			return nil
		})
	}
}
