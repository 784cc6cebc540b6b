package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tugops/tug/lab/forge/internal/cli"
	"github.com/tugops/tug/lab/forge/internal/process"
	"github.com/tugops/tug/lab/forge/internal/server"
	"github.com/tugops/tug/lab/forge/internal/spec"
)

// TestForge takes one forge through its life, in order.
func TestForge(t *testing.T) {
	lab := newLab(t)
	steps := []struct {
		name string
		run  func(*testing.T, *testLab)
	}{
		{"two ups at once", testConcurrentUp},
		{"status", testStatus},
		{"spec", testSpec},
		{"same spec again", testSameSpec},
		{"other spec", testOtherSpec},
		{"wrong spec", testWrongSpec},
		{"image", testImage},
		{"killed server", testKilledServer},
		{"moved", testMoved},
		{"damaged state", testDamagedState},
		{"down", testDown},
	}
	for _, step := range steps {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, lab) }) && step.name == steps[0].name {
			t.FailNow()
		}
	}
}

// testLab is the forge under test.
type testLab struct {
	program server.Program
	self    string
	dir     string
}

// newLab needs a Gitea that was built: LABFORGE names the labforge beside it.
func newLab(t *testing.T) *testLab {
	self := os.Getenv("LABFORGE")
	if self == "" && os.Getenv("CI") == "true" {
		t.Fatal("LABFORGE is not set: CI must run this test")
	}
	if self == "" {
		t.Skip("LABFORGE is not set: it names a labforge with its gitea (build.sh builds both)")
	}
	dir := filepath.Join(t.TempDir(), "lab")
	t.Cleanup(func() {
		if err := server.Down(server.Folder(dir)); err != nil {
			t.Error(err)
		}
	})
	return &testLab{program: server.Beside(self), self: self, dir: dir}
}

func (l *testLab) command(args ...string) (code int, stdout, stderr string) {
	return l.input("", args...)
}

func (l *testLab) input(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = cli.Main(l.program, append(args, "--dir", l.dir), strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

func (l *testLab) must(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := l.command(args...)
	if code != 0 {
		t.Fatalf("labforge %v: exit code %d\n%s", args, code, stderr)
	}
	return stdout, stderr
}

// report runs a command that prints one.
func (l *testLab) report(t *testing.T, args ...string) spec.Report {
	t.Helper()
	stdout, _ := l.must(t, append(args, "--output", "json")...)
	var r spec.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("labforge %v: %v in %s", args, err, stdout)
	}
	return r
}

func (l *testLab) owned(t *testing.T) []process.Identity {
	t.Helper()
	owned, err := process.Owned(l.dir)
	if err != nil {
		t.Fatal(err)
	}
	return owned
}

func testConcurrentUp(t *testing.T, l *testLab) {
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if code, stdout, stderr := l.command("up"); code != 0 || !strings.Contains(stdout, "http://127.0.0.1:") {
				t.Errorf("exit code %d, stdout %q\n%s", code, stdout, stderr)
			}
		})
	}
	group.Wait()
	if owned := l.owned(t); len(owned) != 1 {
		t.Errorf("processes: %v", owned)
	}
}

