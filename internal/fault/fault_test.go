package fault

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKindAndHintsThroughWrapping(t *testing.T) {
	t.Parallel()
	inner := New(NotReady, "Deployment shop/web: %w", errors.New("image cannot be pulled")).Hint("fix the image")
	err := fmt.Errorf("shop/prod: %w", New(Conflict, "deploy: %w", inner).Hint("try again"))
	if got := KindOf(err); got != Conflict {
		t.Errorf("kind %s, want that of the outermost fault", got)
	}
	if !Is(err, Conflict) || Is(err, NotReady) || Is(nil, Internal) {
		t.Error("Is looks at something else than the outermost fault")
	}
	if d := cmp.Diff([]string{"try again", "fix the image"}, HintsOf(err)); d != "" {
		t.Error(d)
	}
	if got := err.Error(); got != "shop/prod: deploy: Deployment shop/web: image cannot be pulled" {
		t.Errorf("message %q", got)
	}
	if KindOf(errors.New("x")) != Internal || HintsOf(errors.New("x")) != nil {
		t.Error("a plain error has a kind or hints")
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	want := map[Kind]int{
		Internal: 1, Usage: 2, Invalid: 1, NotFound: 1, Exists: 7, Gone: 1, Immutable: 1, Unavailable: 1,
		Pending: 3, Denied: 4, Findings: 5, NotReady: 6, Conflict: 7, Interrupted: 130,
	}
	for kind, code := range want {
		if got := kind.ExitCode(); got != code {
			t.Errorf("%s exits with %d, want %d", kind, got, code)
		}
	}
}
