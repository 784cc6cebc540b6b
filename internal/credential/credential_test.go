package credential_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/credential"
)

func world(env, files map[string]string) credential.World {
	return credential.World{
		Getenv: func(name string) string { return env[name] },
		Read:   func(path string) []byte { return []byte(files[path]) },
		List: func(path string) (names []string) {
			for file := range files {
				if rest, ok := strings.CutPrefix(file, path+"/"); ok {
					names = append(names, rest)
				}
			}
			return names
		},
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	const logins = `{"auths": {"registry.example": {"auth": "x"}}}`
	for _, test := range []struct {
		name       string
		env, files map[string]string
		want       []credential.Found
	}{
		{"nothing", map[string]string{"HOME": "/h", "PATH": "/bin"}, nil, nil},
		{"no home", nil, map[string]string{".kube/config": "x"}, nil},
		{
			"variables", map[string]string{"KUBECONFIG": "k", "SOPS_AGE_KEY": "s", "GH_TOKEN": "t", "AWS_ACCESS_KEY_ID": "a", "GITHUB_TOKEN": "the job's own"}, nil,
			[]credential.Found{
				{Kind: credential.Cloud, Where: "AWS_ACCESS_KEY_ID", Variable: true},
				{Kind: credential.Cluster, Where: "KUBECONFIG", Variable: true},
				{Kind: credential.Forge, Where: "GH_TOKEN", Variable: true},
				{Kind: credential.SecretKeys, Where: "SOPS_AGE_KEY", Variable: true},
			},
		},
		{
			"files", map[string]string{"HOME": "/h"},
			map[string]string{
				"/h/.kube/config": "x", "/h/.docker/config.json": logins, "/h/.config/sops/age/keys.txt": "k",
				"/h/.gnupg/private-keys-v1.d/a.key": "k", "/var/run/secrets/kubernetes.io/serviceaccount/token": "t",
			},
			[]credential.Found{
				{Kind: credential.Cluster, Where: "/h/.kube/config"},
				{Kind: credential.Cluster, Where: "/var/run/secrets/kubernetes.io/serviceaccount/token"},
				{Kind: credential.Registry, Where: "/h/.docker/config.json"},
				{Kind: credential.SecretKeys, Where: "/h/.config/sops/age/keys.txt"},
				{Kind: credential.SecretKeys, Where: "/h/.gnupg/private-keys-v1.d"},
			},
		},
		{
			"moved files", map[string]string{"HOME": "/h", "KUBECONFIG": "/k", "DOCKER_CONFIG": "/d", "GNUPGHOME": "/g", "XDG_CONFIG_HOME": "/x"},
			map[string]string{"/h/.kube/config": "x", "/h/.docker/config.json": logins, "/d/config.json": `{"credsStore": "pass"}`, "/x/sops/age/keys.txt": "k"},
			[]credential.Found{
				{Kind: credential.Cluster, Where: "KUBECONFIG", Variable: true},
				{Kind: credential.Registry, Where: "/d/config.json"},
				{Kind: credential.SecretKeys, Where: "/x/sops/age/keys.txt"},
			},
		},
		{"a configuration without logins", map[string]string{"HOME": "/h"}, map[string]string{"/h/.docker/config.json": `{"proxies": {}}`}, nil},
	} {
		if diff := cmp.Diff(test.want, credential.Look(world(test.env, test.files))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestForeign is the table of design.md section 7: what each identity must not
// hold.
func TestForeign(t *testing.T) {
	t.Parallel()
	all := []credential.Kind{credential.Registry, credential.Forge, credential.Cluster, credential.SecretKeys}
	want := map[string][]credential.Kind{
		"build":         {credential.Forge, credential.Cluster, credential.SecretKeys},
		"promote":       {credential.Cluster, credential.SecretKeys},
		"rollback --pr": {credential.Cluster, credential.SecretKeys},
		"check":         {credential.Cluster, credential.SecretKeys},
		"diff":          {credential.Cluster, credential.SecretKeys},
		"plan":          {credential.Forge},
		"deploy":        {credential.Forge},
		"agent run":     {credential.Forge},
	}
	for command, foreign := range want {
		row, ok := credential.RowOf(command)
		if !ok {
			t.Errorf("%s is in no row", command)
			continue
		}
		var got []credential.Kind
		for _, k := range all {
			for _, f := range row.Foreign([]credential.Found{{Kind: k}}) {
				got = append(got, f.Kind)
			}
		}
		if diff := cmp.Diff(foreign, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", command, diff)
		}
	}
	row, _ := credential.RowOf("check")
	if f := row.With(credential.Cluster).Foreign([]credential.Found{{Kind: credential.Cluster}}); len(f) != 0 {
		t.Errorf("check --cluster refuses %v", f)
	}
	if again, _ := credential.RowOf("check"); len(again.Foreign([]credential.Found{{Kind: credential.Cluster}})) != 1 {
		t.Error("With changed the table")
	}
	if _, ok := credential.RowOf("version"); ok {
		t.Error("version is in a row")
	}
}
