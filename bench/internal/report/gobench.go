package report

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Benchmark is one line that `go test -bench` printed.
type Benchmark struct {
	Name  string // without the number of processors
	PerOp time.Duration
}

var benchmarkLine = regexp.MustCompile(`^(Benchmark\S+?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)

// ParseBenchmarks reads the benchmarks in the output of `go test -bench`, in
// the format of https://golang.org/design/14313-benchmark-format.
func ParseBenchmarks(output string) []Benchmark {
	var list []Benchmark
	for line := range strings.Lines(output) {
		m := benchmarkLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		ns, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			continue
		}
		list = append(list, Benchmark{Name: m[1], PerOp: time.Duration(ns)})
	}
	return list
}
