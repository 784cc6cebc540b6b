package gitlab_test

import (
	"testing"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/contract"
	"github.com/tugops/tug/internal/forge/gitlab"
	"github.com/tugops/tug/internal/forge/rest"
	"github.com/tugops/tug/internal/outbound"
)

func TestContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, func(*testing.T) contract.Target {
		world := contract.NewWorld("acme/platform/config")
		target := world.Target()
		target.Handler = newFake(world)
		target.Open = func(d contract.Dial) forge.Forge {
			return gitlab.New(gitlab.Options{
				Repository: forge.Repository{Web: d.Web, Path: world.Path}, HTTP: outbound.New(outbound.Policy{Silence: d.Silence}, nil),
				Login: rest.Bearer(d.Token, "GITLAB_TOKEN"), Retry: d.Retry,
			})
		}
		return target
	})
}
