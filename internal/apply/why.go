package apply

import (
	"bufio"
	"context"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

// Bounds of one reason: what a person reads, not all there is.
const (
	maxPods    = 2
	maxEvents  = 3
	lastLines  = 5
	maxLogSize = 16 << 10
)

// Why says why one object is not ready: its own state, then for a workload
// what its pods say (container states, events, last log lines of crashed
// containers). It is "" for an object that is ready.
func Why(ctx context.Context, c Cluster, ref object.Ref, gvk schema.GroupVersionKind) string {
	o, err := c.Get(ctx, gvk, ref.Namespace, ref.Name)
	if fault.Is(err, fault.NotFound) {
		return "it does not exist"
	}
	if err != nil {
		return err.Error()
	}
	status := health.Of(o)
	if status.State == health.Ready {
		return ""
	}
	lines := slices.Concat([]string{status.Reason}, details(ctx, c, o))
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// details are the lines about an object that its own status does not have.
// What cannot be read is left out.
func details(ctx context.Context, c Cluster, o *object.Object) []string {
	if o == nil {
		return nil
	}
	pods, maker := podsOf(ctx, c, o)
	lines := []string{}
	for _, pod := range troubled(pods) {
		lines = append(lines, podDetails(ctx, c, pod)...)
	}
	if len(lines) > 0 {
		return lines
	}
	if maker.UID() != o.UID() {
		lines = events(ctx, c, maker)
	}
	if len(lines) == 0 {
		lines = events(ctx, c, o)
	}
	return lines
}

// troubled picks the pods to tell about: those with something wrong, newest
// first, and one of those that say the same.
func troubled(pods []*object.Object) []*object.Object {
	sorted := slices.Clone(pods)
	slices.SortFunc(sorted, newestFirst)
	said := map[string]bool{}
	bad := slices.DeleteFunc(sorted, func(p *object.Object) bool {
		var all strings.Builder
		for _, t := range health.Troubles(p) {
			all.WriteString(t.Container + "\n" + t.Text + "\n")
		}
		key := all.String()
		old := key == "" || said[key]
		said[key] = true
		return old
	})
	return bad[:min(maxPods, len(bad))]
}

func newestFirst(a, b *object.Object) int {
	at, _ := a.Meta()["creationTimestamp"].(string)
	bt, _ := b.Meta()["creationTimestamp"].(string)
	if at == bt {
		return strings.Compare(a.Name(), b.Name())
	}
	return strings.Compare(bt, at)
}

func podDetails(ctx context.Context, c Cluster, pod *object.Object) []string {
	var lines []string
	for _, t := range health.Troubles(pod) {
		lines = append(lines, oneLine(troubleLine(t)))
		if t.Ended {
			lines = append(lines, lastLog(ctx, c, pod, t)...)
		}
	}
	return append(lines, events(ctx, c, pod)...)
}

// events are the last messages about o, oldest first.
func events(ctx context.Context, c Cluster, o *object.Object) []string {
	all, err := c.Events(ctx, o.Namespace(), o.UID())
	if err != nil {
		return nil
	}
	var lines []string
	for _, text := range all {
		if line := "  event: " + oneLine(text); !boring(text) && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-maxEvents):]
}

// boring reports events that go well and say nothing about a failure.
func boring(text string) bool {
	for _, reason := range []string{"Scheduled:", "Pulling:", "Pulled:", "Created:", "Started:", "SuccessfulCreate:", "ScalingReplicaSet:"} {
		if strings.HasPrefix(text, reason) {
			return true
		}
	}
	return false
}

// lastLog is the end of a container's log: of the run that crashed when that
// is still there, else of the current one.
func lastLog(ctx context.Context, c Cluster, pod *object.Object, t health.Trouble) []string {
	for _, previous := range []bool{t.Previous, false} {
		log, err := c.Logs(ctx, pod.Namespace(), pod.Name(), t.Container, object.LogOptions{Previous: previous, Tail: lastLines})
		if err != nil {
			continue
		}
		lines := tail(log)
		log.Close()
		if len(lines) > 0 {
			return lines
		}
	}
	return nil
}

// tail reads the last lines of a log.
func tail(log io.Reader) []string {
	var lines []string
	scan := bufio.NewScanner(io.LimitReader(log, maxLogSize))
	scan.Buffer(nil, maxLogSize+1)
	for scan.Scan() {
		if text := oneLine(scan.Text()); text != "" {
			lines = append(lines, "  log: "+text)
		}
	}
	return lines[max(0, len(lines)-lastLines):]
}
