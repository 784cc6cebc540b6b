package check

import (
	"context"

	"github.com/tugops/tug/internal/check/score"
)

// scores runs kube-score's checks over the objects of the app; what they look
// for may be in any app of the environment.
func (l *look) scores(context.Context) error {
	t := l.in.Config.Thresholds
	off := func(b *bool) bool { return b != nil && !*b }
	options := score.Options{
		MinReplicas: t.MinReplicas, MinReplicasAutoscaler: t.MinReplicasAutoscaler,
		NoCPULimit: off(t.CPULimit), NoMemoryLimit: off(t.MemoryLimit),
		On: map[string]bool{},
	}
	for _, c := range score.Checks() {
		if s, set := l.in.Config.Rules[c.ID]; c.Optional && (set && s != "off" || l.chosen(c.ID)) {
			options.On[c.ID] = true
		}
	}
	for _, v := range score.Run(l.set.Set, l.env.finder, options) {
		for _, p := range v.Problems {
			l.report(v.Object, p)
		}
	}
	return nil
}

// chosen reports whether a rule was named with --rule.
func (c *checker) chosen(id string) bool {
	for _, word := range c.in.Only {
		if aliases(word) == id {
			return true
		}
	}
	return false
}
