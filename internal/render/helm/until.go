package helm

import (
	"fmt"
	"text/template"
)

// addUntil adds the functions that count.
func addUntil(f, sprig template.FuncMap) {
	f["until"] = func(count int) ([]int, error) {
		step := 1
		if count < 0 {
			step = -1
		}
		return untilStep(0, count, step)
	}
	f["untilStep"] = untilStep
	addSeq(f, sprig)
}

// untilStep is Sprig's: the numbers from start up to stop, which is left out.
func untilStep(start, stop, step int) ([]int, error) {
	list := []int{}
	if step == 0 || stop < start && step >= 0 || stop >= start && step <= 0 {
		return list, nil
	}
	if n := (stop - start) / step; n > maxUntil || n < 0 {
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

// addSeq bounds Sprig's seq: numbers up to and with the last one, as text.
func addSeq(f, sprig template.FuncMap) {
	seq := sprig["seq"].(func(...int) string)
	f["seq"] = func(params ...int) (string, error) {
		first, step, last := 1, 1, 0
		switch len(params) {
		case 1:
			last = params[0]
		case 2:
			first, last = params[0], params[1]
		case 3:
			first, step, last = params[0], params[1], params[2]
		}
		if step < 0 {
			step = -step
		}
		if span := max(first, last) - min(first, last); step > 0 && (span < 0 || span/step > maxUntil) {
			return "", fmt.Errorf("seq: more than %d numbers", maxUntil)
		}
		return seq(params...), nil
	}
}
