package registry_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/registrytest"
)

func chart(name, version string) map[string]string {
	return map[string]string{
		"Chart.yaml":          "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n",
		"templates/note.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n",
	}
}

// charts are clients that share a folder.
func charts(dir string, creds ...outbound.Credential) *registry.Charts {
	policy := outbound.Policy{Silence: 300 * time.Millisecond, Pause: time.Millisecond}
	return registry.NewCharts(registry.ChartOptions{HTTP: outbound.New(policy, creds), Dir: dir})
}

func TestChartRepository(t *testing.T) {
	t.Parallel()
	repo := registrytest.NewCharts(t, registrytest.Options{})
	one, two := repo.Add(chart("db", "1.0.0")), repo.Add(chart("db", "1.1.0+build.1"))
	dir := t.TempDir()
	c := charts(dir)
	versions, err := c.Versions(t.Context(), repo.URL, "db")
	slices.Sort(versions)
	if d := cmp.Diff([]string{"1.0.0", "1.1.0+build.1"}, versions); d != "" || err != nil {
		t.Error(d, err)
	}
	for version, want := range map[string][]byte{"1.0.0": one, "1.1.0+build.1": two} {
		data, digest, err := c.Pull(t.Context(), repo.URL+"/", "db", version)
		if err != nil || digest != "" || !bytes.Equal(data, want) {
			t.Errorf("%s: %d bytes, %q, %v", version, len(data), digest, err)
		}
	}
	_, err = c.Versions(t.Context(), repo.URL, "dbs")
	wantFault(t, err, fault.NotFound, `has no chart "dbs"`, `did you mean "db"?`)
	_, _, err = c.Pull(t.Context(), repo.URL, "db", "2.0.0")
	wantFault(t, err, fault.NotFound, "has no version 2.0.0", "")

	// The index was read once; another run only asks whether it is current.
	before := count(repo.Requests(), "GET /index.yaml")
	if _, err := charts(dir).Versions(t.Context(), repo.URL, "db"); err != nil || before != 1 {
		t.Errorf("%v; %d requests for the index", err, before)
	}
	if n := count(repo.Requests(), "GET /index.yaml"); n != 2 {
		t.Errorf("%d requests for the index", n)
	}
	repo.Add(chart("db", "3.0.0"))
	if versions, err := charts(dir).Versions(t.Context(), repo.URL, "db"); len(versions) != 3 || err != nil {
		t.Errorf("after a new version: %v, %v", versions, err)
	}
}

func TestChartsOfRegistry(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{User: "ci", Password: "secret"})
	digest := r.PushChart("team/db", chart("db", "1.0.0+b1"))
	r.PushChart("team/db", chart("db", "2.0.0"))
	image := r.Push("team/web:1")
	c := charts("", outbound.Credential{Prefix: "oci://" + r.Host + "/team", User: "ci", Password: "secret"})
	versions, err := c.Versions(t.Context(), "oci://"+r.Host+"/team", "db")
	slices.Sort(versions)
	if d := cmp.Diff([]string{"1.0.0+b1", "2.0.0"}, versions); d != "" || err != nil {
		t.Error(d, err)
	}
	want := registrytest.Pack(t, "db", chart("db", "1.0.0+b1"))
	for _, tc := range [][3]string{
		{"oci://" + r.Host + "/team", "db", "1.0.0+b1"},
		{"oci://" + r.Host + "/team/db", "", "1.0.0+b1"},
		{"oci://" + r.Host + "/team/", "db", digest},
		{"oci://" + r.Host + "/team", "db", "1.0.0+b1@" + digest},
		{"oci://" + r.Host + "/team/db@" + digest, "", ""},
		{"oci://" + r.Host + "/team/db:1.0.0_b1", "", ""},
	} {
		data, got, err := c.Pull(t.Context(), tc[0], tc[1], tc[2])
		if err != nil || got != digest || !bytes.Equal(data, want) {
			t.Errorf("%v: %d bytes, %s, %v", tc, len(data), got, err)
		}
	}
	_, _, err = c.Pull(t.Context(), "oci://"+r.Host+"/team", "web", image)
	wantFault(t, err, fault.Invalid, "is no chart", "helm push")
	_, _, err = c.Pull(t.Context(), "oci://"+r.Host+"/team", "db", "9.9.9")
	wantFault(t, err, fault.NotFound, "is not in the registry", "")
	_, _, err = charts("").Pull(t.Context(), "oci://"+r.Host+"/team", "db", "2.0.0")
	wantFault(t, err, fault.Denied, "the registry says Unauthorized", "log in")
	_, _, err = charts("", outbound.Credential{Prefix: "oci://" + r.Host + "/other", User: "ci", Password: "secret"}).Pull(t.Context(), "oci://"+r.Host+"/team", "db", "2.0.0")
	wantFault(t, err, fault.Denied, "the registry says Unauthorized", "")
}

