package cli

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/scaffold"
)

// What goes into new repositories becomes names of objects, branches and jobs,
// and words of YAML, Groovy and shell: only what means the same in all of them.
const (
	nameRule    = `[a-z]([-a-z0-9]{0,40}[a-z0-9])?`
	imageRule   = `[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+`
	plainRule   = `[A-Za-z0-9][A-Za-z0-9._:/@+-]*`
	pathRule    = `\.|(\./)?[A-Za-z0-9_][A-Za-z0-9._/+-]*`
	testRule    = `[A-Za-z0-9._/][A-Za-z0-9 ._/=:@+-]*`
	versionRule = `v?[0-9]+\.[0-9]+(\.[0-9]+)?`
)

// maxNamespace is the length of a DNS label.
const maxNamespace = 63

// whole reports whether all of a text follows a rule.
func whole(rule, text string) bool {
	return regexp.MustCompile(`\A(` + rule + `)\z`).MatchString(text)
}

// check is what both kinds of repositories need, and fills in defaults.
func (o *initOptions) check() error {
	if o.app == "" {
		return fault.New(fault.Usage, "the new repository needs the name of its app").Hint("give it with --app NAME")
	}
	for _, name := range append([]string{o.app}, o.environments...) {
		if err := checkInitName(name); err != nil {
			return err
		}
	}
	if len(o.environments) == 0 || len(slices.Compact(slices.Sorted(slices.Values(o.environments)))) != len(o.environments) {
		return fault.New(fault.Usage, "--env needs environments that differ").Hint("in the order of promotion: --env dev,prod")
	}
	if o.ci != "" && !slices.Contains(scaffold.CIs(), scaffold.CI(o.ci)) {
		return fault.New(fault.Usage, "--ci %q is none of %s", o.ci, strings.Join(words2(scaffold.CIs()), ", ")).Hint("leave it out for a repository without pipelines")
	}
	if o.image == "" {
		o.image = "registry.example.com/" + o.app
	}
	if !whole(imageRule, o.image) {
		return fault.New(fault.Usage, "--image %q is not HOST/PATH", o.image).Hint("without tag and digest, which come with each build: registry.example.com/team/%s", o.app)
	}
	if o.tugVersion == "" {
		o.tugVersion = "latest"
		if !strings.Contains(Release, "dev") {
			o.tugVersion = "v" + Release
		}
	}
	return checkPlain("branch", o.branch, "tug-version", o.tugVersion)
}

// checkPlain takes flags and their values.
func checkPlain(pairs ...string) error {
	for pair := range slices.Chunk(pairs, 2) {
		if !whole(plainRule, pair[1]) {
			return fault.New(fault.Usage, "--%s %q has characters that a pipeline would read as code", pair[0], pair[1]).Hint("use letters, digits and . _ : / @ + -")
		}
	}
	return nil
}

// checkInitName refuses what is no name of a Service, or is another word of YAML.
func checkInitName(name string) error {
	if !whole(nameRule, name) {
		return fault.New(fault.Usage, "%q is no name for an app or environment", name).Hint("use lower-case letters, digits and dashes, a letter first, at most 42")
	}
	if slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, name) {
		return fault.New(fault.Usage, "%q is no name for an app or environment: YAML reads it as something else", name).Hint("choose another name")
	}
	return nil
}

func (o *initOptions) checkConfig() error {
	if err := o.check(); err != nil {
		return err
	}
	switch {
	case !slices.Contains(scaffold.Layouts(), scaffold.Layout(o.layout)):
		return fault.New(fault.Usage, "--layout %q is none of %s", o.layout, strings.Join(words2(scaffold.Layouts()), ", "))
	case !whole(versionRule, o.kubernetes):
		return fault.New(fault.Usage, "--kubernetes %q is not a version", o.kubernetes).Hint("major and minor: 1.36")
	case o.app == "global":
		return fault.New(fault.Usage, "an app cannot be called \"global\", which Helm gives to all charts").Hint("choose another name")
	}
	config := scaffold.Config{App: o.app, Environments: o.environments}
	for _, name := range o.environments {
		switch namespace := config.Namespace(name); {
		case name == "base" || name == "preview":
			return fault.New(fault.Usage, "%q is no environment: the layout or the pipelines have another use for the name", name).Hint("choose another name")
		case len(namespace) > maxNamespace:
			return fault.New(fault.Usage, "the namespace %q has more than %d characters", namespace, maxNamespace).Hint("choose a shorter name for the app or the environment")
		}
	}
	return nil
}

func (o *initOptions) checkCode() error {
	if err := o.check(); err != nil {
		return err
	}
	if !whole(testRule, o.test) {
		return fault.New(fault.Usage, "--test %q has characters that a pipeline would read as code", o.test).Hint("put the command into a script or a Makefile, and name that")
	}
	if err := checkPlain("config-repository", o.configRepository); err != nil {
		return err
	}
	if u, err := url.Parse(o.configRepository); err == nil && u.User != nil && strings.HasPrefix(u.Scheme, "http") {
		return fault.New(fault.Usage, "--config-repository has a user or password, which would be written into files").Hint("give the address only; the pipeline holds the token")
	}
	return nil
}

// sourceOf is --build as a line of tug.build.yaml.
func sourceOf(build string) (string, error) {
	kind, where, _ := strings.Cut(build, ":")
	if kind != "go" && kind != "dockerfile" || !whole(pathRule, where) || kind == "dockerfile" && path.Clean(where) == "." {
		return "", fault.New(fault.Usage, "--build %q is neither go:FOLDER nor dockerfile:FILE", build).Hint("paths are below this folder: --build go:./cmd/shop")
	}
	if slices.Contains(strings.Split(where, "/"), "..") {
		return "", fault.New(fault.Usage, "--build %q leads out of this folder", build).Hint("name a folder or file below it")
	}
	return kind + ": " + where, nil
}
