package textmerge

import "slices"

// maxEdits bounds the work on two texts that have little in common: beyond it
// the rest counts as replaced as a whole, which is coarse but right.
const maxEdits = 2000

// match is a run of equal elements: a[A:A+N] equals b[B:B+N].
type match struct{ A, B, N int }

// matches finds what a and b have in common, in order, by Myers' greedy
// algorithm after their common ends are cut off.
func matches[T comparable](a, b []T) []match {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var list []match
	if head > 0 {
		list = append(list, match{0, 0, head})
	}
	for _, m := range myers(a[head:len(a)-tail], b[head:len(b)-tail]) {
		list = append(list, match{m.A + head, m.B + head, m.N})
	}
	if tail > 0 {
		list = append(list, match{len(a) - tail, len(b) - tail, tail})
	}
	return list
}

// myers gives the runs of a longest common subsequence, or none when more than
// maxEdits edits part a from b.
func myers[T comparable](a, b []T) []match {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	limit := min(len(a)+len(b), maxEdits)
	// best[k+limit+1] is the furthest x on diagonal k; trace[d] is the part of
	// it that step d saw, diagonals -d to d.
	best := make([]int, 2*limit+3)
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), best[limit+1-d:limit+2+d]...))
		for k := -d; k <= d; k += 2 {
			x := furthest(best, limit+1, k, d)
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			best[limit+1+k] = x
			if x >= len(a) && y >= len(b) {
				return retrace(a, b, trace, d)
			}
		}
	}
	return nil
}

// furthest is where step d begins on diagonal k, coming from a neighbour.
func furthest(best []int, zero, k, d int) int {
	if k == -d || k != d && best[zero+k-1] < best[zero+k+1] {
		return best[zero+k+1]
	}
	return best[zero+k-1] + 1
}

// retrace walks back from the end to the beginning.
func retrace[T comparable](a, b []T, trace [][]int, steps int) []match {
	var back []match
	x, y := len(a), len(b)
	for d := steps; d >= 0; d-- {
		k := x - y
		// trace[d] covers the diagonals -d to d, as they were before step d.
		fromX, fromK := 0, 0
		if d > 0 {
			seen := trace[d]
			if k == -d || k != d && seen[k-1+d] < seen[k+1+d] {
				fromK = k + 1
			} else {
				fromK = k - 1
			}
			fromX = seen[fromK+d]
		}
		fromY := fromX - fromK
		n := 0
		for x > fromX && y > fromY && a[x-1] == b[y-1] {
			x, y, n = x-1, y-1, n+1
		}
		if n > 0 {
			back = append(back, match{x, y, n})
		}
		x, y = fromX, fromY
	}
	list := make([]match, 0, len(back))
	for _, m := range slices.Backward(back) {
		list = append(list, m)
	}
	return list
}