func TestChartsOfBucket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bucket := func(context.Context, string) (*blob.Bucket, error) { return fileblob.OpenBucket(dir, nil) }
	b, err := bucket(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	data := registrytest.Pack(t, "db", chart("db", "1.0.0"))
	write := func(name string, data []byte) {
		if err := b.WriteAll(t.Context(), name, data, nil); err != nil {
			t.Fatal(err)
		}
	}
	write("charts/db-1.0.0.tgz", data)
	write("other/db-1.0.0.tgz", data)
	index := "apiVersion: v1\nentries:\n  db:\n"
	for version, url := range map[string]string{"1.0.0": "db-1.0.0.tgz", "1.0.1": "s3://charts-bucket/charts/db-1.0.0.tgz", "1.0.2": "s3://elsewhere/charts/db-1.0.0.tgz", "1.0.3": "../other/db-1.0.0.tgz", "1.0.4": "none.tgz"} {
		index += "  - version: " + version + "\n    urls: [" + url + "]\n"
	}
	write("charts/index.yaml", []byte(index))
	c := registry.NewCharts(registry.ChartOptions{HTTP: outbound.New(outbound.Policy{}, nil), Dir: t.TempDir(), OpenBucket: bucket})
	const repository = "s3://charts-bucket/charts"
	for version, want := range map[string]string{
		"1.0.0": "", "1.0.1": "",
		"1.0.2": "is in another bucket than its index",
		"1.0.3": "is outside of its repository",
		"1.0.4": "charts/none.tgz is not there",
	} {
		got, _, err := c.Pull(t.Context(), repository, "db", version)
		if want == "" && (err != nil || !bytes.Equal(got, data)) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", version, err, want)
		}
	}
	_, err = c.Versions(t.Context(), "gs://charts-bucket/none", "db")
	wantFault(t, err, fault.NotFound, "index.yaml is not there", "")
	_, err = c.Versions(t.Context(), "s3://charts-bucket/charts?endpoint=http://evil.example", "db")
	wantFault(t, err, fault.Invalid, "option endpoint is not let through", "")
}

// The password for an index is not that for an archive elsewhere, unless the
// other host has its own (Helm CVE-2021-32690).
func TestArchivesOnAnotherHost(t *testing.T) {
	t.Parallel()
	other := registrytest.NewCharts(t, registrytest.Options{})
	other.Add(chart("db", "1.0.0"))
	repo := registrytest.NewCharts(t, registrytest.Options{User: "ci", Password: "secret"})
	repo.Entry("db", "version: 1.0.0\nurls: ['"+other.URL+"/db-1.0.0.tgz']\n")
	mine := outbound.Credential{Prefix: repo.URL, User: "ci", Password: "secret"}
	if _, _, err := charts("", mine).Pull(t.Context(), repo.URL, "db", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if got := other.Authorizations(); len(got) != 1 || got[0] != "" {
		t.Errorf("the other host saw %q", got)
	}
	theirs := outbound.Credential{Prefix: other.URL, User: "own", Password: "x"}
	if _, _, err := charts("", mine, theirs).Pull(t.Context(), repo.URL, "db", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if got := other.Authorizations(); len(got) != 2 || got[1] != "Basic b3duOng=" {
		t.Errorf("the other host saw %q", got)
	}
}

// What a server sends must fit what its index says, and come from a place that
// is as well protected.
func TestChartsRefuse(t *testing.T) {
	t.Parallel()
	repo := registrytest.NewCharts(t, registrytest.Options{})
	repo.Add(chart("db", "1.0.0"))
	repo.File("/db-1.0.0.tgz", []byte("another archive"))
	for version, url := range map[string]string{"1": "file:///etc/passwd", "2": "s3://bucket/x.tgz", "3": "https://u:p@127.0.0.1/x.tgz", "4": "http://169.254.169.254/latest/x.tgz", "5": "none.tgz"} {
		repo.Entry("web", "version: "+version+".0.0\nurls: ['"+url+"']\n")
	}
	c := charts(t.TempDir())
	for _, tc := range []struct{ name, version, err string }{
		{"db", "1.0.0", "but the index says"},
		{"web", "1.0.0", "is no place to fetch from"},
		{"web", "2.0.0", "is no place to fetch from"},
		{"web", "3.0.0", "has credentials in it"},
		{"web", "4.0.0", "is link-local or a metadata service"},
		{"web", "5.0.0", "the server says 404"},
	} {
		_, _, err := c.Pull(t.Context(), repo.URL, tc.name, tc.version)
		if err == nil || !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s %s: %v", tc.name, tc.version, err)
		}
	}
	for _, repository := range []string{"ftp://x/y", "charts", "https://u:p@example.org/", "file:///tmp"} {
		_, err := c.Versions(t.Context(), repository, "db")
		wantFault(t, err, fault.Invalid, "chart repository", "use https://")
		if strings.Contains(err.Error(), "u:p") {
			t.Error(err)
		}
	}
}

// Servers that hang, break off, redirect in circles or send the wrong thing.
func TestBrokenServers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		err    string
	}{
		"hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "does not answer"},
		"hangs half way": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("apiVersion: v1\nentries:\n"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "stopped sending after 24 bytes"},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("apiVersion: v1\nentries:\n"))
		}, "breaks off after 24 bytes"},
		"too large": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9999999999") }, "larger than 1024 MiB"},
		"redirects": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x"+r.URL.Path, http.StatusFound) }, "more than 5 redirects"},
		"to metadata": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, "metadata service"},
		"to a file": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, "no web address"},
		"error":      {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, "the server says 500"},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>\n<p>hello\n")) }, "no valid YAML"},
		"no index":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a: b\n")) }, "has no apiVersion"},
		"empty":      {func(http.ResponseWriter, *http.Request) {}, "the index is empty"},
		"a broken JSON": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"apiVersion": "v1", "entries": {`))
		}, "no valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tc.answer)
			defer server.Close()
			_, err := charts(t.TempDir()).Versions(t.Context(), server.URL, "db")
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func count(list []string, what string) int {
	n := 0
	for _, l := range list {
		if l == what {
			n++
		}
	}
	return n
}

func wantFault(t *testing.T, err error, kind fault.Kind, text, hint string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(err.Error(), text) || !strings.Contains(strings.Join(fault.HintsOf(err), "\n"), hint) {
		t.Errorf("got %v (%s, hints %q), want %s, %q, hint %q", err, fault.KindOf(err), fault.HintsOf(err), kind, text, hint)
	}
}
