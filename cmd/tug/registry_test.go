package main

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tugops/tug/internal/registrytest"
)

// registries are the image registries of scripts, by $REGISTRY.
type registries struct {
	l  *lab
	mu sync.Mutex
	by map[string]*registrytest.Registry
}

// start runs a registry on loopback for the script and sets $REGISTRY to its
// host: registry [USER PASSWORD].
func (r *registries) start(ts *testscript.TestScript, neg bool, args []string) {
	var o registrytest.Options
	switch {
	case neg || len(args) != 0 && len(args) != 2:
		ts.Fatalf("usage: registry [USER PASSWORD]")
	case len(args) == 2:
		o.User, o.Password = args[0], args[1]
	}
	reg := registrytest.New(r.l.t, o)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]*registrytest.Registry{}
	}
	r.by[reg.Host] = reg
	ts.Setenv("REGISTRY", reg.Host)
}

// push puts a new image into the registry and sets a variable to its digest:
// push VARIABLE REPOSITORY:TAG [OS/ARCH...]. With platforms it is an index, and
// VARIABLE_0, VARIABLE_1, … are the digests of its images.
func (r *registries) push(ts *testscript.TestScript, neg bool, args []string) {
	r.mu.Lock()
	reg := r.by[ts.Getenv("REGISTRY")]
	r.mu.Unlock()
	if neg || len(args) < 2 || reg == nil {
		ts.Fatalf("usage: push VARIABLE REPOSITORY:TAG [OS/ARCH...], after registry")
	}
	if len(args) == 2 {
		ts.Setenv(args[0], reg.Push(args[1]))
		return
	}
	index, images := reg.PushPlatforms(args[1], args[2:]...)
	ts.Setenv(args[0], index)
	for i, digest := range images {
		ts.Setenv(args[0]+"_"+string(rune('0'+i)), digest)
	}
}

// base pushes an image to build upon: base REPOSITORY:TAG.
func (r *registries) base(ts *testscript.TestScript, neg bool, args []string) {
	r.mu.Lock()
	reg := r.by[ts.Getenv("REGISTRY")]
	r.mu.Unlock()
	if neg || len(args) != 1 || reg == nil {
		ts.Fatalf("usage: base REPOSITORY:TAG, after registry")
	}
	ts.Setenv("BASE", reg.PushBase(args[0]))
}

// hasBuildah reports whether Dockerfiles can be built. CI installs it: there
// the scripts must run.
func hasBuildah(t testing.TB) bool {
	if _, err := exec.LookPath("buildah"); err == nil {
		return true
	}
	if os.Getenv("CI") != "true" {
		return false
	}
	out, err := exec.CommandContext(t.Context(), "../../hack/install-buildah.sh").CombinedOutput()
	if err != nil {
		t.Errorf("hack/install-buildah.sh: %v\n%s", err, out)
	}
	return err == nil
}

// expand replaces $VARIABLES in a file, so that manifests can name the
// registry: expand FILE...
func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: expand FILE...")
	}
	for _, name := range args {
		text := ts.ReadFile(name)
		for _, v := range []string{"REGISTRY", "CHARTS", "CHARTS_HOST", "GITURL", "COMMIT", "DIGEST", "DIGEST_0", "DIGEST_1", "SECOND", "UPDATED", "BASE"} {
			text = strings.ReplaceAll(text, "${"+v+"}", ts.Getenv(v))
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}
