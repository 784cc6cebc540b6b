package health_test

import (
	"fmt"
	"testing"

	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

func podWith(t *testing.T, name, status string) *object.Object {
	t.Helper()
	return parse(t, fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %[1]s, uid: %[1]s}, status: %[2]s}", name, status))
}

func TestReasonOfSeveralPods(t *testing.T) {
	t.Parallel()
	const (
		pull     = `{phase: Pending, containerStatuses: [{name: c, image: a:1, state: {waiting: {reason: ErrImagePull, message: no such image}}}]}`
		slow     = `{phase: Running, containerStatuses: [{name: c, started: true, ready: false, state: {running: {}}}]}`
		good     = `{phase: Running, conditions: [{type: Ready, status: "True"}], containerStatuses: [{name: c, ready: true, state: {running: {}}}]}`
		creating = `{phase: Pending, conditions: [{type: PodScheduled, status: "True"}], containerStatuses: [{name: c, state: {waiting: {reason: ContainerCreating}}}]}`
	)
	tests := []struct {
		name   string
		pods   []string
		events map[string][]string
		want   string
		stuck  bool
	}{
		{"none", nil, nil, "", false},
		{"all well", []string{good, good}, nil, "", false},
		{"the worst first", []string{slow, slow, pull}, nil, "pod p2, container c: image a:1 cannot be pulled: ErrImagePull: no such image", true},
		{"shared", []string{pull, pull, good, pull}, nil, "pod p0, container c: image a:1 cannot be pulled: ErrImagePull: no such image (and 2 more pods)", true},
		{"probe", []string{slow}, map[string][]string{"p0": {"Started: Started container", "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503 (4 times)"}},
			"pod p0, container c: runs, but is not ready; Readiness probe failed: HTTP probe failed with statuscode: 503 (4 times)", false},
		{"mount", []string{creating}, map[string][]string{"p0": {`FailedMount: MountVolume.SetUp failed for volume "v" : secret "s" not found`}},
			`pod p0: FailedMount: MountVolume.SetUp failed for volume "v" : secret "s" not found`, false},
		{"old event of a good pod", []string{good}, map[string][]string{"p0": {"FailedMount: earlier"}}, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var pods []*object.Object
			for i, status := range test.pods {
				pods = append(pods, podWith(t, fmt.Sprintf("p%d", i), status))
			}
			got, stuck := health.Reason(pods, test.events)
			if got != test.want || stuck != test.stuck {
				t.Errorf("got %q, %v\nwant %q, %v", got, stuck, test.want, test.stuck)
			}
		})
	}
}

// Who wants the log of a crashed container learns which instance to ask.
func TestTroublesPointToLogs(t *testing.T) {
	t.Parallel()
	looping := podWith(t, "p", `{phase: Running, containerStatuses: [{name: c, restartCount: 1, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}}}]}`)
	ended := podWith(t, "p", `{phase: Failed, containerStatuses: [{name: c, state: {terminated: {exitCode: 1}}}]}`)
	if got := health.Troubles(looping); len(got) != 1 || !got[0].Ended || !got[0].Previous {
		t.Errorf("crash loop: %+v", got)
	}
	if got := health.Troubles(ended); len(got) != 1 || !got[0].Ended || got[0].Previous {
		t.Errorf("ended: %+v", got)
	}
	deleted := podWith(t, "p", `{phase: Running, containerStatuses: [{name: c, state: {terminated: {exitCode: 1}}}]}`)
	deleted.Meta()["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	if got := health.Troubles(deleted); len(got) != 0 {
		t.Errorf("pod that is being deleted: %+v", got)
	}
}
