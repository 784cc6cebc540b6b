package plan

import "fmt"

// Summary is one line: "3 to create, 1 to update, 2 to delete, 40 unchanged".
func (p *Plan) Summary() string {
	n := p.Counts()
	var parts []string
	for _, part := range []struct {
		count int
		word  string
	}{
		{n[Create], "to create"},
		{n[Update], "to update"},
		{n[Take], "to take over"},
		{n[Delete], "to delete"},
		{n[Drop], "to release"},
		{n[Run], plural(n[Run], "hook") + " to run"},
		{n[Reown], "to re-own"},
		{p.Kept, "unchanged"},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.word))
		}
	}
	if len(parts) == 0 {
		return "no objects"
	}
	return join(parts)
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// Counts is the number of changes by action.
func (p *Plan) Counts() map[Action]int {
	n := map[Action]int{}
	for _, ch := range p.Changes {
		n[ch.Action]++
	}
	return n
}
