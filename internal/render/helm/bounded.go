package helm

import (
	"fmt"
	"strings"
	"text/template"
)

// Bounds on what one call of a template function makes: a chart of a few bytes
// must not fill the memory. They are far beyond what real charts ask for.
const (
	maxRepeat = 16 << 20  // bytes
	maxUntil  = 1_000_000 // numbers
)

// addBounded replaces the functions of Sprig that make much out of little.
func addBounded(f template.FuncMap) {
	f["repeat"] = func(count int, text string) (string, error) {
		if count < 0 || count > 0 && len(text) > maxRepeat/count {
			return "", fmt.Errorf("repeat: %d times %d bytes is more than %d MiB", count, len(text), maxRepeat>>20)
		}
		return strings.Repeat(text, count), nil
	}
	f["until"] = func(count int) ([]int, error) {
		step := 1
		if count < 0 {
			step = -1
		}
		return untilStep(0, count, step)
	}
	f["untilStep"] = untilStep
}

// untilStep is Sprig's: the numbers from start up to stop, which is left out.
func untilStep(start, stop, step int) ([]int, error) {
	list := []int{}
	if step == 0 || stop < start && step >= 0 || stop >= start && step <= 0 {
		return list, nil
	}
	if n := (stop - start) / step; n > maxUntil {
		return nil, fmt.Errorf("until: %d numbers are more than %d", n, maxUntil)
	}
	if stop < start {
		for i := start; i > stop; i += step {
			list = append(list, i)
		}
		return list, nil
	}
	for i := start; i < stop; i += step {
		list = append(list, i)
	}
	return list, nil
}
