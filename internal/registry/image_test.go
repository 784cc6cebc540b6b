package registry_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/registrytest"
)

func images(t *testing.T, o registry.ImageOptions) *registry.Images {
	t.Helper()
	if o.Pause == 0 {
		o.Pause = time.Millisecond
	}
	client, err := registry.NewImages(o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestImageDigest(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	want := r.Push("team/app:1")
	before := len(r.Requests())
	client := images(t, registry.ImageOptions{})
	for range 2 {
		if got, err := client.Digest(t.Context(), r.Host+"/team/app:1"); err != nil || got != want {
			t.Errorf("digest %s, %v", got, err)
		}
	}
	asked := r.Requests()[before:]
	if heads := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return s != "HEAD /v2/team/app/manifests/1" }); len(heads) != 2 {
		t.Errorf("asked %q", asked)
	}
	if i := slices.IndexFunc(asked, func(s string) bool { return strings.HasPrefix(s, "GET /v2/team") }); i >= 0 {
		t.Errorf("a manifest was pulled: %q", asked)
	}
	if err := client.Exists(t.Context(), r.Host+"/team/app@"+want); err != nil {
		t.Error(err)
	}
	_, err := client.Digest(t.Context(), r.Host+"/team/app:2")
	wantFault(t, err, fault.NotFound, r.Host+"/team/app:2 does not exist", "check name and tag")
	_, err = client.Digest(t.Context(), "UPPER/x:1")
	wantFault(t, err, fault.Invalid, `"UPPER/x:1" is no image reference`, "small letters")
}

// Registries without HEAD, or with an answer to it that lacks the digest.
func TestImageDigestByGet(t *testing.T) {
	t.Parallel()
	var old atomic.Bool
	r := registrytest.New(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if old.Load() && req.Method == http.MethodHead && strings.HasSuffix(req.URL.Path, "/manifests/1") {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			next.ServeHTTP(w, req)
		})
	}})
	want := r.Push("app:1")
	old.Store(true)
	if got, err := images(t, registry.ImageOptions{}).Digest(t.Context(), r.Host+"/app:1"); err != nil || got != want {
		t.Errorf("digest %s, %v; want %s", got, err, want)
	}
}

func TestImageTagsByPage(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{Wrap: paged(2)})
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprintf("v%d", i))
		r.Push("team/app:" + want[i])
	}
	client := images(t, registry.ImageOptions{})
	got, err := client.Tags(t.Context(), r.Host+"/team/app")
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	_, err = client.Tags(t.Context(), r.Host+"/none")
	wantFault(t, err, fault.NotFound, "does not exist", "")
}

// paged serves lists of tags by pages of n, with the Link header of the
// distribution protocol.
func paged(n int) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if !strings.HasSuffix(req.URL.Path, "/tags/list") {
				next.ServeHTTP(w, req)
				return
			}
			req.URL.RawQuery = fmt.Sprintf("n=%d&last=%s", n, req.URL.Query().Get("last"))
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, req)
			if parts := strings.Split(answer.Body.String(), `"`); answer.Code == http.StatusOK && strings.Count(answer.Body.String(), ",") > n-1 {
				w.Header().Set("Link", fmt.Sprintf(`<%s?last=%s>; rel="next"`, req.URL.Path, parts[len(parts)-2]))
			}
			w.WriteHeader(answer.Code)
			w.Write(answer.Body.Bytes())
		})
	}
}

func TestImageChildren(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	index, digests := r.PushPlatforms("team/multi:1", "linux/amd64", "linux/arm/v7")
	r.Push("team/single:1")
	client := images(t, registry.ImageOptions{})
	children, is, err := client.Children(t.Context(), r.Host+"/team/multi@"+index)
	want := []registry.ImageChild{{OS: "linux", Architecture: "amd64", Digest: digests[0]}, {OS: "linux", Architecture: "arm", Variant: "v7", Digest: digests[1]}}
	if d := cmp.Diff(want, children); d != "" || !is || err != nil {
		t.Error(d, is, err)
	}
	children, is, err = client.Children(t.Context(), r.Host+"/team/single:1")
	if children != nil || is || err != nil {
		t.Errorf("of an image: %v, %v, %v", children, is, err)
	}
}

