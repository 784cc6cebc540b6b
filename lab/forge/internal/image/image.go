// Package image makes the base image of Dockerfile builds and pushes it: a
// static busybox, or the lab's own small shell, and the few files that programs
// look for. The same program always makes the same image.
package image

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Base makes an image whose commands are all one program: a static executable
// that looks at the name it is called by and lists those names for --list, as
// busybox does.
func Base(program string) (v1.Image, error) {
	if err := mustBeStatic(program); err != nil {
		return nil, err
	}
	names, err := exec.Command(program, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list: %w", program, err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	content, err := layer(data, strings.Fields(string(names)))
	if err != nil {
		return nil, err
	}
	return assemble(content)
}

func assemble(content []byte) (v1.Image, error) {
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	files, err := tarball.LayerFromOpener(open)
	if err != nil {
		return nil, err
	}
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.DockerManifestSchema2), mutate.Addendum{
		Layer: files, MediaType: types.DockerLayer, History: v1.History{CreatedBy: "labforge image", Created: epoch()},
	})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Architecture, config.OS, config.Created = runtime.GOARCH, "linux", epoch()
	config.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	config.Config.Cmd = []string{"sh"}
	return mutate.ConfigFile(img, config)
}

// epoch is the date of everything in an image.
func epoch() v1.Time { return v1.Time{Time: time.Unix(0, 0).UTC()} }

// Find is the program of the base image when none is named: a static busybox
// of the machine, else labsh in a folder.
func Find(folder string) string {
	if busybox, err := exec.LookPath("busybox"); err == nil && mustBeStatic(busybox) == nil {
		return busybox
	}
	return filepath.Join(folder, "labsh")
}

// mustBeStatic refuses a program that would look for libraries in the image.
func mustBeStatic(program string) error {
	file, err := elf.Open(program)
	if err != nil {
		return fmt.Errorf("program of the base image %s: %w", program, err)
	}
	defer func() { _ = file.Close() }()
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return fmt.Errorf("program of the base image %s: not static", program)
	}
	return nil
}
