package health

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// Trouble is what keeps one pod from becoming ready.
type Trouble struct {
	Pod       string
	Container string // "" when it concerns the pod as a whole
	Image     string // of the container, as its spec has it
	Text      string // "image cannot be pulled: ...", in one line
	Stuck     bool   // see Status.Stuck
	Ended     bool   // the container ran and ended: its log tells more
	Previous  bool   // the log of the instance before this one does
}

// String is the trouble in one line, with pod and container.
func (t Trouble) String() string {
	if t.Container == "" {
		return fmt.Sprintf("pod %s: %s", t.Pod, t.Text)
	}
	return fmt.Sprintf("pod %s, container %s: %s", t.Pod, t.Container, t.Text)
}

// Troubles lists what is wrong with a pod, init containers first, since they
// run first; nothing for a pod that is ready, done, being deleted, or merely
// starting.
func Troubles(pod *object.Object) []Trouble {
	v := view{pod}
	if v.text("metadata", "deletionTimestamp") != "" || v.text("status", "phase") == "Succeeded" {
		return nil
	}
	if c := v.condition("PodScheduled"); c.status == "False" {
		if c.reason == "SchedulingGated" {
			return []Trouble{{Pod: pod.Name(), Text: "held back by a scheduling gate"}}
		}
		return []Trouble{{Pod: pod.Name(), Text: "no node takes it: " + firstSentence(c.message), Stuck: true}}
	}
	var out []Trouble
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, item := range v.list("status", field) {
			if t, ok := container(v, item, field == "initContainerStatuses"); ok {
				out = append(out, t)
			}
		}
	}
	if text := because(v.text("status", "reason"), v.text("status", "message")); len(out) == 0 && text != "" {
		out = append(out, Trouble{Pod: pod.Name(), Text: text, Stuck: v.text("status", "phase") == "Failed"})
	}
	return out
}

// firstSentence leaves out what the scheduler adds about claims and preemption.
func firstSentence(text string) string {
	if sentence, _, ok := strings.Cut(text, ". "); ok {
		return sentence
	}
	return strings.TrimSuffix(text, ".")
}

// Reason says why pods do not become ready, in one line: the trouble that
// most of them share first, with the newest telling event of a pod that has
// no other (a volume that cannot be mounted, a failing probe). events are
// messages by uid of the pod, newest last, as kube.Client.Events gives them.
// text is "" when nothing is wrong; stuck is as in Status.
func Reason(pods []*object.Object, events map[string][]string) (text string, stuck bool) {
	type group struct {
		first Trouble
		pods  int
	}
	var groups []*group
	byText := map[string]*group{}
	for _, p := range pods {
		for _, t := range withEvents(p, Troubles(p), events[p.UID()]) {
			key := t.Container + "\x00" + t.Text
			if byText[key] == nil {
				byText[key] = &group{first: t}
				groups = append(groups, byText[key])
			}
			byText[key].pods++
		}
	}
	if len(groups) == 0 {
		return "", false
	}
	slices.SortStableFunc(groups, func(a, b *group) int {
		if a.first.Stuck != b.first.Stuck {
			return btoi(b.first.Stuck) - btoi(a.first.Stuck)
		}
		return b.pods - a.pods
	})
	worst := groups[0]
	if worst.pods > 1 {
		return fmt.Sprintf("%s (and %d more pods)", worst.first, worst.pods-1), worst.first.Stuck
	}
	return worst.first.String(), worst.first.Stuck
}

// withEvents adds what only events tell: to a container that is not ready,
// its failing probe; to a pod that hangs at its start, the reason.
func withEvents(pod *object.Object, troubles []Trouble, events []string) []Trouble {
	v := view{pod}
	if v.condition("Ready").status == "True" || v.text("status", "phase") == "Succeeded" {
		return troubles
	}
	for _, e := range slices.Backward(events) {
		switch reason, _, _ := strings.Cut(e, ":"); reason {
		case "Unhealthy":
			for i := range troubles {
				if !troubles[i].Stuck && troubles[i].Container != "" {
					troubles[i].Text += "; " + strings.TrimPrefix(e, "Unhealthy: ")
					return troubles
				}
			}
		case "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer":
			if len(troubles) == 0 {
				return []Trouble{{Pod: pod.Name(), Text: e}}
			}
		}
	}
	return troubles
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
