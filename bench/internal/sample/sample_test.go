package sample_test

import (
	"math"
	"testing"

	"github.com/tugops/tug/bench/internal/sample"
)

func TestSeries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in               sample.Series
		median, min, max float64
	}{
		"one":      {sample.Series{3}, 3, 3, 3},
		"odd":      {sample.Series{9, 1, 4}, 4, 1, 9},
		"even":     {sample.Series{8, 1, 2, 4}, 3, 1, 8},
		"outlier":  {sample.Series{1, 1, 100}, 1, 1, 100},
		"negative": {sample.Series{-1, -3}, -2, -3, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := c.in[0]
			if got := c.in.Median(); got != c.median {
				t.Errorf("median = %v, want %v", got, c.median)
			}
			if c.in.Min() != c.min || c.in.Max() != c.max {
				t.Errorf("spread = %v to %v, want %v to %v", c.in.Min(), c.in.Max(), c.min, c.max)
			}
			if c.in[0] != first {
				t.Error("the series was reordered")
			}
		})
	}
}

func TestEmptySeriesIsNoNumber(t *testing.T) {
	t.Parallel()
	var s sample.Series
	for _, v := range []float64{s.Median(), s.Min(), s.Max()} {
		if !math.IsNaN(v) {
			t.Errorf("%v, want no number", v)
		}
	}
}
