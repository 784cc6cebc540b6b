package build_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/build"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

const sha = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func result() *build.Result {
	return &build.Result{
		Version: "1.2.3", Commit: hash, Repository: "https://git.example/team/shop",
		Images: []build.BuiltImage{
			{Name: "shop", Repository: "registry.example/team/shop", Tag: "1.2.3", Digest: sha, Reference: "registry.example/team/shop@" + sha},
			{Name: "web", Image: "web", Repository: "docker.io/team/web", Tag: "1.2.3", Digest: sha, Reference: "index.docker.io/team/web@" + sha},
			{Name: "local", Digest: sha},
		},
	}
}

// TestEncodeLock compares with the files that kbld and imgpkg write.
func TestEncodeLock(t *testing.T) {
	t.Parallel()
	for format, want := range map[imagelock.Format]string{
		imagelock.FormatKbld: `apiVersion: kbld.k14s.io/v1alpha1
kind: Config
minimumRequiredVersion: 0.25.0
overrides:
- imageRepo: registry.example/team/shop
  newImage: registry.example/team/shop@` + sha + `
  preresolved: true
- image: web
  newImage: index.docker.io/team/web@` + sha + `
  preresolved: true
`,
		imagelock.FormatImgpkg: `---
apiVersion: imgpkg.carvel.dev/v1alpha1
images:
- annotations:
    kbld.carvel.dev/id: registry.example/team/shop:1.2.3
    kbld.carvel.dev/origins: |
      - git:
          dirty: false
          remoteURL: https://git.example/team/shop
          sha: ` + hash + `
      - resolved:
          tag: 1.2.3
          url: registry.example/team/shop:1.2.3
  image: registry.example/team/shop@` + sha + `
- annotations:
    kbld.carvel.dev/id: web
    kbld.carvel.dev/origins: |
      - git:
          dirty: false
          remoteURL: https://git.example/team/shop
          sha: ` + hash + `
      - resolved:
          tag: 1.2.3
          url: docker.io/team/web:1.2.3
  image: index.docker.io/team/web@` + sha + `
kind: ImagesLock
`,
	} {
		got, err := result().EncodeLock(format, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

func TestEncodeLockKeepsOthers(t *testing.T) {
	t.Parallel()
	before := []imagelock.Lock{{Image: "web", NewImage: "old@" + sha}, {Image: "other", NewImage: "registry.example/other@" + sha}}
	data, err := result().EncodeLock(imagelock.FormatTug, before, true)
	if err != nil {
		t.Fatal(err)
	}
	file, err := imagelock.ReadLockFile("x.lock.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range file.Locks {
		names = append(names, l.Image+"="+l.NewImage)
	}
	want := []string{"other=registry.example/other@" + sha, "registry.example/team/shop=registry.example/team/shop@" + sha, "web=index.docker.io/team/web@" + sha}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestUnpublishable(t *testing.T) {
	t.Parallel()
	p := &build.Plan{Charts: []build.Chart{{Name: "shop"}}}
	if err := p.Unpublishable(); !fault.Is(err, fault.Usage) {
		t.Errorf("%v", err)
	}
}
