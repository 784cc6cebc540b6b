package krm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"
	"time"

	"go.starlark.net/lib/json"
	"go.starlark.net/lib/math"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// The limits of one function in Starlark. Steps and memory (see guard.go) are
// the same on every machine; the time is there for what they do not see.
const (
	maxSteps   = 20_000_000
	maxTime    = time.Minute
	maxModules = 64
)

// script is one run of a function in Starlark.
type script struct {
	runner Runner
	f      *Function
	guard  *guard
	steps  uint64 // that loaded modules may still take
	loaded map[string]*module
}

// module is a loaded file; nil globals while it is being loaded.
type module struct {
	globals starlark.StringDict
	err     error
}

// starlark runs a function that is a Starlark program. It finds the objects in
// ctx.resource_list["items"], its configuration in
// ctx.resource_list["functionConfig"], and changes the list in place or puts
// another one there; ["results"] takes findings.
func (r Runner) starlark(ctx context.Context, f *Function, objects []*object.Object) (output, error) {
	file, source, err := r.program(f)
	if err != nil {
		return output{}, err
	}
	s := &script{runner: r, f: f, guard: &guard{left: maxMemory}, steps: maxSteps, loaded: map[string]*module{}}
	list, known, err := s.input(objects)
	if err != nil {
		return output{}, err
	}
	thread := s.thread(file)
	type outcome struct {
		out output
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		out, err := s.run(thread, file, source, list, known, objects)
		done <- outcome{out, err}
	}()
	timer := time.NewTimer(maxTime)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.out, o.err
	case <-ctx.Done():
		thread.Cancel("stopped")
		return output{}, ctx.Err()
	case <-timer.C:
		thread.Cancel("out of time")
		return output{}, fault.New(fault.Invalid, "%s did not end within %s", f.title(), maxTime)
	}
}

// program is the text of a function, and the file it comes from.
func (r Runner) program(f *Function) (file string, source []byte, err error) {
	s := f.spec.Starlark
	switch {
	case s.URL != "":
		return "", nil, fault.New(fault.Invalid, "%s: functions are not fetched from %s", f.title(), s.URL).
			Hint("copy the file into the repository, and name it as starlark: {path: FILE}")
	case s.Source != "" && s.Path != "":
		return "", nil, fault.New(fault.Invalid, "%s has both path and source", f.title())
	case s.Source != "":
		return f.Config.Source.File, []byte(s.Source), nil
	}
	return r.read(f, s.Path)
}

// input makes the value of ctx.resource_list, and remembers which dict stands
// for which object.
func (s *script) input(objects []*object.Object) (*starlark.Dict, map[*starlark.Dict]int, error) {
	known := make(map[*starlark.Dict]int, len(objects))
	items := make([]starlark.Value, len(objects))
	for i, o := range objects {
		d := toDict(o.Fields)
		items[i], known[d] = d, i
	}
	list := starlark.NewDict(5)
	for _, entry := range []struct {
		key   string
		value starlark.Value
	}{
		{"apiVersion", starlark.String(listVersion)},
		{"kind", starlark.String(listKind)},
		{"items", starlark.NewList(items)},
		{"functionConfig", toDict(s.f.Config.Fields)},
	} {
		if err := list.SetKey(starlark.String(entry.key), entry.value); err != nil {
			return nil, nil, fmt.Errorf("input of %s: %w", s.f.title(), err)
		}
	}
	return list, known, nil
}

func (s *script) thread(name string) *starlark.Thread {
	t := &starlark.Thread{Name: name, Load: s.load, Print: func(*starlark.Thread, string) {}}
	t.SetMaxExecutionSteps(s.steps)
	return t
}

// run executes the program and reads what it left in the list.
func (s *script) run(thread *starlark.Thread, file string, source []byte, list *starlark.Dict, known map[*starlark.Dict]int, objects []*object.Object) (out output, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Invalid, "%s: %v", s.f.title(), p)
		}
	}()
	ctx := starlarkstruct.FromStringDict(starlark.String("ctx"), starlark.StringDict{
		"resource_list": list, "environment": starlark.NewDict(0),
	})
	if _, err := s.exec(thread, file, source, starlark.StringDict{"ctx": ctx}); err != nil {
		return output{}, s.explain(file, err)
	}
	return s.output(list, known, objects)
}

// exec compiles and runs one file under the guard.
func (s *script) exec(thread *starlark.Thread, file string, source []byte, more starlark.StringDict) (starlark.StringDict, error) {
	options := &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true}
	parsed, err := options.Parse(file, source, 0)
	if err != nil {
		return nil, err
	}
	if err := rewrite(parsed); err != nil {
		return nil, err
	}
	known := s.guard.names()
	known["json"], known["math"] = json.Module, math.Module
	known["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	maps.Copy(known, more)
	program, err := starlark.FileProgram(parsed, known.Has)
	if err != nil {
		return nil, err
	}
	globals, err := program.Init(thread, known)
	globals.Freeze()
	return globals, err
}

// load implements load() for files of the repository: "//FILE" from its root,
// anything else from the folder of the file that loads.
func (s *script) load(thread *starlark.Thread, name string) (starlark.StringDict, error) {
	file, rooted := strings.CutPrefix(name, "//")
	if !rooted {
		file = path.Join(path.Dir(thread.Name), name)
	}
	if file = path.Clean(file); !fs.ValidPath(file) || path.IsAbs(name) && !rooted {
		return nil, fmt.Errorf("%q leads out of the repository", name)
	}
	if m, ok := s.loaded[file]; ok {
		if m == nil {
			return nil, fmt.Errorf("%s loads itself", file)
		}
		return m.globals, m.err
	}
	if len(s.loaded) == maxModules {
		return nil, fmt.Errorf("more than %d files are loaded", maxModules)
	}
	s.loaded[file] = nil
	source, err := readFile(s.runner.Files, file)
	if err != nil {
		return nil, err
	}
	s.steps -= min(s.steps, thread.ExecutionSteps())
	below := s.thread(file)
	m := &module{}
	m.globals, m.err = s.exec(below, file, source, nil)
	s.steps -= min(s.steps, below.ExecutionSteps())
	s.loaded[file] = m
	return m.globals, m.err
}

// explain says where in which file a program failed.
func (s *script) explain(file string, err error) error {
	if inner, ok := errors.AsType[*fault.Error](err); ok {
		return fault.New(fault.Invalid, "%s: %w", s.f.title(), inner)
	}
	var at, text string
	var wrong resolve.ErrorList
	if failed, ok := errors.AsType[*starlark.EvalError](err); ok {
		at, text = position(failed), failed.Msg
	} else if bad, ok := errors.AsType[syntax.Error](err); ok {
		at, text = bad.Pos.String(), bad.Msg
	} else if errors.As(err, &wrong) && len(wrong) > 0 {
		at, text = wrong[0].Pos.String(), wrong[0].Msg
	} else {
		at, text = file, err.Error()
	}
	if strings.Contains(text, "too many steps") {
		text = fmt.Sprintf("took more than %d steps", maxSteps)
	}
	return fault.New(fault.Invalid, "%s: %s: %s", s.f.title(), at, text)
}

// position is the innermost place in a file; builtin functions have none.
func position(err *starlark.EvalError) string {
	for i := range len(err.CallStack) {
		if pos := err.CallStack.At(i).Pos; pos.Line > 0 {
			return pos.String()
		}
	}
	return "?"
}
