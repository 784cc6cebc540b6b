package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tugops/tug/internal/kubetest"
)

// codeFiles are a code repository: a Go program, a proxy with a Dockerfile, and
// the chart of both.
func (d *story) codeFiles() []string {
	base := d.f.BaseImage()
	proxy := "{dockerfile: proxy/Dockerfile, context: proxy}"
	if !hasBuildah(d.t) {
		d.t.Log("there is no buildah: the proxy is the base image, and no Dockerfile is built")
		proxy = "{prebuilt: " + base + "}"
	}
	where := d.f.Registry + "/" + d.org
	return []string{
		"go.mod", "module example.com/shop\n\ngo 1.24\n",
		"cmd/shop/main.go", "package main\n\nfunc main() { println(\"shop\") }\n",
		"proxy/Dockerfile", "FROM " + base + "\nCOPY proxy.conf /etc/proxy.conf\nRUN echo built > /built\n",
		"proxy/proxy.conf", "listen 8080\n",
		"tug.build.yaml", "apiVersion: tug.dev/v1alpha1\nkind: Build\nregistry: " + where + "\nchartRepository: " + d.f.ChartURL(d.org) +
			"\nimages:\n  shop: {go: cmd/shop}\n  proxy: " + proxy + "\ncharts:\n  shop: {path: charts/shop}\n",
		"charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.0.0\n",
		"charts/shop/values.yaml", "level: info\nimage: {repository: " + where + "/shop, tag: dev}\nproxy: {repository: " + where + "/proxy, tag: dev}\n",
		"charts/shop/templates/app.yaml", shopTemplate,
	}
}

const shopTemplate = `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: shop
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        env: [{name: LEVEL, value: {{ .Values.level }}}]
        envFrom: [{secretRef: {name: shop}}]
      - name: proxy
        image: "{{ .Values.proxy.repository }}:{{ .Values.proxy.tag }}"
`

// configure is how a team begins: what runs now, an umbrella chart and secrets
// for each environment, and rules for branches.
func (d *story) configure() {
	d.t.Helper()
	clone := d.config.Clone(d.developer)
	clone.Write("app-locks/prod/shop.lock.yaml", read(d.t, d.locks["1.0.0"]),
		".tug-check.yaml", "rules: {container-resources: off}\n",
		"tug.yaml", d.project())
	rules := "creation_rules:\n"
	for env, recipient := range d.recipients {
		d.secrets["the password of "+env] = "canary-" + env + "-" + kubetest.Name(d.t)
		rules += "  - {path_regex: ^" + env + "/, age: " + recipient + "}\n"
		clone.Write(env+"/shop/Chart.yaml", "apiVersion: v2\nname: shop-umbrella\nversion: 0.1.0\ndependencies:\n- name: shop # ours\n  version: 1.0.0\n  repository: "+d.f.ChartURL(d.org)+"\n",
			env+"/shop/templates/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\nstringData: {PASSWORD: {{ .Values.password | quote }}, USER: {{ .Values.user | quote }}}\n",
			env+"/values.yaml", "shop:\n  level: info # quiet\n",
			env+"/secrets.yaml", "user: shop-"+env+"\npassword: "+d.secrets["the password of "+env]+"\n")
	}
	clone.Write(".sops.yaml", rules)
	d.tug(d.identity("developer", d.developer), clone.Dir, 0, "secret", "encrypt", "dev/secrets.yaml", "prod/secrets.yaml")
	clone.Commit("what runs where")
	clone.Git("push", "--quiet", "origin", "main")
	d.protect()
}

func (d *story) project() string {
	return `apiVersion: tug.dev/v1alpha1
kind: Project
environments:
  dev: {namespace: ` + d.namespaces["dev"] + `, kubernetes: "1.36", promotion: pull-request}
  prod: {namespace: ` + d.namespaces["prod"] + `, kubernetes: "1.36", promotion: pull-request}
apps:
  shop:
    chart: "{{.env}}/shop"
    values: ["{{.env}}/secrets.yaml", "{{.env}}/values.yaml"]
    locks: ["app-locks/{{.env}}/"]
`
}

// protect makes rules for branches: main is merged into by the reviewer, once
// the preview says success; promotions have branches of their own; nobody else
// pushes anything.
func (d *story) protect() {
	d.t.Helper()
	none := map[string]any{"enable_push": false}
	rule := func(pattern string, more map[string]any) {
		more["rule_name"] = pattern
		d.f.Must(d.f.Admin, "POST", d.config.Path("/branch_protections"), more, nil)
	}
	rule("main", map[string]any{
		"enable_push": false, "enable_merge_whitelist": true, "merge_whitelist_usernames": []string{d.reviewer.User},
		"enable_status_check": true, "status_check_contexts": []string{d.check},
	})
	for pattern, user := range map[string]string{"promote/**": d.promote.login.User, "revert/**": d.promote.login.User, "feature/**": d.developer.User} {
		rule(pattern, map[string]any{
			"enable_push": true, "enable_push_whitelist": true, "push_whitelist_usernames": []string{user},
			"enable_force_push": true, "enable_force_push_allowlist": true, "force_push_allowlist_usernames": []string{user},
		})
	}
	rule("**", none)
}

// deployRules are the rights of docs/permissions.md in one namespace.
func deployRules() []rbacv1.PolicyRule {
	const all = "get,list,watch,create,update,patch,delete"
	return []rbacv1.PolicyRule{
		kubetest.Rule(all, "", "configmaps,secrets,services,serviceaccounts"),
		kubetest.Rule(all, "apps", "deployments"),
		kubetest.Rule("get,list,watch", "apps", "replicasets"),
		kubetest.Rule("get,list,watch", "", "pods,events"),
		kubetest.Rule("get,create,update,delete", "coordination.k8s.io", "leases"),
	}
}

var bearer = regexp.MustCompile(`token: (\S+)`)

// kubeToken is the token in a kubeconfig.
func kubeToken(t *testing.T, kubeconfig string) string {
	t.Helper()
	m := bearer.FindStringSubmatch(read(t, kubeconfig))
	if m == nil {
		t.Fatal("the kubeconfig has no token")
	}
	return m[1]
}

// pullNumber is the number of a pull request.
type pullNumber = json.Number

var pullAddress = regexp.MustCompile(`/pulls/(\d+)`)

func numberIn(t *testing.T, text string) pullNumber {
	t.Helper()
	m := pullAddress.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no pull request is named:\n%s", strings.TrimSpace(text))
	}
	return pullNumber(m[1])
}
