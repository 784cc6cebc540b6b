package cli

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/notify/service"
	"github.com/tugops/tug/internal/project"
)

// TestNotifyWords: what tug.yaml may say is what the packages behind it know.
func TestNotifyWords(t *testing.T) {
	t.Parallel()
	sorted := func(list []string) []string { slices.Sort(list); return list }
	if d := cmp.Diff(sorted(notify.Kinds()), sorted(project.EventKinds())); d != "" {
		t.Errorf("events: %s", d)
	}
	if d := cmp.Diff(notify.Placeholders(), project.Placeholders()); d != "" {
		t.Errorf("placeholders: %s", d)
	}
	if notify.DefaultTemplate != project.DefaultWording {
		t.Error("default words have two names")
	}
	for _, typ := range project.ChannelTypes() {
		_, err := service.New(service.Settings{Type: typ}, service.Deps{})
		if err != nil && err.Error() == `there is no type of channel "`+typ+`"` {
			t.Error(err)
		}
	}
	if _, err := service.New(service.Settings{Type: "no such type"}, service.Deps{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown type: %v", err)
	}
}
