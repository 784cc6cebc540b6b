package promote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

func poll(context.Context) error { runtime.Gosched(); return nil }

// TestQueueJoins: what waits while one pushes goes with the next push, each
// process gets its own outcomes, and nothing is left behind.
func TestQueueJoins(t *testing.T) {
	t.Parallel()
	q := &Queue{Dir: filepath.Join(t.TempDir(), "q"), Poll: poll}
	const n = 12
	var mu sync.Mutex
	pushes := 0
	first := make(chan struct{})
	direct := func(_ context.Context, list []Intent) (Result, error) {
		mu.Lock()
		pushes++
		leader := pushes == 1
		mu.Unlock()
		if leader {
			<-first
		}
		var r Result
		for _, in := range list {
			r.Outcomes = append(r.Outcomes, Done{Outcome: Outcome{Intent: in, Action: Promoted}, Commit: "c-" + in.App})
		}
		return r, nil
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			app := fmt.Sprint("app", i)
			r, err := q.Run(t.Context(), []Intent{{App: app, Version: "1"}}, direct)
			if err != nil || len(r.Outcomes) != 1 || r.Outcomes[0].Commit != "c-"+app {
				t.Errorf("%s: %+v, %v", app, r, err)
			}
		})
	}
	for { // all are there, or have been answered
		found, err := filepath.Glob(filepath.Join(q.Dir, "*.intents"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == n {
			break
		}
		runtime.Gosched()
	}
	close(first)
	all.Wait()
	if pushes != 2 {
		t.Errorf("%d pushes for %d processes", pushes, n)
	}
	left, err := os.ReadDir(q.Dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestQueueLeavesTheDeadAlone: intents of a process that died are not carried
// out, and one that spoils the push of all is only refused itself.
func TestQueueLeavesTheDeadAlone(t *testing.T) {
	t.Parallel()
	q := &Queue{Dir: t.TempDir(), Poll: poll}
	dead := filepath.Join(q.Dir, "0-dead.intents")
	if err := os.WriteFile(dead, []byte(`[{"app":"dead","version":"1"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	alive, err := q.enter([]Intent{{App: "bad", Version: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer alive.leave()
	var seen [][]Intent
	r, err := q.Run(t.Context(), []Intent{{App: "good", Version: "1"}}, func(_ context.Context, list []Intent) (Result, error) {
		seen = append(seen, list)
		if len(list) > 1 {
			return Result{}, errors.New("bad")
		}
		return Result{Outcomes: []Done{{Commit: "c"}}}, nil
	})
	if err != nil || len(r.Outcomes) != 1 || len(seen) != 2 || len(seen[0]) != 2 || seen[0][1].App != "bad" || len(seen[1]) != 1 {
		t.Errorf("%+v, %v, %+v", r, err, seen)
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Error("the dead one stays")
	}
}

// TestQueueWithoutAFolder: then every process pushes for itself.
func TestQueueWithoutAFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	q := &Queue{Dir: filepath.Join(file, "q"), Poll: poll}
	r, err := q.Run(t.Context(), []Intent{{App: "a"}}, func(context.Context, []Intent) (Result, error) { return Result{Commit: "c"}, nil })
	if err != nil || r.Commit != "c" {
		t.Errorf("%+v, %v", r, err)
	}
}
