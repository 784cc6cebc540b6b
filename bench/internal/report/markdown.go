package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tugops/tug/bench/internal/sample"
)

const preface = `# Speed and memory

Written by the bench itself; do not edit. Take the numbers again with

    make bench                    # 3 rounds
    make bench BENCH_ROUNDS=5     # more of them

It builds its peers from Go modules, starts a control plane of its own and
works on 1,000 objects: 250 each of ConfigMap, ServiceAccount, Service, and
Deployment with 0 replicas. The programs take turns, each in a namespace of its
own made beforehand; before each measurement the cluster is left to become
quiet. The control plane shares the machine, so ratios count, not seconds.
`

// Markdown is RESULTS.md.
func (r *Results) Markdown() string {
	var b strings.Builder
	b.WriteString(preface)
	r.writeRun(&b)
	r.writeBudgets(&b)
	r.writeRows(&b)
	r.writeRequests(&b)
	return b.String()
}

func (r *Results) writeRun(b *strings.Builder) {
	fmt.Fprintf(b, "\n## This run\n\n")
	writeTable(b, []string{"", ""}, [][]string{
		{"machine", fmt.Sprintf("%s, %d cores, %d GiB", r.Machine.Model, r.Machine.Cores, (r.Machine.Memory+1<<29)>>30)},
		{"load averages", strings.Join(r.Machine.Loads, " at the start; ") + " at the end"},
		{"started", r.Started.UTC().Format(time.RFC3339)},
		{"rounds", fmt.Sprint(r.Rounds)},
		{"command", "`" + r.Command + "`"},
		{"programs", strings.Join(r.Programs, "; ")},
	})
}

func (r *Results) writeBudgets(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Budgets\n\n")
	var rows [][]string
	for _, budget := range r.Budgets() {
		sign := "≤ "
		if budget.Below {
			sign = "< "
		}
		rows = append(rows, []string{
			budget.What, amount(budget.Value, budget.Unit), sign + amount(budget.Limit, budget.Unit), budget.Verdict(),
		})
	}
	writeTable(b, []string{"what", "measured", "budget", ""}, rows)
}

func (r *Results) writeRows(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Measurements\n\n")
	fmt.Fprintf(b, "Medians; the spread is the least and the most. Memory is the most of all runs.\n\n")
	install := r.wall(HelmInstall)
	var rows [][]string
	for _, row := range r.rows {
		rows = append(rows, []string{
			row.Name, seconds(row.Wall.Median()), seconds(row.Wall.Min()) + " to " + seconds(row.Wall.Max()),
			fmt.Sprintf("%.2f", row.Wall.Median()/install), optional(row.CPU, row.CPU.Median(), seconds),
			optional(row.Server, row.Server.Median(), seconds),
			optional(row.Anon, row.Anon.Max()/(1<<20), func(v float64) string { return fmt.Sprintf("%.0f", v) }),
			fmt.Sprint(len(row.Wall)),
		})
	}
	writeTable(b, []string{"work", "time in s", "spread", "of helm install", "CPU in s", "API server's CPU in s", "anonymous MiB", "runs"}, rows)
}

func optional(s sample.Series, v float64, text func(float64) string) string {
	if len(s) == 0 {
		return ""
	}
	return text(v)
}

func seconds(v float64) string {
	if v < 1 {
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (r *Results) writeRequests(b *strings.Builder) {
	fmt.Fprintf(b, "\n## API requests\n\n")
	fmt.Fprintf(b, "Counted by a proxy, in runs that are not timed.\n\n")
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		total := 0
		var parts []string
		for _, verb := range slices.Sorted(maps.Keys(r.Requests[name])) {
			n := r.Requests[name][verb]
			total += n
			parts = append(parts, fmt.Sprintf("%d %s", n, verb))
		}
		rows = append(rows, []string{name, fmt.Sprint(total), strings.Join(parts, ", ")})
	}
	writeTable(b, []string{"work", "requests", "of these"}, rows)
}

// writeTable writes a table in GitHub's Markdown.
func writeTable(b *strings.Builder, head []string, rows [][]string) {
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	b.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
	for _, cells := range rows {
		escaped := make([]string, len(cells))
		for i, c := range cells {
			escaped[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		line(escaped)
	}
}
