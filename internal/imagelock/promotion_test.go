package imagelock_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

// TestPromotionsStay: what a lock file says of its builds is read as it was
// written, in every form, and kept when the locks are written anew.
func TestPromotionsStay(t *testing.T) {
	t.Parallel()
	promotions := []imagelock.Promotion{
		{Of: "shop", Version: "1.10", Sequence: 57, Newest: 60, Key: "a: b#57", Repository: "https://git.example/shop", Commit: "0123", Images: []string{"shop", "registry.example/x:1"}},
		{Of: "yes"},
	}
	for _, format := range imagelock.Formats() {
		f := imagelock.LockFile{Format: imagelock.Format(format), Promotions: promotions}
		data, err := f.Encode([]imagelock.Lock{{Image: "a:1", NewImage: "r.io/a@" + digestA}})
		if err != nil {
			t.Fatal(err)
		}
		again, err := imagelock.ReadLockFile("l.yml", data)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", format, err, data)
		}
		if d := cmp.Diff(promotions, again.Promotions); d != "" {
			t.Errorf("%s: %s", format, d)
		}
		once, err := again.Encode(again.Locks)
		if err != nil || string(once) != string(data) {
			t.Errorf("%s: written anew\n%s%v, was\n%s", format, once, err, data)
		}
	}
	if got := promotions[0].Highest(); got != 60 {
		t.Error(got)
	}
}

func TestPromotionsRefused(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: tug.dev/v1alpha1\nkind: ImageLock\nimages: []\npromotions:\n"
	for text, want := range map[string]string{
		head + "- version: \"1\"\n":              "l.yml:5: promotion needs a name",
		head + "- {of: a, sequence: x}\n":        `sequence "x" is no whole number`,
		head + "- {of: a, sequence: -1}\n":       `sequence "-1" is no whole number`,
		head + "- {of: a, sequnce: 1}\n":         `unknown key "sequnce"`,
		"# x\n# tug promotion: {\n" + kbldLock(): "l.yml:2: the comment of a promotion cannot be read",
	} {
		_, err := imagelock.ReadLockFile("l.yml", []byte(text))
		checkFault(t, err, fault.Invalid, want, "")
	}
}

func kbldLock() string {
	return "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides: []\n"
}
