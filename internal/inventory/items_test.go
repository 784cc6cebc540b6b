package inventory

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
)

func named(names ...string) []Item {
	var items []Item
	for _, n := range names {
		items = append(items, Item{Ref: object.Ref{Kind: "ConfigMap", Namespace: "shop", Name: n}})
	}
	return items
}

func TestItemsAreASet(t *testing.T) {
	t.Parallel()
	r := &Record{Items: named("b", "d")}
	r.Items[0].UID = "known"
	r.Union(named("d", "a", "b", "a", "c"))
	want := named("a", "b", "c", "d")
	want[1].UID = "known"
	if diff := cmp.Diff(want, r.Items); diff != "" {
		t.Fatalf("union (-want +got):\n%s", diff)
	}

	confirmed := named("c")[0]
	confirmed.UID = "new"
	r.Confirm(confirmed)
	r.Confirm(named("e")[0])
	r.Remove(want[0].Ref)
	r.Remove(object.Ref{Kind: "ConfigMap", Name: "never there"})
	r.Hand(want[3].Ref, "shop/other")
	want = named("b", "c", "d", "e")
	want[0].UID, want[1].UID, want[2].Handed = "known", "new", "shop/other"
	if diff := cmp.Diff(want, r.Items); diff != "" {
		t.Errorf("after changes (-want +got):\n%s", diff)
	}
	if it, ok := r.Item(confirmed.Ref); !ok || it.UID != "new" {
		t.Errorf("Item gives %+v, %v", it, ok)
	}
}

func TestCopyIsIndependent(t *testing.T) {
	t.Parallel()
	r := &Record{Items: named("a"), Head: Head{Releases: []Release{{Number: 1}}}}
	c := r.Copy()
	c.Items[0].UID = "changed"
	c.Head.Releases[0].Number = 9
	if r.Items[0].UID != "" || r.Head.Releases[0].Number != 1 {
		t.Error("a change of the copy shows in the original")
	}
}

func TestReleasesFollowEachOther(t *testing.T) {
	t.Parallel()
	var h Head
	h.Begin(Release{}, 3)
	h.Finish(1, Release{Status: Deployed})
	for n := 2; n <= 5; n++ {
		if got := h.Begin(Release{}, 3); got != n {
			t.Fatalf("release number %d, want %d", got, n)
		}
		if n == 3 {
			continue // its writer dies
		}
		h.Finish(n, Release{Status: Failed, Error: "no"})
	}
	var got []string
	for _, r := range h.Releases {
		got = append(got, fmt.Sprintf("%d %s", r.Number, r.Status))
	}
	// The three newest, and the one a rollback would go to.
	want := []string{"5 failed", "4 failed", "3 interrupted", "1 deployed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("releases (-want +got):\n%s", diff)
	}
	h.Begin(Release{}, 3)
	h.Finish(6, Release{Status: Deployed})
	if s := h.Release(1); s != nil && s.Status != Superseded {
		t.Errorf("release 1 is %s after a later one was deployed", s.Status)
	}
	if h.Latest().Status != Deployed || h.Release(99) != nil {
		t.Errorf("latest is %+v", h.Latest())
	}
}

func TestHolderRoundTrip(t *testing.T) {
	t.Parallel()
	h, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	got, ok := ParseHolder(h.String())
	if !ok || got != h {
		t.Errorf("parsed %+v, %v; want %+v", got, ok, h)
	}
	for _, foreign := range []string{"", "someone", "a/b/c/d/e/f/g", "tug/h/b/s/notapid/1/n"} {
		if _, ok := ParseHolder(foreign); ok {
			t.Errorf("%q was read as an identity of tug", foreign)
		}
	}
}

func TestHolderGone(t *testing.T) {
	t.Parallel()
	self, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	if self.Start == "" || self.Boot == "" || self.Space == "" {
		t.Skip("this system does not tell boot ID, PID namespace or start time")
	}
	recycled, elsewhere, rebooted := self, self, self
	recycled.Start = "1"
	elsewhere.Space, elsewhere.Start = "other", "1"
	rebooted.Boot, rebooted.Start = "other", "1"
	dead := self
	dead.PID = finishedProcess(t)
	for name, c := range map[string]struct {
		h    Holder
		gone bool
	}{
		"ourselves":               {self, false},
		"PID used again":          {recycled, true},
		"ended":                   {dead, true},
		"another PID namespace":   {elsewhere, false},
		"another boot or machine": {rebooted, false},
	} {
		if got := c.h.Gone(); got != c.gone {
			t.Errorf("%s: gone is %v, want %v", name, got, c.gone)
		}
	}
}

// finishedProcess gives the PID of a process that has ended.
func finishedProcess(t *testing.T) int {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}
