package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// patience is how long a script command waits for a condition.
const patience = 60 * time.Second

// lab gives scripts a cluster.
type lab struct{ t *testing.T }

// setup gives a script its own namespace name ($NS, not created yet), a home
// of its own and, where there is one, the lab's kubeconfig.
func (l *lab) setup(env *testscript.Env) error {
	id := make([]byte, 4)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	ns := "script-" + hex.EncodeToString(id)
	env.Setenv("NS", ns)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "none"))
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Setenv("TUG_CORPORA", os.Getenv("TUG_CORPORA"))
	for name, value := range goCaches() {
		env.Setenv(name, value)
	}
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		env.Setenv("GIT_"+who+"_NAME", "script")
		env.Setenv("GIT_"+who+"_EMAIL", "script@example.com")
		env.Setenv("GIT_"+who+"_DATE", "2026-01-02T03:04:05Z")
	}
	if config := os.Getenv("TUG_LAB_KUBECONFIG"); config != "" {
		env.Setenv("KUBECONFIG", config)
		env.Defer(func() { l.remove(ns) })
	}
	return nil
}

// goCaches let tug build compile in a home that is empty.
func goCaches() map[string]string {
	caches := map[string]string{"GOTOOLCHAIN": "local", "GOPROXY": "off", "GOCACHE": os.Getenv("GOCACHE"), "GOFLAGS": ""}
	if dir, err := os.UserCacheDir(); err == nil && caches["GOCACHE"] == "" {
		caches["GOCACHE"] = filepath.Join(dir, "go-build")
	}
	return caches
}

func (l *lab) remove(ns string) {
	c := kubetest.Client(l.t)
	gvk := schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	err := c.Delete(context.Background(), gvk, "", ns, object.Write{})
	if err != nil && !fault.Is(err, fault.NotFound) {
		l.t.Errorf("remove namespace %s: %v", ns, err)
	}
}

func (l *lab) condition(name string) (bool, error) {
	switch name {
	case "cluster":
		if os.Getenv("TUG_LAB_KUBECONFIG") == "" && os.Getenv("CI") == "true" {
			return false, fmt.Errorf("CI runs scripts on a cluster: TUG_LAB_KUBECONFIG is not set")
		}
		return os.Getenv("TUG_LAB_KUBECONFIG") != "", nil
	case "buildah":
		return hasBuildah(l.t), nil
	case "corpora":
		if os.Getenv("TUG_CORPORA") == "" && os.Getenv("CI") == "true" {
			return false, fmt.Errorf("CI runs scripts over real charts: TUG_CORPORA is not set")
		}
		return os.Getenv("TUG_CORPORA") != "", nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

func (l *lab) commands() map[string]func(*testscript.TestScript, bool, []string) {
	images := &registries{l: l}
	charts := &chartRepositories{l: l}
	return map[string]func(*testscript.TestScript, bool, []string){
		"kget":       kget,
		"kdo":        l.kdo,
		"kevents":    kevents,
		"eventually": eventually,
		"same":       same,
		"exits":      exits,
		"json":       jsonValues,
		"kuser":      l.kuser,
		"kns":        l.kns,
		"registry":   images.start,
		"push":       images.push,
		"charts":     charts.start,
		"uploads":    charts.uploads,
		"archive":    charts.archive,
		"base":       images.base,
		"publish":    charts.publish,
		"replace":    charts.replace,
		"serve":      charts.serve,
		"servegit":   l.servegit,
		"pushfiles":  images.pushfiles,
		"packto":     packto,
		"download":   download,
		"expand":     expand,
		"tells":      tells,
		"receiver":   l.startReceiver,
	}
}

func client(ts *testscript.TestScript) *kube.Client {
	c, err := kube.Connect(kube.Options{Kubeconfig: ts.Getenv("KUBECONFIG"), UserAgent: "tug-script"})
	ts.Check(err)
	return c
}

// kget prints one object as YAML: kget [-n NS] APIVERSION KIND NAME. Negated,
// the object must not exist.
func kget(ts *testscript.TestScript, neg bool, args []string) {
	ns := ts.Getenv("NS")
	if len(args) > 1 && args[0] == "-n" {
		ns, args = args[1], args[2:]
	}
	if len(args) != 3 {
		ts.Fatalf("usage: kget [-n NS] APIVERSION KIND NAME")
	}
	gvk := schema.FromAPIVersionAndKind(args[0], args[1])
	o, err := client(ts).Get(context.Background(), gvk, ns, args[2])
	if neg {
		if !fault.Is(err, fault.NotFound) {
			ts.Fatalf("%s %s exists, or cannot be read: %v", args[1], args[2], err)
		}
		return
	}
	ts.Check(err)
	ts.Check(object.WriteYAML(ts.Stdout(), []*object.Object{o}))
}

// kdo changes the cluster as somebody else: kdo create|apply|update MANAGER
// FILE, under that field manager and with force. $NS in files is replaced, and
// is the namespace of objects that name none.
func (l *lab) kdo(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 || neg {
		ts.Fatalf("usage: kdo create|apply|update MANAGER FILE")
	}
	text := strings.ReplaceAll(ts.ReadFile(args[2]), "$NS", ts.Getenv("NS"))
	editor := kubetest.As(l.t, args[1]).In(ts.Getenv("NS"))
	switch args[0] {
	case "create":
		editor.Create(text)
	case "apply":
		editor.Apply(text)
	case "update":
		editor.Update(text)
	default:
		ts.Fatalf("kdo: unknown verb %q", args[0])
	}
}

// eventually repeats a tug command until its stdout matches a pattern:
// eventually PATTERN tug ARG...
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 || neg {
		ts.Fatalf("usage: eventually PATTERN COMMAND ARG...")
	}
	deadline := time.Now().Add(patience)
	for {
		err := ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout")
		if err == nil && strings.Contains(out, args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%q never appeared; last output:\n%s\n%v", args[0], out, err)
		}
	}
}

// same compares two files byte for byte, or with ! wants them to differ.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same FILE FILE")
	}
	if equal := ts.ReadFile(args[0]) == ts.ReadFile(args[1]); equal == neg {
		ts.Fatalf("%s and %s: same is %v", args[0], args[1], equal)
	}
}
