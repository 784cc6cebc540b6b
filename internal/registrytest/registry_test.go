package registrytest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"

	"github.com/tugops/tug/internal/registrytest"
)

func TestPush(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	first := r.Push("team/app:1")
	second := r.Push("team/app:2")
	index := r.PushIndex("team/multi:1")
	if first == second || !strings.HasPrefix(first, "sha256:") {
		t.Errorf("digests %s and %s", first, second)
	}
	for image, want := range map[string]string{"team/app:1": first, "team/app:2": second, "team/multi:1": index} {
		got, err := crane.Digest(r.Host + "/" + image)
		if err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", image, got, err, want)
		}
		if again := r.Digest(image); again != want {
			t.Errorf("Digest(%s) = %s", image, again)
		}
	}
	if len(r.Requests()) == 0 {
		t.Error("no requests were noted")
	}
	if other := registrytest.New(t, registrytest.Options{}).Push("x:1"); other != first {
		t.Errorf("the first image is %s in one registry and %s in another", first, other)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 100)
	r := registrytest.New(t, registrytest.Options{User: "ci", Password: "secret", Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			seen <- req.Method
			next.ServeHTTP(w, req)
		})
	}})
	r.Push("app:1")
	if len(seen) == 0 {
		t.Error("Wrap saw nothing")
	}
	if _, err := crane.Digest(r.Host + "/app:1"); err == nil {
		t.Error("no password was asked for")
	}
}
