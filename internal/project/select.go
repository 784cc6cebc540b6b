package project

import (
	"maps"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Choice is what the command line says about which apps, and where. Empty
// fields leave it to the project.
type Choice struct {
	Env         string // -e
	App         string // -a; the name of the app when the layout was detected
	Namespace   string // -n, goes before the project's
	KubeVersion string // --kube-version, goes before the environment's
	// NoFiles leaves out paths: what is asked for is only where apps run.
	NoFiles bool
}

// Select resolves the chosen apps of one environment, each after those it
// depends on, else in order of name: always the same order. With an app
// chosen it is that app alone. An environment must be chosen when there are
// several. A missing or wrong choice is a Usage or NotFound fault, paths that
// do not exist are Problems in an Invalid one.
func (p *Project) Select(c Choice) ([]Spec, error) {
	var err error
	if c.Env, err = p.environment(c.Env); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	apps, err := p.chosen(c)
	if err != nil {
		return nil, err
	}
	var specs []Spec
	var problems Problems
	for _, name := range apps {
		s, ps := p.spec(name, c)
		specs = append(specs, s)
		problems = append(problems, ps...)
	}
	if err := problems.fault(); err != nil {
		return nil, err
	}
	return specs, nil
}

// environment is the chosen environment or the only one.
func (p *Project) environment(name string) (string, error) {
	all := slices.Sorted(maps.Keys(p.Environments))
	if name == "" {
		switch len(all) {
		case 0:
			return "", nil
		case 1:
			return all[0], nil
		}
		return "", fault.New(fault.Usage, "no environment is chosen").Hint("choose one with -e: %s", strings.Join(all, ", "))
	}
	if _, ok := p.Environments[name]; ok {
		return name, nil
	}
	f := fault.New(fault.NotFound, "environment %q does not exist", name)
	switch {
	case p.File == "":
		if file := projectAbove(p.files, p.Root); file != "" {
			f = f.Hint("the project file is %s: run there, and choose the app with -a", file)
		}
		return "", f.Hint("environments are defined in %s, and there is none here", FileName)
	case len(all) == 0:
		return "", f.Hint("%s defines no environments", p.File)
	}
	return "", f.Hint("%s", didYouMean(name, all, "environments: "))
}

// check looks at what comes from flags.
func (c Choice) check() error {
	if c.Namespace != "" {
		if wrong, hint := rule("namespace").check(c.Namespace); wrong != "" {
			return fault.New(fault.Usage, "namespace %s", wrong).Hint("%s", hint)
		}
	}
	if c.KubeVersion != "" {
		if wrong, _ := rule("version").check(c.KubeVersion); wrong != "" {
			return fault.New(fault.Usage, "%s", wrong).Hint("write major and minor version: 1.36")
		}
	}
	return nil
}

// chosen gives the names of the chosen apps in order.
func (p *Project) chosen(c Choice) ([]string, error) {
	if p.File == "" {
		return p.detected(c.App)
	}
	all := slices.Sorted(maps.Keys(p.Apps))
	if c.App != "" {
		app, ok := p.Apps[c.App]
		switch {
		case !ok:
			return nil, fault.New(fault.NotFound, "app %q does not exist", c.App).Hint("%s", didYouMean(c.App, all, "apps: "))
		case !p.inEnvironment(c.App, c.Env):
			return nil, fault.New(fault.NotFound, "app %q is not in environment %q", c.App, c.Env).
				Hint("its environments: %s", strings.Join(app.Environments.names(), ", "))
		}
		return []string{c.App}, nil
	}
	here := slices.DeleteFunc(all, func(name string) bool { return !p.inEnvironment(name, c.Env) })
	if len(here) == 0 {
		return nil, fault.New(fault.NotFound, "environment %q has no apps", c.Env).
			Hint("apps that list their environments run in those only")
	}
	// Load refused cycles.
	return p.walk(here, func([]string) {}), nil
}

// detected is the key of the one app without tug.yaml, which needs a name.
func (p *Project) detected(chosen string) ([]string, error) {
	for key := range p.Apps {
		name := first(chosen, key)
		if name == "" {
			return nil, fault.New(fault.Usage, "the app has no name").Hint("name it with -a")
		}
		if wrong, hint := nameRule.check(name); wrong != "" {
			return nil, fault.New(fault.Usage, "name of the app: %s", wrong).Hint("%s", first(hint, "use a shorter name")).Hint("name it with -a")
		}
		return []string{key}, nil
	}
	return nil, fault.New(fault.NotFound, "there are no apps")
}

// inEnvironment reports whether an app runs in an environment; without
// environments every app does.
func (p *Project) inEnvironment(app, env string) bool {
	places := p.Apps[app].Environments
	if places == nil {
		return true
	}
	_, ok := places[env]
	return ok
}
