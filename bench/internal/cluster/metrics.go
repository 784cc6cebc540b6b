package cluster

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// CPU is the processor time that the API server has used since it started:
// what a program makes the server do shows in it, however busy the machine is
// with other things.
func (l *Lab) CPU(ctx context.Context) (time.Duration, error) {
	n, err := l.metric(ctx, func(line string) bool { return strings.HasPrefix(line, "process_cpu_seconds_total ") })
	return time.Duration(n * float64(time.Second)), err
}

// metric adds up the metrics of the API server that are wanted.
func (l *Lab) metric(ctx context.Context, wanted func(line string) bool) (float64, error) {
	data, err := l.client.Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	return sum(data, wanted)
}

// sum adds up the wanted lines of metrics in the Prometheus text format.
func sum(metrics []byte, wanted func(line string) bool) (float64, error) {
	total := 0.0
	lines := bufio.NewScanner(bytes.NewReader(metrics))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if !wanted(line) {
			continue
		}
		n, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("metric %q: %w", line, err)
		}
		total += n
	}
	return total, lines.Err()
}
