package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/project"
)

// target is one app in one cluster, as commands that do not render need it.
type target struct {
	App, Env, Namespace string
	History             int // releases to keep; 0 for the default
	Client              *kube.Client
	// Project is nil where none says anything about the app.
	Project *project.Project
}

// target is the one app that a command which needs one works on.
func (e *Env) target(in input) (target, error) {
	list, cluster, err := e.locate(in)
	if err != nil {
		return target{}, err
	}
	if len(list) != 1 {
		names := make([]string, len(list))
		for i, t := range list {
			names[i] = t.App
		}
		return target{}, fault.New(fault.Usage, "there are %d apps, and this command needs one", len(list)).
			Hint("choose one with -a: %s", strings.Join(names, ", "))
	}
	err = e.reach(list, cluster)
	return list[0], err
}

// targets are the apps that a command which only looks covers, in order: all
// of the environment without -a (design.md section 3).
func (e *Env) targets(in input) ([]target, error) {
	list, cluster, err := e.locate(in)
	if err != nil {
		return nil, err
	}
	return list, e.reach(list, cluster)
}

// locate finds out where apps run: from tug.yaml where there is one, from -a
// and -n otherwise. Beside a tug.yaml that does not say it, -n must: the
// namespace of the kubeconfig context may be that of another environment.
func (e *Env) locate(in input) (list []target, cluster string, err error) {
	if in.App != "" && in.Env == "" && !declaredAbove(in.Path) {
		// Nothing here says where the app runs, whatever else lies about.
		return []target{{App: in.App, Namespace: in.Namespace}}, "", nil
	}
	specs, s, err := e.declaredSpecs(in)
	if err != nil {
		if in.App == "" || in.Env != "" || s.declared && in.Namespace == "" {
			return nil, "", err
		}
		return []target{{App: in.App, Namespace: in.Namespace, Project: s.project}}, "", nil
	}
	for _, spec := range specs {
		t := target{App: spec.App, Env: spec.Env, Namespace: spec.Namespace, History: spec.History, Project: s.project}
		if t.Namespace == "" {
			t.Namespace = in.Namespace
		}
		list, cluster = append(list, t), spec.Cluster
	}
	return list, cluster, nil
}

// declaredAbove reports whether there is a tug.yaml in the folder of PATH or
// above it.
func declaredAbove(name string) bool {
	dir, err := filepath.Abs(name)
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, project.FileName)); err == nil {
			return true
		}
		if filepath.Dir(dir) == dir {
			return false
		}
		dir = filepath.Dir(dir)
	}
	return false
}

// declaration is what there is at PATH.
type declaration struct {
	// declared says that there is a tug.yaml, though it may be broken or not
	// name the app.
	declared bool
	project  *project.Project // nil when it cannot be read
}

// declaredSpecs are the apps that PATH and flags leave.
func (e *Env) declaredSpecs(in input) ([]project.Spec, declaration, error) {
	s, err := e.openProject(in)
	if err != nil {
		return nil, declaration{declared: fault.Is(err, fault.Invalid)}, err
	}
	specs, err := s.places(in)
	return specs, declaration{s.project.File != "", s.project}, err
}

// reach connects targets with their cluster, which is that of the environment
// and so one for all.
func (e *Env) reach(list []target, cluster string) error {
	client, err := e.connect(cluster)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Client = client
		if list[i].Namespace == "" {
			list[i].Namespace = client.Namespace()
		}
	}
	return nil
}

// looked is a target and what a command found out about it.
type looked[T any] struct {
	target
	deployed bool
	found    T
}

// look asks about every target. Of several, those that are not deployed are
// left blank; one that was asked for by name must be there.
func look[T any](ctx context.Context, list []target, ask func(target) (T, error)) ([]looked[T], error) {
	all := make([]looked[T], len(list))
	for i, t := range list {
		there, err := t.deployed(ctx, len(list))
		if err == nil && there {
			all[i].found, err = ask(t)
		}
		if err != nil {
			return nil, t.wrap(err, len(list))
		}
		all[i].target, all[i].deployed = t, there
	}
	return all, nil
}

// deployed reports whether an app is to be asked about: the only one always is.
func (t target) deployed(ctx context.Context, of int) (bool, error) {
	if of == 1 {
		return true, nil
	}
	return engine(t.Client).Deployed(ctx, t.App, t.Namespace)
}

// wrap puts the app in front of an error where there are several.
func (t target) wrap(err error, of int) error {
	if of == 1 {
		return err
	}
	return subjectError(project.Spec{App: t.App, Env: t.Env}, err)
}

// title is the line above what is said about an app.
func (t target) title(st style) string {
	text := st.head(t.App) + " in namespace " + t.Namespace
	if t.Env != "" {
		text += ", environment " + t.Env
	}
	return text
}

// writeAll writes what is said about each app, a blank line between them.
func writeAll[T any](b *strings.Builder, st style, all []looked[T], write func(looked[T])) {
	for i, l := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		if !l.deployed {
			fmt.Fprintf(b, "%s\nnot deployed\n", l.title(st))
			continue
		}
		write(l)
	}
}

// oneOrAll is the JSON result of a command that covers one app or several.
func oneOrAll[T any](list []T) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}