func TestImageLogins(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{User: "ci", Password: "canary-3F"})
	want := r.Push("app:1")
	right := registry.HostLogins{r.Host: {User: "ci", Password: "canary-3F"}}
	other := registry.HostLogins{"other.example": {User: "ci", Password: "canary-3F"}}
	wrong := registry.HostLogins{r.Host: {User: "ci", Password: "canary-9Z"}}
	got, err := images(t, registry.ImageOptions{Logins: []registry.Logins{other, right, wrong}}).Digest(t.Context(), r.Host+"/app:1")
	if err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	for name, logins := range map[string]registry.Logins{"none": other, "wrong": wrong} {
		_, err := images(t, registry.ImageOptions{Logins: []registry.Logins{logins}}).Digest(t.Context(), r.Host+"/app:1")
		wantFault(t, err, fault.Denied, "does not let this identity read "+r.Host+"/app:1", "docker login "+r.Host)
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", right[r.Host], right[r.Host], right[r.Host], right[r.Host]); strings.Contains(text, "canary") {
		t.Errorf("a login prints its password: %s", text)
	}
}

// A registry that points elsewhere gets no password sent there.
func TestImageRedirectKeepsPassword(t *testing.T) {
	t.Parallel()
	var stolen atomic.Value
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if a := req.Header.Get("Authorization"); a != "" {
			stolen.Store(a)
		}
		http.NotFound(w, req)
	}))
	t.Cleanup(thief.Close)
	r := registrytest.New(t, registrytest.Options{User: "ci", Password: "canary-3F", Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, "/manifests/") {
				http.Redirect(w, req, strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)+req.URL.Path, http.StatusTemporaryRedirect)
				return
			}
			next.ServeHTTP(w, req)
		})
	}})
	logins := []registry.Logins{registry.HostLogins{r.Host: {User: "ci", Password: "canary-3F"}}}
	if _, err := images(t, registry.ImageOptions{Logins: logins}).Digest(t.Context(), r.Host+"/app:1"); err == nil {
		t.Error("the digest of nothing")
	}
	if a := stolen.Load(); a != nil {
		t.Errorf("%v was sent to another host", a)
	}
}

func TestImageRepeats(t *testing.T) {
	t.Parallel()
	var failures atomic.Int32
	r := registrytest.New(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if failures.Add(-1) >= 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, req)
		})
	}})
	want := r.Push("app:1")
	failures.Store(2)
	if got, err := images(t, registry.ImageOptions{}).Digest(t.Context(), r.Host+"/app:1"); err != nil || got != want {
		t.Errorf("after two failures: %s, %v", got, err)
	}
	failures.Store(1 << 20)
	before := len(r.Requests())
	_, err := images(t, registry.ImageOptions{}).Digest(t.Context(), r.Host+"/app:1")
	wantFault(t, err, fault.Unavailable, "registry "+r.Host, "")
	if asked := len(r.Requests()) - before; asked > 12 {
		t.Errorf("%d requests for one question", asked)
	}
}

func TestImageLimits(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, "/limited/") {
				w.WriteHeader(http.StatusTooManyRequests)
				w.Write([]byte(`{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`))
				return
			}
			next.ServeHTTP(w, req)
		})
	}})
	_, err := images(t, registry.ImageOptions{}).Digest(t.Context(), r.Host+"/limited/app:1")
	wantFault(t, err, fault.Unavailable, "limits requests", "log in")
}

