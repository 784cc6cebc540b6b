package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// repository is a config repository with one umbrella chart, a commit for each
// version, and a folder of YAML that is another app.
type repository struct {
	dir     string
	commits map[version]string
}

// other is the other app. Its name begins like the one that is killed, and so
// do the names of its record.
const other = app + "-two"

func writeRepository(ctx context.Context, dir string, w world) (*repository, error) {
	r := &repository{dir: dir, commits: map[version]string{}}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if _, err := r.git(ctx, "init", "-q", "-b", "main"); err != nil {
		return nil, err
	}
	if err := r.write("other/all.yaml", neighbours()); err != nil {
		return nil, err
	}
	for _, v := range []version{versionA, versionB} {
		if err := r.writeChart(w.declared(v)); err != nil {
			return nil, err
		}
		if _, err := r.git(ctx, "add", "-A"); err != nil {
			return nil, err
		}
		if _, err := r.git(ctx, "commit", "-q", "-m", "version "+string(v)); err != nil {
			return nil, err
		}
		var err error
		if r.commits[v], err = r.git(ctx, "rev-parse", "HEAD"); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// neighbours are the objects of the other app.
func neighbours() []fields {
	return []fields{
		object("v1", "ConfigMap", "settings-two", fields{"data": fields{"value": "two"}}),
		object("v1", "ServiceAccount", "account-two", nil),
		service("web-two"),
		workload("Deployment", "web-two", "registry.example/web:1", 0),
	}
}

func (r *repository) writeChart(s sets) error {
	for name, text := range map[string]string{
		"Chart.yaml":              "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n- {name: cache, version: 1.2.0}\n",
		"charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 1.2.0\n",
	} {
		if err := r.file("umbrella/"+name, text); err != nil {
			return err
		}
	}
	for name, list := range map[string][]fields{
		"templates/all.yaml":              s.templates,
		"templates/hooks.yaml":            s.hooks,
		"charts/cache/templates/all.yaml": s.sub,
		"charts/cache/crds/anchors.yaml":  s.crds,
	} {
		if err := r.write("umbrella/"+name, list); err != nil {
			return err
		}
	}
	return nil
}

// write stores objects as documents of YAML. A value that is random becomes a
// call of the template function.
func (r *repository) write(name string, list []fields) error {
	var text strings.Builder
	for _, o := range list {
		data, err := yaml.Marshal(o)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		text.WriteString("---\n" + strings.ReplaceAll(string(data), random, `{{ randAlphaNum 24 | quote }}`))
	}
	return r.file(name, text.String())
}

func (r *repository) file(name, text string) error {
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func (r *repository) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "user.name=soak", "-c", "user.email=soak@example.com"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
