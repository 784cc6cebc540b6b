package project

import (
	"fmt"
	"slices"
	"strings"
)

// Step is one step over the rendered objects: one of its keys.
type Step struct {
	Kustomize string `yaml:"kustomize" rule:"filled" doc:"Folder of a kustomization that is an overlay over the objects so far; they need not be named in it. Templates like {{.env}} are filled in."`
	KRM       string `yaml:"krm" rule:"filled" doc:"File or folder of KRM functions that the objects go through. Templates like {{.env}} are filled in."`
	Ytt       string `yaml:"ytt" rule:"filled" doc:"File or folder for ytt, which must be installed and switched on with --allow-ytt. Templates like {{.env}} are filled in."`
}

// The ways to name a step in tug.yaml.
const (
	stepKustomize = "kustomize"
	stepKRM       = "krm"
	stepYtt       = "ytt"
)

// Source is the one key of the step that is set, and its value.
func (s Step) Source() (key, value string) {
	switch {
	case s.Kustomize != "":
		return stepKustomize, s.Kustomize
	case s.KRM != "":
		return stepKRM, s.KRM
	case s.Ytt != "":
		return stepYtt, s.Ytt
	}
	return "", ""
}

// keys are those that are set.
func (s Step) keys() []string {
	var keys []string
	for _, k := range []struct{ key, value string }{{stepKRM, s.KRM}, {stepKustomize, s.Kustomize}, {stepYtt, s.Ytt}} {
		if k.value != "" {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// checkSteps demands one key of every step.
func (p *Project) checkSteps(name string, a App) Problems {
	ps := p.checkStepList(a.Then, "apps", name, "then")
	for _, env := range a.Environments.names() {
		ps = append(ps, p.checkStepList(a.Environments[env].Then, "apps", name, "environments", env, "then")...)
	}
	return ps
}

func (p *Project) checkStepList(steps []Step, trail ...any) Problems {
	var ps Problems
	for i, s := range steps {
		keys := s.keys()
		if len(keys) == 1 {
			continue
		}
		at := p.at(append(slices.Clone(trail), i)...)
		if len(keys) == 0 {
			if n := p.source.locate(append(slices.Clone(trail), i)...); n == nil || len(n.Content) == 0 {
				ps = append(ps, Problem{At: at, Text: "a step says nothing", Hint: "write kustomize: FOLDER, krm: FILE or ytt: FOLDER"})
			}
			continue // what it has is a problem of its own
		}
		ps = append(ps, Problem{
			At: at, Text: fmt.Sprintf("a step has both %s", strings.Join(keys, " and ")),
			Hint: "make a step of each, in the order they are to run",
		})
	}
	return ps
}

// addSteps adds what may hold templates.
func addSteps(steps []Step, add func(value string, trail ...any), trail ...any) {
	for i, s := range steps {
		for _, k := range []struct{ key, value string }{{stepKustomize, s.Kustomize}, {stepKRM, s.KRM}, {stepYtt, s.Ytt}} {
			add(k.value, append(slices.Clone(trail), i, k.key)...)
		}
	}
}

// steps resolves the paths of steps.
func (r *resolver) steps(steps []Step, trail ...any) {
	for i, s := range steps {
		key, text := s.Source()
		at := r.p.at(append(slices.Clone(trail), i, key)...)
		file, ok := r.resolve(text, at)
		if !ok {
			continue
		}
		switch {
		case key == stepKustomize && markIn(r.p.files, file, kustomizationFiles()) != "":
			r.s.Then = append(r.s.Then, Step{Kustomize: file})
		case !r.exists(file, at, "step"):
		case key == stepKustomize:
			r.report(at, "", "kustomization %q has no %s", file, kustomizationFiles()[0])
		case key == stepKRM:
			r.s.Then = append(r.s.Then, Step{KRM: file})
		default:
			r.s.Then = append(r.s.Then, Step{Ytt: file})
		}
	}
}
