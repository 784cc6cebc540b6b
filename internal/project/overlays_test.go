package project_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/project"
)

// A base beside its overlays is not what is meant by the folder of both.
func TestDetectDoesNotTakeTheBaseForItsOverlays(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"kust/base/kustomization.yaml":          {Data: []byte("resources: []\n")},
		"kust/overlays/prod/kustomization.yaml": {Data: []byte("resources: [../../base]\n")},
	}
	_, err := project.Detect(files, "kust")
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "kust/base, kust/overlays/prod") {
		t.Errorf("error %v, want one that lists both", err)
	}
	if p, err := project.Detect(files, "kust/overlays/prod"); err != nil || p.Root != "kust/overlays/prod" {
		t.Errorf("the overlay itself: %v, %v", p, err)
	}
}
