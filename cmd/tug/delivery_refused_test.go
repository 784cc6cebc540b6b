package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/forgetest"
)

// refused is design.md section 7 read the other way: what each identity may
// not do. The forge and the cluster refuse where they can, tug itself where
// they cannot.
func (d *story) refused(t *testing.T) {
	t.Run("forge", d.refusedByForge)
	t.Run("registry", d.refusedByRegistry)
	t.Run("cluster", d.refusedByCluster)
	t.Run("keys", d.refusedByKeys)
	t.Run("strict", d.refusedByTug)
}

// refusedByForge tries every way into the config repository that a row of the
// table has not.
func (d *story) refusedByForge(t *testing.T) {
	everyone := map[string]forgetest.Login{
		"build": d.build.login, "promote": d.promote.login, "preview": d.preview.login, "deploy": d.deploy["prod"].login,
	}
	may := map[string]bool{"promote promote/refused/promote": true, "promote pulls": true, "promote comment": true, "preview comment": true, "promote status": true, "preview status": true}
	for who, login := range everyone {
		for _, branch := range []string{"main", "promote/refused/" + who, "feature/" + who, "any"} {
			if err := d.push(login, branch, who); may[who+" "+branch] != (err == nil) {
				t.Errorf("%s pushes to %s: %v", who, branch, err)
			}
		}
	}
	c := d.proposes("feature/reviewed", "dev/values.yaml", "shop: {level: warn}\n")
	for who, login := range everyone {
		number, main := c.Number.String(), d.config.Tip("main")
		status, text := d.merge(login, c)
		if status/100 == 2 || d.config.Tip("main") != main {
			t.Errorf("%s merges: %d %s", who, status, text)
		}
		for what, call := range map[string]struct {
			path string
			body map[string]any
		}{
			"comment": {"/issues/" + number + "/comments", map[string]any{"body": "by " + who}},
			"status":  {"/statuses/" + c.Head.Sha, map[string]any{"state": "failure", "context": "by-" + who}},
			"pulls":   {"/pulls", map[string]any{"base": "main", "head": "promote/refused/promote", "title": "by " + who}},
		} {
			if what == "pulls" && who == "preview" {
				continue // who may write statuses may open pull requests on this forge; it may merge none
			}
			status, text := d.f.Call(login, http.MethodPost, d.config.Path(call.path), call.body, nil)
			if may[who+" "+what] != (status/100 == 2) {
				t.Errorf("%s: %s: %d %s", who, what, status, text)
			}
		}
	}
	for who, login := range everyone { // and nobody writes code
		clone := d.codeRepo.URLAs(login)
		if _, err := d.code.TryGit(nil, "push", clone, "HEAD:refs/heads/by-"+who); err == nil {
			t.Errorf("%s pushes code", who)
		}
	}
	d.f.Must(d.developer, http.MethodPatch, d.config.Path("/pulls/"+c.Number.String()), map[string]any{"state": "closed"}, nil)
}

// push tries to put a commit on a branch of the config repository.
func (d *story) push(who forgetest.Login, branch, text string) error {
	d.t.Helper()
	clone := d.config.Clone(d.f.Admin)
	clone.Write("by.txt", text+"\n")
	clone.Commit("by " + text)
	before := d.config.Tip(branch)
	_, err := clone.TryGit(nil, "push", d.config.URLAs(who), "HEAD:refs/heads/"+branch)
	if err != nil && d.config.Tip(branch) != before {
		d.t.Errorf("%s moved all the same", branch)
	}
	return err
}

// proposes is a pull request of the developer.
func (d *story) proposes(branch string, files ...string) change {
	d.t.Helper()
	clone := d.config.Clone(d.developer)
	clone.Write(files...)
	clone.Commit(branch)
	clone.Git("push", "--quiet", "origin", "HEAD:refs/heads/"+branch)
	var c change
	d.f.Must(d.f.Admin, http.MethodPost, d.config.Path("/pulls"), map[string]any{"base": "main", "head": branch, "title": branch}, &c)
	return c
}

