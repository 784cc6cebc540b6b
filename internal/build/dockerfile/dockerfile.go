// Package dockerfile builds Dockerfiles with the program that is there:
// buildah, podman, BuildKit's buildctl or docker. Each is a Driver; the result
// is always an image in a folder, which tug itself labels and publishes, so
// that no builder needs the right to push.
package dockerfile

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tugops/tug/internal/build/image"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/program"
)

// Tools runs installed programs.
type Tools interface {
	// Look gives the path of an installed program, "" when there is none.
	Look(name string) string
	// Work runs a tool; a *program.ToolError when it ended with an error.
	Work(ctx context.Context, t program.Tool) (string, error)
}

// Recipe is one build.
type Recipe struct {
	// Dir is the folder on disk that File and Context are relative to.
	Dir, File, Context string
	Target             string
	Args               map[string]string
	// Bases say what references of the Dockerfile mean, where they are not to
	// be taken as they are.
	Bases map[string]string
	// Logins are for reading base images, by host. Buildah and podman get them;
	// the daemons of others have their own.
	Logins map[string]Login
	// Plain are registries without TLS that base images are in.
	Plain []string
	// Time is given to the files that the build makes, where the builder can.
	Time time.Time
	// Work is a folder for the builder; the image is read from it later.
	Work string
	Line func(string)
}

// Login is who reads base images.
type Login struct{ User, Password string }

// LogValue keeps the password out of logs.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// String tells only the user.
func (l Login) String() string { return "login of " + l.User }

// GoString is String, for %#v.
func (l Login) GoString() string { return l.String() }

// Driver builds with one program.
type Driver interface {
	// Name is that of the program.
	Name() string
	// Ready is nil when the program is installed and can build.
	Ready(ctx context.Context) error
	// Build gives the image, whose layers are read from Recipe.Work later.
	Build(ctx context.Context, r Recipe) (v1.Image, error)
}

// Drivers are all of them, those first that need no daemon.
func Drivers(tools Tools, env []string) []Driver {
	b := base{tools: tools, env: env}
	return []Driver{buildah{b}, podman{b}, buildkit{b}, docker{b}}
}

// Names are those of all drivers.
func Names() []string {
	var names []string
	for _, d := range Drivers(nil, nil) {
		names = append(names, d.Name())
	}
	return names
}

// Choose gives the driver of a name, or the first that is ready.
func Choose(ctx context.Context, drivers []Driver, name string) (Driver, error) {
	e := fault.New(fault.NotFound, "no program that builds Dockerfiles is ready")
	for _, d := range drivers {
		if name != "" && d.Name() != name {
			continue
		}
		err := d.Ready(ctx)
		if err == nil {
			return d, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if name != "" {
			return nil, err
		}
		e.Hint("%s", err.Error())
	}
	return nil, e.Hint("install buildah, which needs no daemon; or give the digest of an image that was built elsewhere: --image NAME=IMAGE@DIGEST")
}

// base is what drivers share.
type base struct {
	tools Tools
	env   []string
}

// installed finds the program, or says that it is not there.
func (b base) installed(name string) (string, error) {
	if path := b.tools.Look(name); path != "" {
		return path, nil
	}
	return "", fault.New(fault.NotFound, "%s is not installed", name)
}

// answers runs a quick question to a daemon.
func (b base) answers(ctx context.Context, name string, args ...string) error {
	path, err := b.installed(name)
	if err != nil {
		return err
	}
	const patience = 10 * time.Second
	if _, err = b.tools.Work(ctx, program.Tool{Path: path, Args: args, Env: b.env, Time: patience}); err == nil {
		return nil
	}
	reason := err.Error()
	if failed, ok := errors.AsType[*program.ToolError](err); ok {
		lines := strings.Split(failed.Output, "\n")
		reason = lines[len(lines)-1]
	}
	return fault.New(fault.Unavailable, "%s is installed, but its daemon does not answer: %s", name, reason)
}

// run runs a builder and turns its failure into what it said.
func (b base) run(ctx context.Context, name string, r Recipe, args ...string) error {
	path, err := b.installed(name)
	if err != nil {
		return err
	}
	env := append(append([]string{}, b.env...), "TMPDIR="+r.Work)
	_, err = b.tools.Work(ctx, program.Tool{Path: path, Args: args, Dir: r.Dir, Env: env, Line: r.Line})
	failed, ok := errors.AsType[*program.ToolError](err)
	if !ok {
		return err
	}
	return fault.New(fault.Invalid, "%s: %s ended with %s:\n%s", r.File, name, failed.Status, failed.Output).
		Hint("the last lines say which step of the Dockerfile failed")
}

// single reads the one image that a builder wrote.
func single(dir string) (v1.Image, error) {
	c, err := image.ReadLayout(dir)
	if err != nil {
		return nil, err
	}
	img, ok := c.(v1.Image)
	if !ok {
		return nil, fault.New(fault.Invalid, "the builder made an index of images instead of one image").
			Hint("attestations and several platforms make one: switch them off in the builder")
	}
	return img, nil
}
