package krm

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// exec runs a function that is a program in the repository.
func (r Runner) exec(ctx context.Context, f *Function, objects []*object.Object) (output, error) {
	if !r.Allow.Exec || r.Programs == nil {
		return output{}, fault.New(fault.Denied, "%s runs the program %q, and programs are switched off", f.title(), f.spec.Exec.Path).
			Hint("read the program, and give --allow-exec if you trust it").
			Hint("functions in Starlark need no permission")
	}
	file, data, err := r.read(f, f.spec.Exec.Path)
	if err != nil {
		return output{}, err
	}
	if info, err := fs.Stat(r.Files, file); err == nil && info.Mode()&0o111 == 0 {
		return output{}, fault.New(fault.Invalid, "%s: %s is not executable", f.title(), file).
			Hint("run chmod +x %s and commit it", file)
	}
	env, err := f.environment(f.spec.Exec.Env)
	if err != nil {
		return output{}, err
	}
	return r.run(ctx, f, objects, render.Program{
		Name: path.Base(file), Content: data, Args: f.spec.Exec.Args, Env: env,
	})
}

// container runs a function that is an image, without network, without a
// disk to write to, as nobody.
func (r Runner) container(ctx context.Context, f *Function, objects []*object.Object) (output, error) {
	c := f.spec.Container
	switch {
	case !r.Allow.Containers || r.Programs == nil:
		return output{}, fault.New(fault.Denied, "%s runs the container %q, and containers are switched off", f.title(), c.Image).
			Hint("give --allow-containers if you trust the image").
			Hint("functions in Starlark need no permission")
	case c.Image == "" || strings.HasPrefix(c.Image, "-"):
		return output{}, fault.New(fault.Invalid, "%s: %q is not an image", f.title(), c.Image)
	case c.Network || len(c.Mounts) > 0:
		return output{}, fault.New(fault.Invalid, "%s: functions get no network and no mounts", f.title()).
			Hint("put what it needs into its configuration, or into the image")
	}
	engine := r.Programs.Look("podman")
	if engine == "" {
		engine = r.Programs.Look("docker")
	}
	if engine == "" {
		return output{}, fault.New(fault.NotFound, "%s needs docker or podman, and neither is installed", f.title())
	}
	env, err := f.environment(c.Env)
	if err != nil {
		return output{}, err
	}
	args := []string{
		"run", "--rm", "--interactive", "--network", "none", "--read-only", "--user", "65534:65534",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "1g", "--pids-limit", "256",
	}
	for _, e := range append([]string{"LOG_TO_STDERR=true", "STRUCTURED_RESULTS=true"}, env...) {
		args = append(args, "--env", e)
	}
	out, err := r.run(ctx, f, objects, render.Program{Name: c.Image, Path: engine, Args: append(args, c.Image)})
	if err == nil && !strings.Contains(c.Image, "@sha256:") {
		out.results = append(out.results, map[string]any{
			"severity": "warning", "message": "the image " + c.Image + " has no digest and may change without a commit",
		})
	}
	return out, err
}

// environment are the variables that a function asks for. It may set its own;
// it may not read those of the person who renders.
func (f *Function) environment(list []string) ([]string, error) {
	for _, e := range list {
		if key, _, ok := strings.Cut(e, "="); !ok || key == "" {
			return nil, fault.New(fault.Invalid, "%s asks for the environment variable %q of this machine", f.title(), e).
				Hint("functions get no environment; write %s=VALUE", e)
		}
	}
	return list, nil
}

// run runs a program over objects. A program that ends with an error may still
// have written results that say why.
func (r Runner) run(ctx context.Context, f *Function, objects []*object.Object, p render.Program) (output, error) {
	var err error
	if p.Input, err = encode(f, objects); err != nil {
		return output{}, err
	}
	data, runErr := r.Programs.Run(ctx, p)
	if runErr != nil && len(data) == 0 {
		return output{}, f.failed(runErr)
	}
	out, err := decode(f, data, objects)
	switch {
	case runErr == nil:
		return out, err
	case err == nil:
		if _, judged := out.result(f); judged != nil {
			return output{}, judged
		}
	}
	return output{}, f.failed(runErr)
}

func (f *Function) failed(err error) error {
	return fault.New(fault.Invalid, "%s: %w", f.title(), err)
}
