package github_test

import (
	"testing"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/contract"
	"github.com/tugops/tug/internal/forge/github"
	"github.com/tugops/tug/internal/forge/rest"
	"github.com/tugops/tug/internal/outbound"
)

func TestContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, func(*testing.T) contract.Target {
		world := contract.NewWorld("acme/config")
		target := world.Target()
		target.Handler = newFake(world)
		target.Open = func(d contract.Dial) forge.Forge {
			return github.New(github.Options{
				Repository: forge.Repository{Web: d.Web, Path: world.Path}, HTTP: outbound.New(outbound.Policy{Silence: d.Silence}, nil),
				Login: rest.Bearer(d.Token, "GITHUB_TOKEN"), Retry: d.Retry,
			})
		}
		return target
	})
}