// refusedByRegistry: only the build publishes.
func (d *story) refusedByRegistry(t *testing.T) {
	for _, who := range []*identity{d.promote, d.preview, d.deploy["prod"]} {
		for _, what := range []string{"image/shop", "chart/shop"} {
			// The credentials of one, the command of the other: not strict, so
			// that it is the forge that refuses.
			out := d.tug(who.with("TUG_STRICT="), d.code.Dir, 4, "build", "--push", "--only", what, "--version", "9.9.9", "--image", "proxy="+d.f.BaseImage())
			if !strings.Contains(out, `image "shop"`) {
				t.Errorf("%s: %s", who.name, out)
			}
		}
	}
	for _, kind := range []string{"container", "helm"} {
		if status, _ := d.f.Call(d.f.Admin, http.MethodGet, "/packages/"+d.org+"/"+kind+"/shop/9.9.9", nil, nil); status != http.StatusNotFound {
			t.Errorf("%s 9.9.9 is on the forge: status %d", kind, status)
		}
	}
}

// refusedByCluster: a deploy of one environment writes no other.
func (d *story) refusedByCluster(t *testing.T) {
	dev, prod := d.deploy["dev"], d.deploy["prod"]
	keys := prod.with(dev.variable("KUBECONFIG")) // prod's keys, dev's rights on the cluster
	dir := d.checkout(prod, "main").Dir
	out := d.tug(keys, dir, 4, "deploy", "-e", "prod", "-a", "shop", "--set", "shop.level=stolen", "--yes")
	if !strings.Contains(out, d.namespaces["prod"]) {
		t.Errorf("the error names no namespace:\n%s", out)
	}
	d.tug(keys, dir, 4, "status", "-e", "prod", "-a", "shop")
}

// refusedByKeys: the key of one environment opens no other; without a key
// nothing is deployed.
func (d *story) refusedByKeys(t *testing.T) {
	dev, prod := d.deploy["dev"], d.deploy["prod"]
	dir := d.checkout(prod, "main").Dir
	for name, who := range map[string]*identity{"dev's key": dev.with(prod.variable("KUBECONFIG")), "no key": prod.with("SOPS_AGE_KEY=")} {
		out := d.tug(who, dir, 4, "deploy", "-e", "prod", "-a", "shop", "--yes")
		if !strings.Contains(out, "no key at hand decrypts it") {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// refusedByTug: with --strict a command does not start when it could use what
// is of another row.
func (d *story) refusedByTug(t *testing.T) {
	prod := d.deploy["prod"]
	kubeconfig, key, token := prod.variable("KUBECONFIG"), prod.variable("SOPS_AGE_KEY"), d.promote.variable("TUG_FORGE_TOKEN")
	home := filepath.Dir(d.code.Dir)
	for _, test := range []struct {
		who   *identity
		more  string
		names string
		args  []string
	}{
		{d.build, token, "code pipeline, and must not see TUG_FORGE_TOKEN (config repository)", []string{"build", "--push"}},
		{d.build, kubeconfig, "code pipeline, and must not see KUBECONFIG (cluster)", []string{"build", "--push"}},
		{d.build, key, "code pipeline, and must not see SOPS_AGE_KEY (secret keys)", []string{"build", "--push"}},
		{d.promote, kubeconfig, "promotion, and must not see KUBECONFIG (cluster)", []string{"promote", "-a", "shop", "--from", "dev", "--to", "prod"}},
		{d.promote, key, "promotion, and must not see SOPS_AGE_KEY (secret keys)", []string{"promote", "-a", "shop", "--from", "dev", "--to", "prod"}},
		{d.preview, kubeconfig, "preview, and must not see KUBECONFIG (cluster)", []string{"diff", "HEAD~1", "--post"}},
		{d.preview, key, "preview, and must not see SOPS_AGE_KEY (secret keys)", []string{"diff", "HEAD~1", "--post"}},
		{prod, token, "push deploy, and must not see TUG_FORGE_TOKEN (config repository)", []string{"deploy", "-e", "prod", "--yes"}},
	} {
		out := d.tug(test.who.with(test.more), home, 4, test.args...)
		if !strings.Contains(out, "belongs to the "+test.names) {
			t.Errorf("%s with %.12s…: %s", test.who.name, test.more, out)
		}
	}
}
