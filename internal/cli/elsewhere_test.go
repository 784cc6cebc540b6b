package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/gittest"
)

// renderOf runs tug render on a repository that somebody else serves.
func renderOf(t *testing.T, cache, repository string, args ...string) (code int, out, errs string) {
	t.Helper()
	here := gittest.New(t)
	here.Write("tug.yaml", fmt.Sprintf(`apiVersion: tug.dev/v1alpha1
kind: Project
environments:
  live: {repository: %q}
  side: {repository: %q, branch: side}
apps:
  web: {manifests: web}
`, repository, repository))
	here.Commit("the project")
	var stdout, stderr bytes.Buffer
	e := &Env{Stdout: &stdout, Stderr: &stderr, Getenv: func(name string) string {
		return map[string]string{"TUG_CACHE_DIR": cache, "HOME": cache}[name]
	}}
	code = Run(t.Context(), e, append([]string{"render", here.Dir}, args...))
	return code, stdout.String(), stderr.String()
}

func TestEnvironmentOfAServedRepository(t *testing.T) {
	t.Parallel()
	there := gittest.New(t)
	there.Write("web/config.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {level: from-main}}\n")
	first := there.Commit("main")
	there.Git("checkout", "-q", "-b", "side")
	there.Write("web/config.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {level: from-side}}\n")
	there.Commit("side")
	there.Git("checkout", "-q", "-")
	server := gittest.Serve(t, there.Bare(), gittest.Access{})
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"default branch": {[]string{"-e", "live"}, 0, "level: from-main"},
		"branch":         {[]string{"-e", "side"}, 0, "level: from-side"},
		"commit":         {[]string{"-e", "side", "--rev", first}, 0, "level: from-main"},
		"hermetic":       {[]string{"-e", "side", "--hermetic"}, 1, "is not in the cache"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := renderOf(t, t.TempDir(), server.URL, c.args...)
			if (code == 0) != (c.code == 0) || !strings.Contains(out+errs, c.want) {
				t.Errorf("exit code %d\n%s%s", code, out, errs)
			}
		})
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"../live": "../live", "/srv/live.git": "/srv/live.git", "file:///srv/live.git": "/srv/live.git", "./a:b/c": "./a:b/c",
		"https://git.example/live": "", "ssh://git@git.example/live": "", "git@git.example:live.git": "", "git.example:live": "",
	} {
		name, local := localPath(address)
		if local != (want != "") || local && name != want {
			t.Errorf("%s: %q %v", address, name, local)
		}
	}
}
