package helm

import (
	"testing"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
)

func TestBoundedFunctionsAreSprigs(t *testing.T) {
	t.Parallel()
	f := template.FuncMap{}
	addBounded(f)
	theirs := sprig.TxtFuncMap()
	for _, c := range [][3]int{{0, 5, 1}, {0, 5, 2}, {5, 0, -1}, {5, 0, 1}, {0, 5, -1}, {0, 0, 1}, {3, 3, 0}, {-2, 2, 3}} {
		got, err := f["untilStep"].(func(int, int, int) ([]int, error))(c[0], c[1], c[2])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(theirs["untilStep"].(func(int, int, int) []int)(c[0], c[1], c[2]), got); diff != "" {
			t.Errorf("untilStep %v (-want +got):\n%s", c, diff)
		}
	}
	for _, n := range []int{-3, 0, 4} {
		got, err := f["until"].(func(int) ([]int, error))(n)
		if diff := cmp.Diff(theirs["until"].(func(int) []int)(n), got); diff != "" || err != nil {
			t.Errorf("until %d: %v (-want +got):\n%s", n, err, diff)
		}
	}
	repeat := f["repeat"].(func(int, string) (string, error))
	if got, err := repeat(3, "ab"); got != "ababab" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for name, bomb := range map[string]func() error{
		"repeat": func() error { _, err := repeat(1_500_000_000, "x"); return err },
		"until":  func() error { _, err := f["until"].(func(int) ([]int, error))(2_000_000_000); return err },
		"less":   func() error { _, err := repeat(-1, "x"); return err },
	} {
		if bomb() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
