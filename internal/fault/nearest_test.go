package fault_test

import (
	"slices"
	"testing"

	"github.com/tugops/tug/internal/fault"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"image", "imageRepo", "newImage", "preresolved", "main", "release-1"}
	for word, want := range map[string][]string{
		"imge":        {"image"},
		"iamge":       {"image"},
		"Image":       {"image"},
		"preresovled": {"preresolved"},
		"mian":        {"main"},
		"release-2":   {"release-1"},
		"zzz":         {},
		"":            {},
	} {
		if got := fault.Nearest(word, known, 2); !slices.Equal(got, want) {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
