package check

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tugops/tug/internal/check/problem"
)

// schedules looks at the schedules of CronJobs.
func (l *look) schedules(context.Context) error {
	for _, c := range l.set.CronJobs {
		at := problem.Path{"spec", "schedule"}
		if text := badSchedule(c.Typed.Spec.Schedule); text != "" {
			l.report(c.Object, problem.New(RuleCron, at, "schedule %q: %s", c.Typed.Spec.Schedule, text).
				WithHint("minute, hour, day of month, month, day of week: \"30 4 * * 1-5\", or one of @hourly, @daily, @weekly, @monthly, @yearly"))
		}
		if zone := c.Typed.Spec.TimeZone; zone != nil {
			if text := badZone(*zone); text != "" {
				l.report(c.Object, problem.New(RuleCron, problem.Path{"spec", "timeZone"}, "time zone %q %s", *zone, text).WithHint("name one of the IANA database: Europe/Berlin"))
			}
		}
	}
	return nil
}

// cronField is one of the five parts of a schedule.
type cronField struct {
	name     string
	min, max int
	words    []string // from min on
}

func cronFields() []cronField {
	return []cronField{
		{"minute", 0, 59, nil},
		{"hour", 0, 23, nil},
		{"day of month", 1, 31, nil},
		{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{"day of week", 0, 6, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// badSchedule says what is wrong with a schedule, in the syntax of the CronJob
// controller; "" when nothing is.
func badSchedule(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return "a time zone belongs into spec.timeZone"
	}
	if name, ok := strings.CutPrefix(text, "@"); ok {
		if every, ok := strings.CutPrefix(name, "every "); ok {
			if _, err := time.ParseDuration(every); err != nil {
				return "@every needs a duration like 1h30m"
			}
			return ""
		}
		switch name {
		case "yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly":
			return ""
		}
		return "there is no such short form"
	}
	parts, fields := strings.Fields(text), cronFields()
	if len(parts) != len(fields) {
		return fmt.Sprintf("it has %d parts instead of %d", len(parts), len(fields))
	}
	for i, part := range parts {
		for item := range strings.SplitSeq(part, ",") {
			if bad := fields[i].check(item); bad != "" {
				return fields[i].name + ": " + bad
			}
		}
	}
	return ""
}

// check looks at one item: a number or word, a range, * or ?, with a step.
func (f cronField) check(item string) string {
	span, step, stepped := strings.Cut(item, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
		return fmt.Sprintf("step %q is no number from 1 on", step)
	}
	if span == "*" || span == "?" {
		return ""
	}
	low, high, isRange := strings.Cut(span, "-")
	from, ok := f.number(low)
	if !ok {
		return fmt.Sprintf("%q is not from %d to %d", low, f.min, f.max)
	}
	if !isRange {
		return ""
	}
	to, ok := f.number(high)
	if !ok {
		return fmt.Sprintf("%q is not from %d to %d", high, f.min, f.max)
	}
	if from > to {
		return fmt.Sprintf("the range %s ends before it begins", span)
	}
	return ""
}

func (f cronField) number(text string) (int, bool) {
	for i, w := range f.words {
		if strings.EqualFold(w, text) {
			return f.min + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.min && n <= f.max
}

// badZone says what is wrong with a time zone. Where the machine has no
// database of zones, only the form can be judged.
func badZone(zone string) string {
	if zone == "" || strings.EqualFold(zone, "Local") {
		return "is not one that a CronJob can have"
	}
	if _, err := time.LoadLocation(zone); err == nil {
		return ""
	}
	if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
		return ""
	}
	return "is not known"
}
