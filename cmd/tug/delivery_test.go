package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestDelivery is the whole way on a real forge and a real cluster: from a push
// to the code repository to what runs in production, and back. Each command has
// the credentials of its row of design.md section 7, and no others.
func TestDelivery(t *testing.T) {
	t.Parallel()
	d := newStory(t)
	d.publish("v1.0.0")
	d.configure()
	d.deploys("prod", "1.0.0")

	d.code.Write("cmd/shop/main.go", "package main\n\nfunc main() { println(\"shop, better\") }\n")
	d.code.Commit("better")
	d.publish("v1.1.0")

	d.t.Log("dev, by pull request")
	first := d.promotes("promote", "-a", "shop", "--env", "dev", "1.1.0", "--lock", d.locks["1.1.0"], "--repository", d.config.URL(), "--set-value", "shop.level=debug")
	d.previews(first, "| `shop` | `dev` |", d.digests["1.1.0"])
	d.merges(first)
	d.deploys("dev", "1.1.0")

	d.t.Log("prod gets what dev has")
	second := d.promotes("promote", "-a", "shop", "--from", "dev", "--to", "prod", "--repository", d.config.URL())
	d.previews(second, "| `shop` | `prod` |  | 1 |  | restarts the pods of 1 object |", d.digests["1.0.0"]+" → ", d.digests["1.1.0"])
	d.merges(second)
	d.deploys("prod", "1.1.0")

	d.t.Log("and back")
	third := d.promotes("rollback", "-a", "shop", "-e", "prod", "--pr", "--repository", d.config.URL())
	d.previews(third, "| `shop` | `prod` |  | 1 |", d.digests["1.1.0"]+" → ", d.digests["1.0.0"])
	d.merges(third)
	d.deploys("prod", "1.0.0")

	t.Run("refused", d.refused)
	t.Run("failures", d.failures)
	d.tellsNothing()
}

// publish is the code pipeline for a tag: images and chart.
func (d *story) publish(tag string) {
	d.t.Helper()
	version := strings.TrimPrefix(tag, "v")
	d.code.Git("tag", tag)
	d.code.Git("push", "--quiet", "origin", "main", tag)
	lock := filepath.Join(d.t.TempDir(), "shop.lock.yaml")
	out := d.tug(d.build, d.code.Dir, 0, "build", "--push", "--lock", lock)
	for _, want := range []string{
		"version " + version + " of commit " + d.code.Git("rev-parse", "HEAD")[:12] + "\n",
		"image shop: " + d.f.Registry + "/" + d.org + "/shop:" + version + " sha256:",
		"image proxy: " + d.f.Registry + "/",
		"chart shop " + version + ": " + d.f.ChartURL(d.org) + " sha256:",
	} {
		if !strings.Contains(out, want) {
			d.t.Errorf("build has no %q:\n%s", want, out)
		}
	}
	d.locks[version] = lock
	d.digests[version] = d.digest(lock)
	d.published(version)
}

// published looks for image and chart on the forge.
func (d *story) published(version string) {
	d.t.Helper()
	at := "/packages/" + d.org
	d.f.Must(d.deploy["dev"].login, "GET", at+"/helm/shop/"+version, nil, nil)
	var files []struct{ Name, Sha256 string }
	d.f.Must(d.deploy["dev"].login, "GET", at+"/container/shop/"+version+"/files", nil, &files)
	for _, file := range files {
		if "sha256:"+file.Sha256 == d.digests[version] {
			return
		}
	}
	d.t.Errorf("image %s %s is not on the forge: %+v", version, d.digests[version], files)
}