func testStatus(t *testing.T, l *testLab) {
	r := l.report(t, "status")
	if r.URL == "" || r.API != r.URL+"/api/v1" || "http://"+r.Registry != r.URL || r.Users["lab"].Tokens["labforge"] == "" {
		t.Errorf("report: %+v", r)
	}
	info, err := os.Stat(filepath.Join(l.dir, "forge.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("report file: %v, %v", info.Mode(), err)
	}
	if text, _ := l.must(t, "status"); strings.Contains(text, r.Users["lab"].Password) {
		t.Error("the password is in the text")
	}
}

func testKilledServer(t *testing.T, l *testLab) {
	before := l.report(t, "status")
	owned := l.owned(t)
	if err := syscall.Kill(owned[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, stderr := l.must(t, "up"); !strings.Contains(stderr, "restarting on the data") {
		t.Errorf("progress: %s", stderr)
	}
	after := l.report(t, "status")
	if !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	l.admin(t).call(t, "GET", "/repos/shop/config", nil)
}

// testMoved starts the forge on another port.
func testMoved(t *testing.T, l *testLab) {
	before := l.report(t, "status")
	l.must(t, "down")
	old := strings.TrimPrefix(before.URL, "http://")
	squatter, err := net.Listen("tcp", old)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = squatter.Close() }()
	after := l.report(t, "up")
	if after.URL == before.URL || !strings.HasPrefix(after.Repositories["shop/config"], after.URL+"/") || !strings.HasPrefix(after.Charts["shop"], after.URL+"/") {
		t.Errorf("report after the move from %s: %+v", old, after)
	}
	l.admin(t).call(t, "GET", "/repos/shop/config", nil)
}

func testDamagedState(t *testing.T, l *testLab) {
	if err := os.WriteFile(filepath.Join(l.dir, "state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr := l.must(t, "up"); !strings.Contains(stderr, "starting anew") {
		t.Errorf("progress: %s", stderr)
	}
	if owned := l.owned(t); len(owned) != 1 {
		t.Errorf("processes after a new start: %v", owned)
	}
}

func testDown(t *testing.T, l *testLab) {
	l.must(t, "down")
	l.must(t, "down")
	if owned := l.owned(t); len(owned) != 0 {
		t.Errorf("processes left: %v", owned)
	}
	for _, args := range [][]string{{"status"}, {"apply", "--spec", "testdata/spec.yaml"}, {"image", "base/shell:1"}} {
		if code, _, stderr := l.command(args...); code != 1 || !strings.Contains(stderr, "not running") {
			t.Errorf("labforge %v: exit code %d, %s", args, code, stderr)
		}
	}
	keep := filepath.Join(l.dir, "keep")
	if err := os.WriteFile(keep, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l.must(t, "down", "--purge")
	left, err := os.ReadDir(l.dir)
	if err != nil || fmt.Sprint(left) != "[- keep - lock]" {
		t.Errorf("left after purge: %v, %v", left, err)
	}
	if code, _, stderr := l.command("status"); code != 1 || !strings.Contains(stderr, "no forge") {
		t.Errorf("status: exit code %d, %s", code, stderr)
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	lab := newLab(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	code, _, stderr := lab.command("up", "--port", fmt.Sprint(port))
	if code != 1 || !strings.Contains(stderr, "address already in use") {
		t.Errorf("taken port: exit code %d, %s", code, stderr)
	}
	if owned := lab.owned(t); len(owned) != 0 {
		t.Errorf("processes left: %v", owned)
	}

	lab.program.Gitea = filepath.Join(lab.program.Static, "none")
	if code, _, stderr := lab.command("up"); code != 1 || !strings.Contains(stderr, "build.sh") {
		t.Errorf("no gitea: exit code %d, %s", code, stderr)
	}
}

func TestFailedServerShowsItsLog(t *testing.T) {
	lab := newLab(t)
	lab.must(t, "up")
	lab.must(t, "down")
	if err := os.WriteFile(filepath.Join(lab.dir, "data", "gitea.db"), []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(lab.dir, "data", "gitea.db-wal"))
	_, err := server.Up(t.Context(), server.Folder(lab.dir), server.Options{Program: lab.program, Progress: t.Output()})
	if err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("error: %v", err)
	}
	if owned := lab.owned(t); len(owned) != 0 {
		t.Errorf("processes left: %v", owned)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"up", "--port", "x"}, {"up", "-o", "yaml"}, {"image"}} {
		lab := &testLab{dir: filepath.Join(t.TempDir(), "lab")}
		if code, _, stderr := lab.command(args...); code != 2 {
			t.Errorf("labforge %v: exit code %d, %s", args, code, stderr)
		}
	}
}
