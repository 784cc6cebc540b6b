package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tugops/tug/internal/agent"
	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/snapshot"
)

// followedRepository is a repository as the agent sees it.
type followedRepository struct {
	env       *Env
	spec      agent.RepositorySpec
	mirror    *git.Mirror
	tip       git.Tip
	trust     *git.Signers // nil for any commit
	windows   agent.Windows
	report    bool
	engine    *deploy.Engine
	namespace string // of apps that name none

	mu sync.Mutex
	// elsewhere are the environments whose files come from another branch or
	// repository, as the project said last.
	elsewhere []branchPlace
}

// branchPlace is where the files of one environment come from.
type branchPlace struct {
	env    string
	mirror *git.Mirror
	tip    git.Tip
	own    bool // the repository itself, at another branch
}

// followed makes the repositories of a configuration.
func (e *Env) followed(c agent.Config, client *kube.Client) ([]agent.Followed, error) {
	n, err := e.network()
	if err != nil {
		return nil, err
	}
	var list []agent.Followed
	for _, spec := range c.Repositories {
		f := &followedRepository{
			env: e, spec: spec, tip: git.Tip{Branch: spec.Branch, Tag: spec.Tag, Semver: spec.Semver},
			engine: engine(client), report: spec.ReportOnly || c.ReportOnly, namespace: cmp.Or(spec.Namespace, client.Namespace()),
		}
		if err := f.tip.Check(); err != nil {
			return nil, err
		}
		windows := spec.Windows
		if len(windows) == 0 {
			windows = c.Windows
		}
		if f.windows, err = agent.ParseWindows(windows); err != nil {
			return nil, err
		}
		if f.trust, err = e.signers(spec.Signatures); err != nil {
			return nil, err
		}
		if f.mirror, err = n.git.Follow(spec.URL); err != nil {
			return nil, err
		}
		interval := cmp.Or(time.Duration(spec.Interval), time.Duration(c.Interval))
		list = append(list, agent.Followed{Repository: f, Interval: interval})
	}
	return list, nil
}

// signers reads the keys that commits may be signed with.
func (e *Env) signers(s *agent.SignatureSpec) (*git.Signers, error) {
	if s == nil {
		return nil, nil
	}
	var gpg, ssh []byte
	for file, data := range map[string]*[]byte{s.GPG: &gpg, s.SSH: &ssh} {
		if file == "" {
			continue
		}
		content, err := readGiven(file)
		if err != nil {
			return nil, fault.New(fault.NotFound, "keys of signatures: %s: %w", file, reason(err))
		}
		*data = content
	}
	return git.NewSigners(gpg, ssh)
}

// Name implements agent.Repository.
func (f *followedRepository) Name() string {
	name := f.mirror.URL()
	if f.spec.Path != "" && f.spec.Path != "." {
		name += "//" + f.spec.Path
	}
	if f.tip != (git.Tip{}) {
		name += " (" + f.tip.String() + ")"
	}
	return name
}

// State implements agent.Repository: the commits of the repository and of the
// branches that environments name, each with the name that led to it.
func (f *followedRepository) State(ctx context.Context) (string, error) {
	hash, name, err := f.mirror.Tip(ctx, f.tip)
	if err != nil {
		return "", err
	}
	state := hash + " " + name
	f.mu.Lock()
	places := slices.Clone(f.elsewhere)
	f.mu.Unlock()
	for _, p := range places {
		hash, name, err := p.mirror.Tip(ctx, p.tip)
		if err != nil {
			return "", fmt.Errorf("environment %s: %w", p.env, err)
		}
		state += "\n" + hash + " " + name
	}
	return state, nil
}

