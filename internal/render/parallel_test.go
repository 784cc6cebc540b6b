package render

import (
	"testing"

	"github.com/tugops/tug/internal/fault"
)

func TestParallelCatchesPanics(t *testing.T) {
	t.Parallel()
	err := Parallel(t.Context(), 3, func(i int) error {
		if i == 1 {
			panic("one")
		}
		return nil
	})
	if !fault.Is(err, fault.Internal) {
		t.Errorf("error %v", err)
	}
}
