package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tugops/tug/lab/forge/internal/api"
)

// testClient calls the API in a test.
type testClient struct{ api.Client }

func (l *testLab) admin(t *testing.T) testClient {
	t.Helper()
	r := l.report(t, "status")
	return testClient{api.Client{URL: r.URL, Token: r.Users["lab"].Tokens["labforge"]}}
}

func (c testClient) call(t *testing.T, method, path string, out any) {
	t.Helper()
	if err := c.Call(t.Context(), method, path, nil, out); err != nil {
		t.Error(err)
	}
}

func testSpec(t *testing.T, l *testLab) {
	r := l.report(t, "apply", "--spec", "testdata/spec.yaml")
	if r.Users["reviewer"].Password != "correct-horse" || r.Users["promoter"].Password == "" || !r.Users["root"].Admin {
		t.Errorf("users: %+v", r.Users)
	}
	c := l.admin(t)
	var permission struct{ Permission string }
	c.call(t, "GET", "/repos/shop/config/collaborators/promoter/permission", &permission)
	if permission.Permission != "write" {
		t.Errorf("permission: %+v", permission)
	}
	var rules []struct {
		Name      string   `json:"rule_name"`
		Push      bool     `json:"enable_push"`
		Users     []string `json:"push_whitelist_usernames"`
		Contexts  []string `json:"status_check_contexts"`
		Approvals int      `json:"required_approvals"`
		Strict    bool     `json:"block_admin_merge_override"`
	}
	c.call(t, "GET", "/repos/shop/config/branch_protections", &rules)
	text, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"rule_name":"main","enable_push":true,"push_whitelist_usernames":["reviewer"],"status_check_contexts":["tug/check"],"required_approvals":1,"block_admin_merge_override":true},` +
		`{"rule_name":"env/*","enable_push":false,"push_whitelist_usernames":[],"status_check_contexts":[],"required_approvals":0,"block_admin_merge_override":false}]`
	if string(text) != want {
		t.Errorf("protection:\n%s\nwant\n%s", text, want)
	}
	var hooks []struct{ Events []string }
	c.call(t, "GET", "/repos/shop/config/hooks", &hooks)
	if len(hooks) != 1 {
		t.Errorf("webhooks: %+v", hooks)
	}
	testContent(t, r.Repositories["shop/config"], r.Users["promoter"].Tokens["look"])
}

// testContent clones as somebody who may only read.
func testContent(t *testing.T, address, token string) {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "clone")
	address = strings.Replace(address, "://", "://promoter:"+token+"@", 1)
	if out, err := exec.Command("git", "clone", "--quiet", address, clone).CombinedOutput(); err != nil {
		t.Fatalf("clone: %v: %s", err, out)
	}
	if info, err := os.Stat(filepath.Join(clone, "bin", "hello")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("bin/hello: %v, %v", info, err)
	}
	if target, err := os.Readlink(filepath.Join(clone, "link")); err != nil || target != "values.yaml" {
		t.Errorf("link: %s, %v", target, err)
	}
	push := exec.Command("git", "push", "origin", "HEAD:refs/heads/new")
	push.Dir = clone
	if out, err := push.CombinedOutput(); err == nil || !strings.Contains(string(out), "403") {
		t.Errorf("push with a read-only token: %v: %s", err, out)
	}
}

func testSameSpec(t *testing.T, l *testLab) {
	before := l.report(t, "status")
	if after := l.report(t, "up", "--spec", "testdata/spec.yaml"); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	var hooks, rules []struct{}
	c := l.admin(t)
	c.call(t, "GET", "/repos/shop/config/hooks", &hooks)
	c.call(t, "GET", "/repos/shop/config/branch_protections", &rules)
	if len(hooks) != 1 || len(rules) != 2 {
		t.Errorf("%d webhooks and %d rules", len(hooks), len(rules))
	}
}

// testOtherSpec changes a token, a rule and a webhook.
func testOtherSpec(t *testing.T, l *testLab) {
	before := l.report(t, "status")
	code, _, stderr := l.input(`{"users": [{"name": "promoter", "tokens": {"config": ["read:repository"]}}],
		"repositories": [{"name": "shop/config",
			"protection": [{"pattern": "env/*", "push": ["promoter"]}],
			"webhooks": [{"url": "http://127.0.0.1:1/hook", "secret": "canary", "events": ["status"]}]}]}`,
		"apply", "--spec", "-")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	after := l.report(t, "status")
	if after.Users["promoter"].Tokens["config"] == before.Users["promoter"].Tokens["config"] {
		t.Error("the token kept its scopes")
	}
	if after.Users["promoter"].Tokens["look"] != before.Users["promoter"].Tokens["look"] {
		t.Error("a token that the spec does not name changed")
	}
	c := l.admin(t)
	var rule struct {
		Users []string `json:"push_whitelist_usernames"`
	}
	c.call(t, "GET", "/repos/shop/config/branch_protections/env%2F%2A", &rule)
	var hooks []struct{ Events []string }
	c.call(t, "GET", "/repos/shop/config/hooks", &hooks)
	if !reflect.DeepEqual(rule.Users, []string{"promoter"}) || len(hooks) != 1 || !reflect.DeepEqual(hooks[0].Events, []string{"status"}) {
		t.Errorf("rule %+v, webhooks %+v", rule, hooks)
	}
}

func testWrongSpec(t *testing.T, l *testLab) {
	for input, want := range map[string]string{
		`{"user": []}`: "field user not found",
		`{"users": [{"name": "x", "tokens": {"a": []}}]}`: "token a has no scopes",
		`{"users": [{}]}`:                   "users[0]: no name",
		`{"organizations": [{}]}`:           "organizations[0]: no name",
		`{"repositories": [{"name": "x"}]}`: `"x" is not OWNER/NAME`,
		`{"repositories": [{"name": "a/b", "collaborators": {"c": "all"}}]}`:       `"all" is not read, write or admin`,
		`{"repositories": [{"name": "a/b", "protection": [{}], "webhooks":[{}]}]}`: "no pattern",
	} {
		if code, _, stderr := l.input(input, "apply", "--spec", "-"); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %s; want %q", input, code, stderr, want)
		}
	}
	for input, want := range map[string]string{
		`{"users": [{"name": "x", "tokens": {"a": ["write:everything"]}}]}`: "token a",
		`{"repositories": [{"name": "nobody/b"}]}`:                          "repository nobody/b",
		`{"repositories": [{"name": "shop/other", "from": "none"}]}`:        "not a folder",
	} {
		if code, _, stderr := l.input(input, "apply", "--spec", "-"); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %s; want %q", input, code, stderr, want)
		}
	}
}
