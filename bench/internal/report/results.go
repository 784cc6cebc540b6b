// Package report keeps what a bench run measured, holds it against the budgets
// and writes RESULTS.md.
package report

import (
	"time"

	"github.com/tugops/tug/bench/internal/cluster"
	"github.com/tugops/tug/bench/internal/process"
	"github.com/tugops/tug/bench/internal/sample"
)

// Row is one kind of work, measured several times.
type Row struct {
	Name      string
	Wall, CPU sample.Series // seconds
	Anon      sample.Series // peak of anonymous memory, bytes; empty when not watched
	Server    sample.Series // processor time of the API server meanwhile, seconds
}

// Results are what one run of the bench found out.
type Results struct {
	Machine  Machine
	Started  time.Time
	Rounds   int
	Programs []string // names and versions
	Command  string
	// Requests are what the API server was asked, by the name of the work.
	Requests map[string]cluster.Requests

	rows []*Row
}

// Add notes one measurement. server is the processor time that the API server
// used meanwhile; 0 for work that it has no part in.
func (r *Results) Add(name string, u process.Usage, server time.Duration) {
	row := r.Row(name)
	if row == nil {
		row = &Row{Name: name}
		r.rows = append(r.rows, row)
	}
	row.Wall = append(row.Wall, u.Wall.Seconds())
	if u.CPU > 0 {
		row.CPU = append(row.CPU, u.CPU.Seconds())
	}
	if u.Anon > 0 {
		row.Anon = append(row.Anon, float64(u.Anon))
	}
	if server > 0 {
		row.Server = append(row.Server, server.Seconds())
	}
}

// Row is the row of a name; nil when it was not measured.
func (r *Results) Row(name string) *Row {
	for _, row := range r.rows {
		if row.Name == name {
			return row
		}
	}
	return nil
}

// wall is the median time of a work in seconds; not a number when it was not
// measured.
func (r *Results) wall(name string) float64 {
	if row := r.Row(name); row != nil {
		return row.Wall.Median()
	}
	return sample.Series(nil).Median()
}
