package snapshot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

// pin writes the digests of the app's locks into objects. Images that stay a
// tag are a warning each, or an error when the build is hermetic.
func pin(in Input, s *Snapshot, objects []*object.Object) ([]*object.Object, error) {
	if in.KeepImages {
		return objects, nil
	}
	locks, err := imagelock.Load(in.Files, in.Spec.Locks)
	if err != nil {
		return nil, err
	}
	if locks, err = imagelock.Join(locks, in.Locks); err != nil {
		return nil, err
	}
	s.Warnings = append(s.Warnings, locks.Warnings...)
	result, err := imagelock.Pin(objects, locks.For(in.Spec.App, in.Spec.Env))
	if err != nil {
		return nil, err
	}
	if len(result.Unpinned) == 0 {
		return result.Objects, nil
	}
	if in.Hermetic {
		return nil, hermeticFault(result.Unpinned)
	}
	s.Warnings = append(s.Warnings, unpinnedWarnings(result.Unpinned)...)
	return result.Objects, nil
}

// maxListed bounds lists in messages.
const maxListed = 10

// hermeticFault has a line for each place of an image without a lock.
func hermeticFault(all []imagelock.Unpinned) error {
	var lines []string
	for i, u := range all {
		if i == maxListed {
			lines = append(lines, fmt.Sprintf("and %d more", len(all)-maxListed))
			break
		}
		lines = append(lines, fmt.Sprintf("image %q of %s (%s) has no lock", u.Image, u.Ref, u.Source))
	}
	return fault.New(fault.Invalid, "%s", strings.Join(lines, "\n")).
		Hint("tug image lock writes their digests into a lock file; or write digests into the manifests, or leave out --hermetic")
}

// unpinnedWarnings has one sentence for each image.
func unpinnedWarnings(all []imagelock.Unpinned) []string {
	users := map[string][]string{}
	var images []string
	for _, u := range all {
		if users[u.Image] == nil {
			images = append(images, u.Image)
		}
		if user := u.Ref.String(); !slices.Contains(users[u.Image], user) {
			users[u.Image] = append(users[u.Image], user)
		}
	}
	slices.SortFunc(images, cmp.Compare)
	warnings := make([]string, 0, len(images))
	for _, image := range images {
		warnings = append(warnings, fmt.Sprintf("image %q has no lock and may change without a commit (%s)", image, joinSome(users[image])))
	}
	return warnings
}

// joinSome names the first three of a list.
func joinSome(list []string) string {
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:3], ", "), len(list)-3)
	}
	return strings.Join(list, ", ")
}
