package deploy_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/snapshot"
)

// crashed is the exit code of a writer that ended at the write it was told.
const crashed = 99

// The variables by which a test tells its child process what to do.
const (
	crashWhat = "TUG_TEST_CRASH_WHAT" // first, change, delete
	crashAt   = "TUG_TEST_CRASH_AT"   // number of the write
	crashWhen = "TUG_TEST_CRASH_WHEN" // before, after
	crashIn   = "TUG_TEST_CRASH_IN"   // namespace
)

// TestWriterThatDies is the child process of TestCrashes: one deploy or
// delete, ended without any clean-up at one of its writes.
func TestWriterThatDies(t *testing.T) {
	what := os.Getenv(crashWhat)
	if what == "" {
		t.Skip("this is the child process of TestCrashes")
	}
	at, err := strconv.ParseInt(os.Getenv(crashAt), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	l := labIn(t, os.Getenv(crashIn), kubetest.Client(t))
	var n atomic.Int64
	end := func(when string) {
		if os.Getenv(crashWhen) == when {
			os.Exit(crashed)
		}
	}
	l.spy.before = func(r request) error {
		if r.writes() && n.Add(1) == at {
			end("before")
		}
		return nil
	}
	l.spy.after = func(r request) {
		if r.writes() && n.Load() >= at {
			end("after")
		}
	}
	switch what {
	case "first":
		l.deploy(crashFirst(l))
	case "change":
		l.deploy(crashSecond(l))
	case "delete":
		l.delete("shop")
	}
}

func crashFirst(l *lab) *snapshot.Snapshot {
	return l.snap("shop", configMap("a"), configMap("old"), l.hooked(), deployment("web", "registry.example/web:1", 1))
}

func crashSecond(l *lab) *snapshot.Snapshot {
	return l.snap("shop", configMap("a", "v", "two"), configMap("new"), l.hooked(), deployment("web", "registry.example/web:2", 1))
}

func (l *lab) hooked() string { return hookJob("migrate", "pre-install,pre-upgrade") }

// TestCrashes kills a writer at each of its writes, before and after the
// request was answered. Whatever it left, the next deploy succeeds, the next
// delete leaves nothing, and foreign objects are as they were.
func TestCrashes(t *testing.T) {
	kubetest.Config(t)
	for _, what := range []string{"first", "change", "delete"} {
		for _, when := range []string{"before", "after"} {
			t.Run(what+" "+when, func(t *testing.T) {
				t.Parallel()
				for at := 1; ; at++ {
					if done := crashOnce(t, what, when, at); done {
						if at < 8 {
							t.Errorf("only %d writes were seen", at-1)
						}
						return
					}
				}
			})
		}
	}
}

// crashOnce gives true when the writer ended by itself: it has fewer writes.
func crashOnce(t *testing.T, what, when string, at int) (done bool) {
	t.Run(fmt.Sprint(at), func(t *testing.T) {
		l := labIn(t, kubetest.Namespace(t), kubetest.Client(t))
		foreign := kubetest.Apply(t, l.ns, configMap("foreign"))[0]
		l.deploy(l.snap("neighbour", configMap("theirs")))
		if what != "first" {
			l.deploy(crashFirst(l))
		}
		done = writerEnds(t, l.ns, what, when, at)
		if what == "delete" {
			_, err := l.engine.Delete(t.Context(), "shop", l.ns, l.options())
			if err != nil && !done && l.record("shop") != nil {
				t.Fatalf("delete after the crash: %v", err)
			}
			l.wantNothing("shop")
		}
		l.deploy(crashSecond(l))
		if l.get("ConfigMap", "old") != nil {
			t.Error("an object of the old snapshot is left")
		}
		l.delete("shop")
		l.wantNothing("shop")
		if got := l.get("ConfigMap", "foreign"); got == nil || got.ResourceVersion() != foreign.ResourceVersion() {
			t.Error("a foreign object was touched")
		}
		if l.get("ConfigMap", "theirs") == nil || l.record("neighbour") == nil {
			t.Error("another app was touched")
		}
	})
	return done || t.Failed()
}

// writerEnds runs the child and reports whether it came to its end.
func writerEnds(t *testing.T, ns, what, when string, at int) bool {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestWriterThatDies$")
	cmd.Env = append(os.Environ(), crashWhat+"="+what, crashAt+"="+strconv.Itoa(at), crashWhen+"="+when, crashIn+"="+ns)
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return true
	case cmd.ProcessState.ExitCode() != crashed:
		t.Fatalf("the writer failed: %v\n%s", err, out)
	}
	return false
}

// A writer that was interrupted (Ctrl-C) records what it did.
func TestInterruptIsRecorded(t *testing.T) {
	l := newLab(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.spy.before = once(applies("web"), cancel)
	p := l.plan(l.snap("shop", configMap("a"), deployment("web", "registry.example/web:1", 1)))
	_, err := l.engine.Execute(ctx, p, l.options())
	wantFault(t, err, fault.Interrupted)
	rec := l.record("shop")
	if r := rec.Head.Latest(); r.Status != "interrupted" || r.Error == "" {
		t.Errorf("release: %+v", r)
	}
	if it, _ := rec.Item(l.ref("ConfigMap", "a")); it.UID == "" {
		t.Error("what was applied is not confirmed in the record")
	}
	if holder := field(l.person().Get(l.leaseRef("shop")), "spec", "holderIdentity"); holder != "" && holder != nil {
		t.Errorf("the Lease is still held by %v", holder)
	}
	l.spy.before = nil
	l.deploy(l.snap("shop", configMap("a"), deployment("web", "registry.example/web:1", 1)))
}

// TestWriterThatDiesLeavesNoTrustInWhatItWrote: a writer updates an object and
// dies before it can record that. Its managed fields are the same as before,
// and it has no generation, but the next deploy of the old state must put the
// old value back.
func TestWriterThatDiesLeavesNoTrustInWhatItWrote(t *testing.T) {
	l := newLab(t)
	old := l.snap("shop", configMap("a", "v", "one"), configMap("b"))
	l.deploy(old)

	dying := l.as(l.spy.Cluster)
	updated := atomic.Bool{}
	dying.spy.before = func(r request) error {
		if updated.Load() && r.writes() && r.ref.Kind == "Secret" {
			return fault.New(fault.Denied, "the writer is dead")
		}
		return nil
	}
	dying.spy.after = func(r request) {
		if r.verb == "apply" && r.ref.Name == "a" {
			updated.Store(true)
		}
	}
	if _, err := dying.try(l.snap("shop", configMap("a", "v", "two"), configMap("b"))); err == nil || !updated.Load() {
		t.Fatalf("the writer did not die: %v", err)
	}
	if got := field(l.get("ConfigMap", "a"), "data", "v"); got != "two" {
		t.Fatalf("value before the test is %v", got)
	}
	if r := l.record("shop").Head.Latest(); r.Status != inventory.Pending || r.Changes != "planned: 0 created, 1 updated, 0 deleted" {
		t.Errorf("what the dead writer left: %+v", r)
	}

	l.deploy(old)
	if got := field(l.get("ConfigMap", "a"), "data", "v"); got != "one" {
		t.Errorf("value is %v, want that of the deployed snapshot", got)
	}
	l.spy.reset()
	if out := l.deploy(old); !out.Unchanged {
		t.Errorf("the second deploy of the same was not unchanged: %+v", out)
	}
}
