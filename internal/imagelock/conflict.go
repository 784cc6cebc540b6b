package imagelock

import "github.com/tugops/tug/internal/fault"

// checkConflicts makes sure that no image has two different results within one
// app and environment. A pending lock conflicts with nothing: a lock that has
// a digest for the same image is its answer.
func checkConflicts(locks []Lock) error {
	exact, repos := map[string][]Lock{}, map[string][]Lock{}
	for _, l := range locks {
		if l.Pending != "" {
			continue
		}
		if l.Repo {
			repos[l.Image] = append(repos[l.Image], l)
			continue
		}
		exact[l.Image] = append(exact[l.Image], l)
	}
	for _, l := range locks {
		if l.Pending != "" {
			continue
		}
		rivals := [][]Lock{exact[l.Image], repos[repositoryOf(l.Image)]}
		if l.Repo {
			rivals = [][]Lock{repos[l.Image]}
		}
		for _, some := range rivals {
			if err := checkRivals(l, some); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkRivals(l Lock, rivals []Lock) error {
	for _, r := range rivals {
		if l.NewImage == r.NewImage || !overlap(l.App, r.App) || !overlap(l.Environment, r.Environment) {
			continue
		}
		return fault.New(fault.Invalid, "image %q is locked to two different images: %s says %s, %s says %s",
			l.Image, l.Source, l.NewImage, r.Source, r.NewImage).
			Hint("keep one of the two entries; a lock file per app and environment with app: and environment: set never conflicts with its neighbours")
	}
	return nil
}

func overlap(a, b string) bool { return a == "" || b == "" || a == b }
