package image

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

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

// Program is a Go main package.
type Program struct {
	// Dir is a folder of the module on disk, Package the folder of the main
	// package below it ("./cmd/shop").
	Dir, Package string
	Ldflags      string
	Tags         []string
	// Env is what the go tool gets of the environment, besides the platform.
	Env []string
}

// Compile builds the program for a platform into the file out. The same source
// and version of Go give the same bytes: no paths, no build identity of the
// machine, no cgo.
func (p Program) Compile(ctx context.Context, tools Tools, platform v1.Platform, out string, line func(string)) error {
	tool := tools.Look("go")
	if tool == "" {
		return fault.New(fault.NotFound, "go build %s: the go tool is not installed", p.Package).
			Hint("install Go, or build the image from a Dockerfile")
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", out, "-ldflags", strings.TrimSpace("-s -w " + p.Ldflags)}
	if len(p.Tags) > 0 {
		args = append(args, "-tags", strings.Join(p.Tags, ","))
	}
	args = append(args, "--", "./"+filepath.ToSlash(filepath.Clean(p.Package)))
	env := append(append([]string{}, p.Env...), "CGO_ENABLED=0", "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	if v := variant(platform); v != "" {
		env = append(env, v)
	}
	_, err := tools.Work(ctx, program.Tool{Path: tool, Args: args, Dir: p.Dir, Env: env, Line: line})
	failed, ok := errors.AsType[*program.ToolError](err)
	if !ok {
		return err
	}
	return fault.New(fault.Invalid, "go build %s for %s:\n%s", p.Package, platform, failed.Output)
}

// variant is the setting of Go for the variant of a platform.
func variant(p v1.Platform) string {
	switch {
	case p.Variant == "":
		return ""
	case p.Architecture == "arm":
		return "GOARM=" + strings.TrimPrefix(p.Variant, "v")
	case p.Architecture == "amd64":
		return "GOAMD64=" + p.Variant
	case p.Architecture == "arm64":
		return "GOARM64=" + p.Variant + ".0"
	}
	return ""
}
