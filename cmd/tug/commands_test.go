package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/kubetest"
)

// exits runs a command that must end with one exit code: exits CODE COMMAND
// ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d; stderr:\n%s", got, want, ts.ReadFile("stderr"))
	}
}

// jsonValues wants a file (or stdout, stderr) to be one or more JSON values
// and nothing else.
func jsonValues(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: json FILE")
	}
	text := ts.ReadFile(args[0])
	if strings.TrimSpace(text) == "" {
		ts.Fatalf("%s is empty", args[0])
	}
	for dec := json.NewDecoder(strings.NewReader(text)); ; {
		var v any
		err := dec.Decode(&v)
		if err == io.EOF {
			return
		}
		if err != nil {
			ts.Fatalf("%s is not JSON: %v\n%s", args[0], err, text)
		}
	}
}

// kuser makes a user with no rights in $NS but those of the rules, and sets a
// variable to its kubeconfig: kuser VARIABLE [VERBS:GROUP:RESOURCES]...
func (l *lab) kuser(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || neg {
		ts.Fatalf("usage: kuser VARIABLE [VERBS:GROUP:RESOURCES]...")
	}
	var rules []rbacv1.PolicyRule
	for _, text := range args[1:] {
		parts := strings.Split(text, ":")
		if len(parts) != 3 {
			ts.Fatalf("%q is not VERBS:GROUP:RESOURCES", text)
		}
		rules = append(rules, kubetest.Rule(parts[0], parts[1], parts[2]))
	}
	ts.Setenv(args[0], kubetest.User(l.t, ts.Getenv("NS"), rules...).Kubeconfig)
}

// kns creates $NS.
func (l *lab) kns(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 0 || neg {
		ts.Fatalf("usage: kns")
	}
	kubetest.As(l.t, "platform-team").Create("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + ts.Getenv("NS") + "}\n")
}

// kevents prints the Events about an object of $NS, oldest first: kevents
// APIVERSION KIND NAME.
func kevents(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 || neg {
		ts.Fatalf("usage: kevents APIVERSION KIND NAME")
	}
	c := client(ts)
	live, err := c.GetLive(context.Background(), schema.FromAPIVersionAndKind(args[0], args[1]), ts.Getenv("NS"), args[2])
	ts.Check(err)
	told, err := c.Events(context.Background(), ts.Getenv("NS"), string(live.UID))
	ts.Check(err)
	_, err = io.WriteString(ts.Stdout(), strings.Join(told, "\n")+"\n")
	ts.Check(err)
}
