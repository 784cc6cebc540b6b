package snapshot

import (
	"testing"

	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/rendercache"
)

// TestKeyOfAFluxLayout: the remote decides which of its sources are this
// repository, and so what is rendered. Nothing else depends on it.
func TestKeyOfAFluxLayout(t *testing.T) {
	t.Parallel()
	c := &Cached{Cache: &rendercache.Cache{}, Tool: "test"}
	key := func(engine project.Engine, remote string) rendercache.Key {
		keys, ok := c.keys(Input{Spec: project.Spec{Engine: engine}, Revision: Revision{Repository: remote}})
		if !ok {
			t.Fatal("no key")
		}
		return keys[0]
	}
	if key(project.Flux, "https://a.example.com/x") == key(project.Flux, "https://b.example.com/x") {
		t.Error("two remotes have one key")
	}
	if key(project.Helm, "https://a.example.com/x") != key(project.Helm, "https://b.example.com/x") {
		t.Error("a chart depends on the remote")
	}
}
