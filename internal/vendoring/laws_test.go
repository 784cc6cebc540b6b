package vendoring_test

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/vendoring"
)

// TestLaws merges random packages: resources that are edited, added, deleted,
// moved and renamed, files that are no resources, on both sides.
func TestLaws(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(21))
	clean := 0
	for i := range 600 {
		base := randomPackage(random)
		ours, theirs := base.change(random, "ours", i), base.change(random, "theirs", i)
		o, u, th := base.tree(), ours.tree(), theirs.tree()
		for name, c := range map[string][4]vendoring.Tree{"o,o,x": {o, o, th, th}, "o,x,o": {o, u, o, u}, "o,x,x": {o, u, u, u}} {
			got := vendoring.Merge(c[0], c[1], c[2], vendoring.Fail)
			if len(got.Conflicts) > 0 || print(got.Tree) != print(c[3]) {
				t.Fatalf("merge(%s): %v\n%s\nwant\n%s\norigin\n%s", name, got.Conflicts, print(got.Tree), print(c[3]), print(o))
			}
		}
		a, b := vendoring.Merge(o, u, th, vendoring.Theirs), vendoring.Merge(o, th, u, vendoring.Ours)
		if len(a.Conflicts) != len(b.Conflicts) {
			t.Fatalf("not symmetric: %v and %v\norigin\n%s\nours\n%s\ntheirs\n%s", a.Conflicts, b.Conflicts, print(o), print(u), print(th))
		}
		if len(a.Conflicts) == 0 {
			clean++
		}
		nothingLost(t, o, u, th, a)
		if t.Failed() {
			return
		}
	}
	if clean < 80 {
		t.Errorf("only %d merges without conflict", clean)
	}
}

// nothingLost: every edit has a word of its own, which must be in the result
// or in a conflict.
func nothingLost(t *testing.T, o, u, th vendoring.Tree, got vendoring.Merged) {
	t.Helper()
	there := print(got.Tree)
	for _, c := range got.Conflicts {
		there += c.Ours + " " + c.Theirs + "\n"
	}
	for _, side := range []vendoring.Tree{u, th} {
		for _, word := range strings.Fields(print(side)) {
			if strings.HasPrefix(word, "edit-") && !strings.Contains(there, word) {
				t.Errorf("%s is lost:\n%s\nconflicts %+v\norigin\n%s\nours\n%s\ntheirs\n%s", word, print(got.Tree), got.Conflicts, print(o), print(u), print(th))
			}
		}
	}
}

// resource and pkg are a package before it is written down.
type resource struct {
	file, name string
	fields     []string
}

type pkg struct {
	resources []resource
	texts     map[string][]string
}

func randomPackage(random *rand.Rand) pkg {
	p := pkg{texts: map[string][]string{}}
	for i := range 2 + random.Intn(5) {
		r := resource{file: fmt.Sprintf("f%d.yaml", random.Intn(3)), name: fmt.Sprintf("r%d", i)}
		for j := range 1 + random.Intn(4) {
			r.fields = append(r.fields, fmt.Sprintf("k%d: v", j))
		}
		p.resources = append(p.resources, r)
	}
	for i := range random.Intn(3) {
		p.texts[fmt.Sprintf("t%d.txt", i)] = []string{"a", "b", "c", "d", "e"}
	}
	return p
}

// change edits a copy; every edit is a word of its own.
func (p pkg) change(random *rand.Rand, side string, round int) pkg {
	n := 0
	word := func() string {
		n++
		return fmt.Sprintf("edit-%s-%d-%d", side, round, n)
	}
	out := pkg{texts: map[string][]string{}}
	for _, r := range p.resources {
		r.fields = append([]string(nil), r.fields...)
		switch random.Intn(12) {
		case 0:
			continue
		case 1, 2:
			i := random.Intn(len(r.fields))
			r.fields[i] = strings.SplitAfter(r.fields[i], ": ")[0] + word()
		case 3:
			r.fields = append(r.fields, "n"+side+": "+word())
		case 4:
			r.file = "moved-" + side + ".yaml"
		}
		out.resources = append(out.resources, r)
	}
	if random.Intn(3) == 0 {
		out.resources = append(out.resources, resource{file: "f0.yaml", name: "new" + fmt.Sprint(random.Intn(2)), fields: []string{"k: " + word()}})
	}
	for name, lines := range p.texts {
		lines = append([]string(nil), lines...)
		switch random.Intn(6) {
		case 0:
			continue
		case 1, 2:
			lines[random.Intn(len(lines))] = word()
		case 3:
			name = "renamed-" + side + "-" + name
		}
		out.texts[name] = lines
	}
	return out
}

func (p pkg) tree() vendoring.Tree {
	t := vendoring.Tree{}
	for _, r := range p.resources {
		f := t[r.file]
		if len(f.Data) > 0 {
			f.Data = append(f.Data, "---\n"...)
		}
		f.Data = append(f.Data, object("R", r.name, "spec:\n  "+strings.Join(r.fields, "\n  ")+"\n")...)
		t[r.file] = f
	}
	for name, lines := range p.texts {
		t[name] = vendoring.File{Data: []byte(strings.Join(lines, "\n") + "\n")}
	}
	return t
}
