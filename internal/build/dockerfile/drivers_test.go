package dockerfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/tugops/tug/internal/build/dockerfile"
	"github.com/tugops/tug/internal/build/image"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/program"
)

// stand stands for an installed builder: it notes how it is called and writes
// an image where it is told to.
type stand struct {
	name  string
	img   v1.Image
	fail  string
	calls []program.Tool
}

func (s *stand) Look(name string) string {
	if name != s.name {
		return ""
	}
	return "/usr/bin/" + name
}

func (s *stand) Work(_ context.Context, t program.Tool) (string, error) {
	s.calls = append(s.calls, t)
	if s.fail != "" {
		return "", &program.ToolError{Name: s.name, Status: "exit status 1", Output: s.fail}
	}
	for i, a := range t.Args {
		switch before, dest, _ := strings.Cut(a, "dest="); {
		case strings.HasPrefix(a, "oci:"):
			return "", image.WriteLayout(strings.TrimPrefix(a, "oci:"), s.img)
		case dest != "" && strings.HasPrefix(before, "type=oci"):
			return "", image.WriteLayout(dest, s.img)
		case a == "-o" && t.Args[i-1] == "oci-dir":
			return "", image.WriteLayout(t.Args[i+1], s.img)
		case a == "-o":
			return "", tarball.WriteToFile(t.Args[i+1], name.MustParseReference("localhost/tug-build:latest"), s.img)
		}
	}
	return "", nil
}

func recipe(t *testing.T) dockerfile.Recipe {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dockerfile.Recipe{
		Dir: dir, File: "Dockerfile", Context: ".", Target: "last", Work: t.TempDir(), Time: time.Unix(1700000000, 0),
		Args: map[string]string{"MODE": "fast; rm -rf /"}, Bases: map[string]string{"busybox:latest": "registry.example/busybox@sha256:0"},
		Plain: []string{"127.0.0.1:5000"}, Logins: map[string]dockerfile.Login{"index.docker.io": {User: "ci", Password: "canary-3X"}},
	}
}

// TestDrivers is the contract of a driver.
func TestDrivers(t *testing.T) {
	t.Parallel()
	for _, driver := range dockerfile.Names() {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			img, err := random.Image(64, 2)
			if err != nil {
				t.Fatal(err)
			}
			s := &stand{name: driver, img: img}
			d, err := dockerfile.Choose(t.Context(), dockerfile.Drivers(s, []string{"HOME=/home/ci"}), driver)
			if err != nil {
				t.Fatal(err)
			}
			built, err := d.Build(t.Context(), recipe(t))
			if err != nil {
				t.Fatal(err)
			}
			want, _ := img.ConfigName()
			if got, err := built.ConfigName(); err != nil || got != want {
				t.Errorf("another image came back: %s, %v", got, err)
			}
			var all []string
			for _, c := range s.calls {
				all = append(all, c.Args...)
				if c.Env[0] != "HOME=/home/ci" {
					t.Errorf("environment %q", c.Env)
				}
			}
			line := strings.Join(all, "\x00")
			if strings.Contains(line, "canary-3X") {
				t.Error("a password is in the command line")
			}
			for _, must := range []string{"MODE=fast; rm -rf /", "busybox:latest=docker-image://registry.example/busybox@sha256:0", "last", "1700000000"} {
				if !strings.Contains(line, must) {
					t.Errorf("%q is not in the command line %q", must, all)
				}
			}

			s.fail = "STEP 2: RUN make\nmake: no rule"
			_, err = d.Build(t.Context(), recipe(t))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "make: no rule") || !strings.HasPrefix(err.Error(), "Dockerfile: ") {
				t.Errorf("failure: %v", err)
			}
		})
	}
}

// TestLogins looks at what buildah and podman are given.
func TestLogins(t *testing.T) {
	t.Parallel()
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{name: "buildah", img: img}
	r := recipe(t)
	if _, err := dockerfile.Drivers(s, nil)[0].Build(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, entry := range s.calls[0].Env {
		name, file, _ := strings.Cut(entry, "=")
		if data, err := os.ReadFile(file); err == nil {
			settings[name] = string(data)
		}
	}
	// "ci:canary-3X" in base64.
	if want := `{"auths":{"docker.io":{"auth":"Y2k6Y2FuYXJ5LTNY"}}}`; settings["REGISTRY_AUTH_FILE"] != want {
		t.Errorf("logins %q", settings["REGISTRY_AUTH_FILE"])
	}
	if conf := settings["CONTAINERS_REGISTRIES_CONF"]; !strings.Contains(conf, "location = \"127.0.0.1:5000\"\ninsecure = true") {
		t.Errorf("registries %q", conf)
	}
	for _, text := range []string{fmt.Sprint(r.Logins), fmt.Sprintf("%#v", r.Logins)} {
		if strings.Contains(text, "canary") {
			t.Errorf("a login shows itself: %s", text)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	_, err := dockerfile.Choose(t.Context(), dockerfile.Drivers(&stand{name: "none"}, nil), "")
	if hints := strings.Join(fault.HintsOf(err), "\n"); !fault.Is(err, fault.NotFound) || !strings.Contains(hints, "buildah is not installed") {
		t.Errorf("%v, hints %s", err, hints)
	}
	_, err = dockerfile.Choose(t.Context(), dockerfile.Drivers(&stand{name: "docker", fail: "x\nCannot connect to the Docker daemon"}, nil), "docker")
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "Cannot connect to the Docker daemon") {
		t.Errorf("%v", err)
	}
	if d, err := dockerfile.Choose(t.Context(), dockerfile.Drivers(&stand{name: "podman"}, nil), ""); err != nil || d.Name() != "podman" {
		t.Errorf("%v, %v", d, err)
	}
}
