package dockerfile

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/tugops/tug/internal/fault"
)

var (
	_ Driver = buildah{}
	_ Driver = podman{}
	_ Driver = buildkit{}
	_ Driver = docker{}
)

// tag is what images are called until they are read; nobody else sees it.
const tag = "localhost/tug-build:latest"

// arguments are the flags that all but BuildKit share.
func (r Recipe) arguments() []string {
	args := []string{"-f", r.File, "-t", tag}
	if r.Target != "" {
		args = append(args, "--target", r.Target)
	}
	for _, key := range slices.Sorted(maps.Keys(r.Args)) {
		args = append(args, "--build-arg", key+"="+r.Args[key])
	}
	for _, ref := range slices.Sorted(maps.Keys(r.Bases)) {
		args = append(args, "--build-context", ref+"=docker-image://"+r.Bases[ref])
	}
	return args
}

// storage are the flags of buildah and podman that keep a build to itself: a
// store of its own, no privileges, no daemon.
func (r Recipe) storage() []string {
	return []string{"--storage-driver", "vfs", "--root", filepath.Join(r.Work, "store"), "--runroot", filepath.Join(r.Work, "run")}
}

// configure writes the settings of buildah and podman: which registries speak
// no TLS, and logins for base images. It gives the environment for it.
func (r Recipe) configure() ([]string, error) {
	var text strings.Builder
	text.WriteString("unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = \"permissive\"\n")
	for _, host := range r.Plain {
		fmt.Fprintf(&text, "[[registry]]\nlocation = %q\ninsecure = true\n", host)
	}
	file := filepath.Join(r.Work, "registries.conf")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return nil, fault.New(fault.Unavailable, "settings of the builder: %w", err)
	}
	env := []string{"CONTAINERS_REGISTRIES_CONF=" + file}
	if len(r.Logins) == 0 {
		return env, nil
	}
	auth, err := r.logins()
	return append(env, auth...), err
}

// logins writes an authentication file with the logins.
func (r Recipe) logins() ([]string, error) {
	type entry struct {
		Auth string `json:"auth"`
	}
	auths := map[string]entry{}
	for host, l := range r.Logins {
		name := host
		if host == "index.docker.io" {
			name = "docker.io"
		}
		auths[name] = entry{base64.StdEncoding.EncodeToString([]byte(l.User + ":" + l.Password))}
	}
	data, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(r.Work, "auth.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, fault.New(fault.Unavailable, "settings of the builder: %w", err)
	}
	return []string{"REGISTRY_AUTH_FILE=" + file}, nil
}

type buildah struct{ base }

func (buildah) Name() string { return "buildah" }

func (d buildah) Ready(context.Context) error {
	_, err := d.installed("buildah")
	return err
}

func (d buildah) Build(ctx context.Context, r Recipe) (v1.Image, error) {
	settings, err := r.configure()
	if err != nil {
		return nil, err
	}
	d.env = append(append([]string{}, d.env...), settings...)
	args := append(r.storage(), "bud", "--isolation", "chroot", "--format", "oci", "--timestamp", seconds(r))
	if err := d.run(ctx, "buildah", r, append(append(args, r.arguments()...), r.Context)...); err != nil {
		return nil, err
	}
	out := filepath.Join(r.Work, "image")
	if err := d.run(ctx, "buildah", r, append(r.storage(), "push", tag, "oci:"+out)...); err != nil {
		return nil, err
	}
	return single(out)
}

type podman struct{ base }

func (podman) Name() string { return "podman" }

func (d podman) Ready(context.Context) error {
	_, err := d.installed("podman")
	return err
}

func (d podman) Build(ctx context.Context, r Recipe) (v1.Image, error) {
	settings, err := r.configure()
	if err != nil {
		return nil, err
	}
	d.env = append(append([]string{}, d.env...), settings...)
	args := append(r.storage(), "build", "--isolation", "chroot", "--format", "oci", "--timestamp", seconds(r))
	if err := d.run(ctx, "podman", r, append(append(args, r.arguments()...), r.Context)...); err != nil {
		return nil, err
	}
	out := filepath.Join(r.Work, "image")
	if err := d.run(ctx, "podman", r, append(r.storage(), "save", "--format", "oci-dir", "-o", out, tag)...); err != nil {
		return nil, err
	}
	return single(out)
}

type buildkit struct{ base }

func (buildkit) Name() string { return "buildctl" }

func (d buildkit) Ready(ctx context.Context) error {
	return d.answers(ctx, "buildctl", "debug", "workers")
}

func (d buildkit) Build(ctx context.Context, r Recipe) (v1.Image, error) {
	out := filepath.Join(r.Work, "image")
	file := filepath.Join(r.Dir, r.File)
	args := []string{
		"build", "--progress", "plain", "--frontend", "dockerfile.v0",
		"--local", "context=" + filepath.Join(r.Dir, r.Context), "--local", "dockerfile=" + filepath.Dir(file),
		"--opt", "filename=" + filepath.Base(file), "--opt", "build-arg:SOURCE_DATE_EPOCH=" + seconds(r),
	}
	if r.Target != "" {
		args = append(args, "--opt", "target="+r.Target)
	}
	for _, key := range slices.Sorted(maps.Keys(r.Args)) {
		args = append(args, "--opt", "build-arg:"+key+"="+r.Args[key])
	}
	for _, ref := range slices.Sorted(maps.Keys(r.Bases)) {
		args = append(args, "--opt", "context:"+ref+"=docker-image://"+r.Bases[ref])
	}
	args = append(args, "--output", "type=oci,tar=false,rewrite-timestamp=true,dest="+out)
	if err := d.run(ctx, "buildctl", r, args...); err != nil {
		return nil, err
	}
	return single(out)
}

type docker struct{ base }

func (docker) Name() string { return "docker" }

func (d docker) Ready(ctx context.Context) error {
	return d.answers(ctx, "docker", "version", "--format", "{{.Server.Version}}")
}

func (d docker) Build(ctx context.Context, r Recipe) (v1.Image, error) {
	args := append([]string{"build", "--build-arg", "SOURCE_DATE_EPOCH=" + seconds(r)}, r.arguments()...)
	if err := d.run(ctx, "docker", r, append(args, r.Context)...); err != nil {
		return nil, err
	}
	out := filepath.Join(r.Work, "image.tar")
	if err := d.run(ctx, "docker", r, "save", "-o", out, tag); err != nil {
		return nil, err
	}
	if err := d.run(ctx, "docker", r, "image", "rm", "--no-prune", tag); err != nil {
		return nil, err
	}
	img, err := tarball.ImageFromPath(out, nil)
	if err != nil {
		return nil, fault.New(fault.Invalid, "read the image that was built: %w", err)
	}
	return img, nil
}

func seconds(r Recipe) string { return strconv.FormatInt(max(0, r.Time.Unix()), 10) }
