package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// forge is a lab forge of its own.
type forge struct {
	labforge, dir, url string
	user, token        string
	repositories       int
}

func startForge(ctx context.Context, labforge, dir string) (*forge, error) {
	f := &forge{labforge: labforge, dir: dir, user: "promoter"}
	spec := "users:\n- {name: promoter, tokens: {git: [write:repository]}}\n"
	report, err := f.lab(ctx, "up", spec)
	if err != nil {
		return nil, err
	}
	f.url, f.token = report.URL, report.Users[f.user].Tokens["git"]
	if f.url == "" || f.token == "" {
		return nil, fmt.Errorf("labforge tells no address or token")
	}
	return f, nil
}

type labReport struct {
	URL   string
	Users map[string]struct{ Tokens map[string]string }
}

// lab runs labforge with a spec.
func (f *forge) lab(ctx context.Context, verb, spec string) (labReport, error) {
	file := filepath.Join(f.dir, "spec.yaml")
	if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
		return labReport{}, err
	}
	cmd := exec.CommandContext(ctx, f.labforge, verb, "--dir", filepath.Join(f.dir, "forge"), "--spec", file, "--output", "json")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return labReport{}, fmt.Errorf("labforge %s: %w: %s", verb, err, problems.String())
	}
	var r labReport
	return r, json.Unmarshal(out, &r)
}

func (f *forge) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = exec.CommandContext(ctx, f.labforge, "down", "--dir", filepath.Join(f.dir, "forge"), "--purge").Run()
}

// home is the HOME of a process, with its cache.
func (f *forge) home(i int, shared bool) string {
	if shared {
		i = 0
	}
	return filepath.Join(f.dir, "home", fmt.Sprint(i))
}

// repository is a config repository with a number of apps.
type repository struct {
	f    *forge
	path string
	apps int
}

func (f *forge) repository(ctx context.Context, apps int) (*repository, error) {
	f.repositories++
	r := &repository{f: f, path: fmt.Sprintf("promoter/config-%d", f.repositories), apps: apps}
	from := filepath.Join(f.dir, fmt.Sprintf("config-%d", f.repositories))
	var project strings.Builder
	project.WriteString("apiVersion: tug.dev/v1alpha1\nkind: Project\nenvironments:\n  dev: {namespace: dev}\napps:\n")
	for i := range apps {
		fmt.Fprintf(&project, "  app%d: {manifests: [apps/app%d], locks: [\"app-locks/{{.env}}/\"]}\n", i, i)
		folder := filepath.Join(from, "apps", fmt.Sprintf("app%d", i))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		text := fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: app%d}\nspec: {containers: [{name: app, image: app%d}]}\n", i, i)
		if err := os.WriteFile(filepath.Join(folder, "pod.yaml"), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(from, "tug.yaml"), []byte(project.String()), 0o644); err != nil {
		return nil, err
	}
	_, err := f.lab(ctx, "apply", fmt.Sprintf("repositories:\n- {name: %s, private: true, from: %q}\n", r.path, from))
	return r, err
}

func (r *repository) url() string { return r.f.url + "/" + r.path + ".git" }

// check clones and looks for each app's build, and counts commits.
func (r *repository) check(ctx context.Context, into *row, apps int, want func(app int) int) error {
	dir, err := os.MkdirTemp(r.f.dir, "clone")
	if err != nil {
		return err
	}
	at, err := url.Parse(r.url())
	if err != nil {
		return err
	}
	at.User = url.UserPassword(r.f.user, r.f.token)
	if out, err := exec.CommandContext(ctx, "git", "clone", "-q", at.String(), dir).CombinedOutput(); err != nil {
		return fmt.Errorf("clone: %w: %s", err, out)
	}
	for app := range apps {
		data, err := os.ReadFile(filepath.Join(dir, "app-locks", "dev", fmt.Sprintf("app%d.lock.yaml", app)))
		if err != nil || !strings.Contains(string(data), fmt.Sprintf("\n  sequence: %d\n", want(app))) {
			into.wrong = append(into.wrong, fmt.Sprintf("app%d", app))
		}
	}
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-list", "--count", "--grep=^Tug-Intent:", "HEAD").Output()
	if err != nil {
		return fmt.Errorf("count commits: %w", err)
	}
	_, err = fmt.Sscan(string(out), &into.commits)
	return err
}

// call is one process.
type call struct {
	repo *repository
	home string
	args []string
}

// promotion are the arguments that promote one build of an app.
func promotion(app, build int) []string {
	name := fmt.Sprintf("app%d", app)
	return []string{"promote", "-a", name, "--env", "dev", "--sequence", fmt.Sprint(build), "--image", name + "=" + reference(app, build)}
}

func reference(app, build int) string {
	return fmt.Sprintf("registry.example/app%d:1.%d@sha256:%032x%032x", app, build, app+1, build)
}

func writeIntents(file string, n int) error {
	type image struct {
		Image    string `json:"image"`
		NewImage string `json:"newImage"`
		Tag      string `json:"tag"`
	}
	type intent struct {
		App         string  `json:"app"`
		Environment string  `json:"environment"`
		Sequence    int     `json:"sequence"`
		Images      []image `json:"images"`
	}
	var list []intent
	for i := range n {
		name := fmt.Sprintf("app%d", i)
		list = append(list, intent{name, "dev", 1, []image{{name, strings.Replace(reference(i, 1), ":1.1@", "@", 1), "1.1"}}})
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// measure starts all processes at once and waits for them.
func measure(ctx context.Context, f *forge, tug string, calls []call) (row, error) {
	var r row
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, c := range calls {
		if err := os.MkdirAll(c.home, 0o700); err != nil {
			return r, err
		}
	}
	begin := time.Now()
	for i, c := range calls {
		all.Go(func() {
			cmd := exec.CommandContext(ctx, tug, c.args...)
			cmd.Dir = c.home
			at := strings.Replace(c.repo.url(), "://", "://"+f.user+":"+f.token+"@", 1)
			cmd.Env = []string{"HOME=" + c.home, "TUG_CONFIG_REPOSITORY=" + c.repo.url(), "TUG_CREDENTIALS=" + at}
			out, err := cmd.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			r.slowest = max(r.slowest, time.Since(begin))
			if cmd.ProcessState != nil {
				r.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			}
			if err != nil {
				r.wrong = append(r.wrong, fmt.Sprintf("process %d: %v: %s", i, err, strings.TrimSpace(string(out))))
			}
		})
	}
	all.Wait()
	r.took = time.Since(begin)
	return r, nil
}
