package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/forgetest"
)

// failures are the ways in which a delivery goes wrong: each says so, and none
// tells a secret (tellsNothing looks at what they wrote).
func (d *story) failures(t *testing.T) {
	t.Run("tokens", d.wrongTokens)
	t.Run("branches", d.protectedBranches)
	t.Run("renders", d.failedRenders)
}

// wrongTokens are those of no user.
func (d *story) wrongTokens(t *testing.T) {
	const stale = "canary0123456789abcdef0123456789abcdef01"
	d.secrets["a stale token"] = stale
	wrong := func(who *identity) *identity {
		other := d.identity(who.name, forgetest.Login{User: who.login.User, Token: stale})
		d.secrets["the token of "+who.name] = who.login.Token
		return other.with(who.variable("SOPS_AGE_KEY"), who.variable("KUBECONFIG"))
	}
	prod := d.deploy["prod"]
	dir := d.checkout(prod, "main").Dir
	d.tug(wrong(d.build), d.code.Dir, 4, "build", "--push", "--only", "image/shop", "--version", "9.9.8")
	d.tug(wrong(d.promote), d.code.Dir, 4, "promote", "-a", "shop", "--from", "dev", "--to", "prod", "--repository", d.config.URL())
	d.tug(wrong(d.preview), d.checkout(d.preview, "main").Dir, 4, "diff", "HEAD~1..HEAD", "--post", "--pr", "1")
	d.tug(wrong(prod), dir, 4, "deploy", "-e", "prod", "--yes", "--log-level", "debug")
	kubeconfig := d.t.TempDir() + "/kubeconfig"
	write(t, kubeconfig, strings.ReplaceAll(read(t, strings.TrimPrefix(prod.variable("KUBECONFIG"), "KUBECONFIG=")), d.secrets["the cluster token of prod"], stale))
	d.tug(prod.with("KUBECONFIG="+kubeconfig), dir, 4, "deploy", "-e", "prod", "--yes", "--log-level", "debug")
}

// protectedBranches take no commit of a promotion, and nothing is left of it.
func (d *story) protectedBranches(t *testing.T) {
	c := d.proposes("feature/direct", "tug.yaml", strings.ReplaceAll(d.project(), ", promotion: pull-request", ""))
	d.previews(c)
	d.merges(c)
	main := d.config.Tip("main")
	out := d.tug(d.promote, d.code.Dir, 4, "promote", "-a", "shop", "-e", "dev", "--repository", d.config.URL(), "--set-value", "shop.level=direct")
	if !strings.Contains(out, "refused the push to branch main") || d.config.Tip("main") != main {
		t.Errorf("main is at %s, it was at %s:\n%s", d.config.Tip("main"), main, out)
	}
}

// failedRenders end with the very value that failed: a template can put it
// into its error.
func (d *story) failedRenders(t *testing.T) {
	c := d.proposes("feature/broken", "prod/shop/templates/broken.yaml", `{{ fail (printf "the password is %s, in base64 %s" .Values.password (b64enc .Values.password)) }}`+"\n",
		"dev/shop/templates/broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Values.password }}: x}\n")
	d.tug(d.preview, d.checkout(d.preview, c.Head.Ref).Dir, 1, "diff", "origin/main...HEAD", "--post")
	if got := d.status(c.Head.Sha); !strings.HasPrefix(got, "failure ") {
		t.Errorf("status %q", got)
	}
	if texts := d.comments(c); len(texts) != 1 || !strings.Contains(texts[0], "Cannot be rendered") {
		t.Errorf("comments: %q", texts)
	}
	if status, text := d.merge(d.reviewer, c); status != http.StatusMethodNotAllowed {
		t.Errorf("it is merged all the same: %d %s", status, text)
	}
	for env, who := range d.deploy {
		dir := d.checkout(who, c.Head.Ref).Dir
		for _, args := range [][]string{{"render"}, {"plan"}, {"plan", "--output", "json"}, {"deploy", "--yes", "--log-level", "debug"}} {
			d.tug(who, dir, 1, append(args, "-e", env, "-a", "shop")...)
		}
		d.tug(who, d.checkout(who, "main").Dir, 0, "render", "-e", env, "-a", "shop")
		d.tug(who, d.checkout(who, "main").Dir, 0, "history", "-e", env, "-a", "shop", "--output", "json")
	}
}