// Open implements agent.Repository.
func (f *followedRepository) Open(ctx context.Context, state string) (agent.Checkout, error) {
	hash, ref, _ := strings.Cut(firstLine(state), " ")
	s, err := f.open(ctx, hash, ref)
	if err != nil {
		return nil, err
	}
	c := &checkout{f: f, in: input{Path: ".", App: f.spec.App}}
	envs := f.spec.Environments
	if len(envs) == 0 {
		envs = []string{""}
	}
	var places []branchPlace
	for _, name := range envs {
		name, env, err := s.project.Environment(name)
		if err != nil {
			return nil, err
		}
		from := s
		if isElsewhere(env) {
			p, err := f.placeOf(name, env)
			if err != nil {
				return nil, err
			}
			if from, err = f.openPlace(ctx, s, p); err != nil {
				return nil, fmt.Errorf("environment %s: %w", name, err)
			}
			places = append(places, p)
		}
		if err := c.add(from, name); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	f.elsewhere = places
	f.mu.Unlock()
	return c, nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// open reads the project at a commit, which must be signed where that is asked
// for.
func (f *followedRepository) open(ctx context.Context, hash, ref string) (*source, error) {
	s, err := f.commit(ctx, f.mirror, hash, ref)
	if err != nil {
		return nil, err
	}
	s.project, err = project.Open(s.files, cmp.Or(f.spec.Path, "."))
	return s, err
}

// commit gives the files of a commit.
func (f *followedRepository) commit(ctx context.Context, m *git.Mirror, hash, ref string) (*source, error) {
	repo, err := m.Commit(ctx, hash)
	if err != nil {
		return nil, err
	}
	if f.trust != nil {
		if err := repo.Verify(hash, f.trust); err != nil {
			return nil, err
		}
	}
	files, commit, err := repo.At(hash)
	if err != nil {
		return nil, err
	}
	return &source{files: files, repo: repo, revision: snapshot.Revision{
		Repository: m.URL(), Commit: commit.Hash, Ref: ref, Time: commit.Time, Message: commit.Message, Trailers: commit.Trailers,
	}}, nil
}

func (f *followedRepository) placeOf(name string, env project.Environment) (branchPlace, error) {
	p := branchPlace{env: name, mirror: f.mirror, tip: git.Tip{Branch: env.Branch}, own: env.Repository == ""}
	if p.own {
		return p, nil
	}
	n, err := f.env.network()
	if err != nil {
		return p, err
	}
	p.mirror, err = n.git.Follow(env.Repository)
	return p, err
}

// openPlace gives the project with the files of another branch or repository.
func (f *followedRepository) openPlace(ctx context.Context, s *source, p branchPlace) (*source, error) {
	hash, ref, err := p.mirror.Tip(ctx, p.tip)
	if err != nil {
		return nil, err
	}
	other, err := f.commit(ctx, p.mirror, hash, ref)
	if err != nil {
		return nil, err
	}
	root := "."
	if p.own {
		root = s.project.Root
	}
	other.project, other.elsewhere, other.other, other.branch = s.project.Over(other.files, root), true, !p.own, p.tip.Branch
	return other, nil
}

// checkout is what a repository says at one state.
type checkout struct {
	f        *followedRepository
	in       input
	sources  []*source
	apps     []agent.App
	declared []deploy.Declared
}

// Apps implements agent.Checkout.
func (c *checkout) Apps() []agent.App { return c.apps }

// Declared implements agent.Checkout.
func (c *checkout) Declared() []deploy.Declared { return c.declared }

// Close implements agent.Checkout.
func (c *checkout) Close() {
	for _, s := range c.sources {
		c.f.env.cached(c.in).Forget(s.files)
	}
}

// add takes the apps of one environment.
func (c *checkout) add(s *source, env string) error {
	in := c.in
	in.Env = env
	specs, err := s.specs(in)
	if err != nil {
		return err
	}
	c.sources = append(c.sources, s)
	for i := range specs {
		specs[i].Namespace = cmp.Or(specs[i].Namespace, c.f.namespace)
	}
	keys := map[string]string{}
	for _, spec := range specs {
		keys[spec.App] = object.AppKey(spec.Namespace, spec.App)
	}
	for _, spec := range specs {
		if len(c.f.spec.Namespaces) > 0 && !slices.Contains(c.f.spec.Namespaces, spec.Namespace) {
			continue
		}
		c.apps = append(c.apps, c.app(s, in, spec, specs, keys))
	}
	if s.project.File != "" {
		c.declared = append(c.declared, declaredAt(s, env, specs))
	}
	return nil
}

func (c *checkout) app(s *source, in input, spec project.Spec, specs []project.Spec, keys map[string]string) agent.App {
	f := c.f
	a := agent.App{
		Name: spec.App, Env: spec.Env, Namespace: spec.Namespace, Revision: s.revision,
		Rollback: f.spec.Rollback == "automatic", Windows: f.windows, ReportOnly: f.report,
		Options: deploy.Options{Timeout: time.Duration(f.spec.Timeout), CreateNamespace: f.spec.CreateNamespace},
	}
	declaredOptions(&a.Options, spec)
	a.Options.Verify = f.env.verifier(spec)
	for _, dep := range spec.DependsOn {
		a.DependsOn = append(a.DependsOn, keys[dep])
	}
	if s.project.File != "" {
		a.Options.Others = func(ctx context.Context) (map[object.Ref]string, error) {
			return f.env.declaredBy(ctx, s, specs, spec.App, in)
		}
		a.Options.Left = func(ctx context.Context) (map[string]bool, error) {
			return leftBy(ctx, f.engine, declaredAt(s, spec.Env, specs))
		}
	}
	a.Find = func(ctx context.Context, recorded func(context.Context) (map[string]string, error)) (agent.Rendered, error) {
		return f.env.render(ctx, s, spec, in, recorded)
	}
	return a
}

// render finds the snapshot of an app, or renders it.
func (e *Env) render(ctx context.Context, s *source, spec project.Spec, in input, recorded func(context.Context) (map[string]string, error)) (agent.Rendered, error) {
	request, err := e.request(ctx, s, spec, in)
	if err != nil {
		return agent.Rendered{}, err
	}
	request.Random, request.Recorded = snapshot.Record, recorded
	found, err := e.find(ctx, e.cached(in), request)
	if err != nil {
		return agent.Rendered{}, err
	}
	lean := found.Lean()
	return agent.Rendered{Name: found.Name, Built: found.Built(), Load: lean.Load}, nil
}

// declaredAt is what a project says of the apps of an environment at a commit.
func declaredAt(s *source, env string, specs []project.Spec) deploy.Declared {
	d := deploy.Declared{Env: env, Project: s.project.File, Clean: true}
	if ns := s.project.Environments[env].Namespace; ns != "" {
		d.Namespaces = append(d.Namespaces, ns)
	}
	for _, spec := range specs {
		d.Apps = append(d.Apps, object.AppKey(spec.Namespace, spec.App))
		if !slices.Contains(d.Namespaces, spec.Namespace) {
			d.Namespaces = append(d.Namespaces, spec.Namespace)
		}
	}
	d.Ancestor = func(_ context.Context, commit string) (bool, error) {
		if s.elsewhere {
			return false, nil
		}
		return s.repo.Ancestor(commit, s.revision.Commit)
	}
	return d
}
