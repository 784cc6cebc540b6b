package plan_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// TestGolden fixes the JSON of a plan: it is the format of plan files and of
// `tug plan --output json`. Run with -update after a change that is meant.
func TestGolden(t *testing.T) {
	t.Parallel()
	s := newState(t, "config", "extra", "kept", "Service/old", "Namespace/tools").undeclare("Service/old", "Namespace/tools", "extra").
		item("config", func(i *inventory.Item) { i.Generation = 9 })
	s.said(said{
		live: map[string]any{"a": "9", "list": "x"}, result: map[string]any{"a": "1"},
		liveManagers: []map[string]any{
			entry(t, "tug", "Apply", "", `{"f:data":{"f:list":{}}}`), entry(t, "kubectl-edit", "Update", "", `{"f:data":{"f:a":{}}}`),
		},
		afterManagers: []map[string]any{entry(t, "tug", "Apply", "", `{"f:data":{"f:a":{}}}`)},
	})
	s.in.Env = "prod"
	s.in.Others = map[object.Ref]string{s.ref("extra"): "shop/api"}
	s.add(named("Deployment/web"), named("Boat/tug"), hook("migrate", "pre-upgrade", -1))
	got, err := json.MarshalIndent(s.compute(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "plan.golden.json")
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Error(diff)
	}
}

var update = flag.Bool("update", false, "write golden files")

func TestSummary(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Kept: 40, Changes: []plan.Change{
		{Action: plan.Create}, {Action: plan.Create}, {Action: plan.Create}, {Action: plan.Update},
		{Action: plan.Delete}, {Action: plan.Delete}, {Action: plan.Reown}, {Action: plan.Run}, {Action: plan.Take}, {Action: plan.Drop},
	}}
	want := "3 to create, 1 to update, 1 to take over, 2 to delete, 1 to release, 1 hook to run, 1 to re-own, 40 unchanged"
	if got := p.Summary(); got != want {
		t.Errorf("summary = %q, want %q", got, want)
	}
	if got := (&plan.Plan{}).Summary(); got != "no objects" {
		t.Errorf("summary = %q", got)
	}
}
