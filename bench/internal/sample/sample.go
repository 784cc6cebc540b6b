// Package sample sums up repeated measurements of one thing.
package sample

import (
	"math"
	"slices"
)

// Series are measurements of one quantity in one unit, in the order taken.
type Series []float64

// Median is the middle value; of an even number, the mean of the middle two.
// It is not a number for an empty series.
func (s Series) Median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Min is the smallest value; not a number for an empty series.
func (s Series) Min() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	return slices.Min(s)
}

// Max is the largest value; not a number for an empty series.
func (s Series) Max() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	return slices.Max(s)
}