func TestImageOfHostileRegistry(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == "/v2/":
		case strings.Contains(req.URL.Path, "/hangs/"):
			select {
			case <-hang:
			case <-req.Context().Done():
			}
		case strings.Contains(req.URL.Path, "/floods/"):
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"name":"x","tags":["`))
			for block := []byte(strings.Repeat("x", 1<<20)); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		case strings.Contains(req.URL.Path, "/loops/"):
			w.Header().Set("Link", "<"+req.URL.Path+`?last=a>; rel="next"`)
			fmt.Fprintf(w, `{"name":"x","tags":[%s"a"]}`, strings.Repeat(`"b",`, 50_000))
		case strings.Contains(req.URL.Path, "/elsewhere/"):
			w.Header().Set("Link", `<http://169.254.169.254/latest>; rel="next"`)
			w.Write([]byte(`{"name":"x","tags":["a"]}`))
		case strings.Contains(req.URL.Path, "/breaks/"):
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte(`{"tags":[`))
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	host := strings.TrimPrefix(server.URL, "http://")
	client := images(t, registry.ImageOptions{})
	for name, want := range map[string]string{
		"floods": "an answer of more than 32 MiB", "loops": "more than 500000 tags", "elsewhere": "pagination URL", "breaks": "EOF",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.Tags(t.Context(), host+"/"+name+"/x")
			wantFault(t, err, fault.Unavailable, want, "")
		})
	}
	t.Run("hangs", func(t *testing.T) {
		t.Parallel()
		_, err := images(t, registry.ImageOptions{Timeout: 200 * time.Millisecond}).Digest(t.Context(), host+"/hangs/x:1")
		wantFault(t, err, fault.Unavailable, "no complete answer within 200ms", "reachable")
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client.Digest(ctx, host+"/hangs/x:1"); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestImageCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/tags/list") {
			w.Write([]byte(`{"name":"x","tags":["a"]}`))
		}
	}))
	t.Cleanup(server.Close)
	repository := strings.TrimPrefix(server.URL, "https://") + "/x"
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, o := range map[string]registry.ImageOptions{"custom CA": {Roots: roots}, "unverified": {Unverified: true}} {
		if tags, err := images(t, o).Tags(t.Context(), repository); err != nil || len(tags) != 1 {
			t.Errorf("%s: %v, %v", name, tags, err)
		}
	}
	_, err := images(t, registry.ImageOptions{}).Tags(t.Context(), repository)
	wantFault(t, err, fault.Unavailable, "certificate", "--registry-ca-cert-path")
	_, err = registry.NewImages(registry.ImageOptions{Roots: []byte("nothing")})
	wantFault(t, err, fault.Invalid, "no certificate in PEM form", "BEGIN CERTIFICATE")
}

// In a private network plain HTTP has to be asked for, by flag or by name.
func TestImageWithoutTLS(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	want := r.Push("app:1")
	const host = "10.0.0.1:5000"
	private := func(o registry.ImageOptions) (string, error) {
		o.Wrap = func(next http.RoundTripper) http.RoundTripper { return private{next, r.Host} }
		return images(t, o).Digest(t.Context(), host+"/app:1")
	}
	for name, o := range map[string]registry.ImageOptions{"flag": {Plain: true}, "name": {PlainHTTP: map[string]bool{host: true}}} {
		if got, err := private(o); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	_, err := private(registry.ImageOptions{PlainHTTP: map[string]bool{"10.0.0.2:5000": true}})
	wantFault(t, err, fault.Invalid, "no connection without TLS to "+host, "TUG_PLAIN_HTTP="+host)
}

// private is a network in which every address is the registry of the test, and
// nothing speaks TLS.
type private struct {
	next http.RoundTripper
	host string
}

func (p private) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return nil, errors.New("http: server gave HTTP response to HTTPS client")
	}
	there := r.Clone(r.Context())
	there.URL.Host = p.host
	res, err := p.next.RoundTrip(there)
	if err == nil {
		res.Request = r
	}
	return res, err
}

// The library would use plain HTTP in private networks; link-local addresses
// are never asked.
func TestImageForbiddenPlaces(t *testing.T) {
	t.Parallel()
	client := images(t, registry.ImageOptions{Plain: true, Timeout: 5 * time.Second})
	_, err := client.Digest(t.Context(), "169.254.169.254/latest:1")
	wantFault(t, err, fault.Invalid, "link-local", "")
}
