package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/spf13/cobra"

	"github.com/tugops/tug/lab/forge/internal/api"
	"github.com/tugops/tug/lab/forge/internal/image"
	"github.com/tugops/tug/lab/forge/internal/server"
	"github.com/tugops/tug/lab/forge/internal/spec"
)

func newImage(gitea server.Program) *cobra.Command {
	var dir, program string
	cmd := &cobra.Command{
		Use:   "image --dir DIR OWNER/NAME:TAG",
		Short: "Push a small base image for Dockerfiles, and print its reference with its digest",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return hold(dir, time.Minute, func(ctx context.Context, folder server.Folder) error {
				state, err := running(folder)
				if err != nil {
					return err
				}
				if program == "" {
					program = image.Find(filepath.Dir(gitea.Gitea))
				}
				reference, err := push(ctx, state, program, args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), reference)
				return err
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringVar(&program, "program", "", "static executable that is all commands of the image (default: the busybox of this machine if it is static, else a small shell)")
	return cmd
}

// push makes the image and pushes it, together with the organisation that owns
// it, and gives REGISTRY/OWNER/NAME:TAG@DIGEST.
func push(ctx context.Context, state server.State, program, target string) (string, error) {
	registry := strings.TrimPrefix(state.URL(), "http://")
	tag, err := name.NewTag(registry+"/"+target, name.StrictValidation)
	if err != nil {
		return "", usageError{err}
	}
	owner, _, ok := strings.Cut(tag.RepositoryStr(), "/")
	if !ok {
		return "", usageError{fmt.Errorf("image %q is not OWNER/NAME:TAG", target)}
	}
	img, err := image.Base(program)
	if err != nil {
		return "", err
	}
	admin := api.Client{URL: state.URL(), User: state.Admin.Name, Password: state.Admin.Password}
	if err := (spec.Forge{Admin: admin}).Owner(ctx, owner); err != nil {
		return "", err
	}
	login := &authn.Basic{Username: state.Admin.Name, Password: state.Admin.Token}
	if err := remote.Write(tag, img, remote.WithAuth(login), remote.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("push of %s: %w", tag, err)
	}
	digest, err := img.Digest()
	if err != nil {
		return "", err
	}
	return tag.String() + "@" + digest.String(), nil
}
