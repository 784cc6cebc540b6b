package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tugops/tug/internal/health"
)

// table writes aligned columns. The head is left out when there are no rows.
func table(b *strings.Builder, head string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.ReplaceAll(head, " | ", "\t"))
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	w.Flush()
}

// healthWord is a state with its reason.
func healthWord(h health.Status) string {
	if h.Reason == "" || h.State == health.Ready {
		return string(h.State)
	}
	return string(h.State) + ": " + h.Reason
}

// age is how long ago something was, in the largest unit that fits.
func age(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
