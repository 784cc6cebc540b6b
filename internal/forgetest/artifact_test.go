package forgetest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tugops/tug/internal/forgetest"
)

func TestImages(t *testing.T) {
	t.Parallel()
	f := forgetest.New(t)
	ci := f.User("ci")
	tag, err := name.NewTag(f.Registry + "/" + f.Organization("team", ci) + "/app:1")
	if err != nil {
		t.Fatal(err)
	}
	img, err := random.Image(64, 2)
	if err != nil {
		t.Fatal(err)
	}
	write := func(scope string) error {
		login := ci.Login(scope)
		return remote.Write(tag, img, remote.WithContext(t.Context()), remote.WithAuth(&authn.Basic{Username: login.User, Password: login.Token}))
	}
	if err := write("read:package"); err == nil {
		t.Error("a token that may only read packages pushed an image")
	}
	if err := write("write:package"); err != nil {
		t.Fatal(err)
	}
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Head(tag, remote.WithContext(t.Context()))
	if err != nil || got.Digest != want {
		t.Errorf("pulled %v (%v), pushed %s", got, err, want)
	}
}

func TestBaseImage(t *testing.T) {
	t.Parallel()
	f := forgetest.New(t)
	reference, err := name.NewDigest(f.BaseImage())
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(reference, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil || config.OS != "linux" || len(config.RootFS.DiffIDs) != 1 {
		t.Errorf("configuration %+v (%v)", config, err)
	}
}

func TestCharts(t *testing.T) {
	t.Parallel()
	f := forgetest.New(t)
	ci := f.User("ci")
	chart := pack(t, "app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.2.3\n")
	for _, test := range []struct {
		scope string
		want  int
	}{{"read:package", http.StatusUnauthorized}, {"write:package", http.StatusCreated}} {
		status, text := send(t, http.MethodPost, f.ChartURL(ci.Name)+"/api/charts", ci.Login(test.scope), chart)
		if status != test.want {
			t.Errorf("upload with %s: status %d, want %d: %s", test.scope, status, test.want, text)
		}
	}
	status, index := send(t, http.MethodGet, f.ChartURL(ci.Name)+"/index.yaml", ci.Login("read:package"), nil)
	if status != http.StatusOK || !strings.Contains(index, "version: 1.2.3") {
		t.Errorf("index: status %d: %s", status, index)
	}
}

func pack(t *testing.T, file, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	if err := w.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func send(t *testing.T, method, address string, who forgetest.Login, body []byte) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(who.User, who.Token)
	request.Header.Set("Content-Type", "application/gzip")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
