package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/snapshot"
)

func someSnapshot() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		App: "web", Env: "prod", Namespace: "shop", KubeVersion: "1.36",
		Revision:  snapshot.Revision{Commit: "4f2e", Message: "first", Time: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)},
		Generated: map[string]string{"k": "v"},
		Objects: []*object.Object{{
			Source: object.Source{File: "a.yaml", Line: 3},
			Fields: map[string]any{
				"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"},
				"numbers": []any{int64(9007199254740993), json.Number("0.10"), json.Number("1e3")},
			},
		}},
	}
}

// The stored form is API: old releases must stay readable.
func TestSnapshotFormatIsAsRecorded(t *testing.T) {
	t.Parallel()
	got, err := encodeSnapshot(someSnapshot())
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "snapshot.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("snapshot (-recorded +encoded):\n%s", diff)
	}
}

func TestDecodeReadsWhatWasEncoded(t *testing.T) {
	t.Parallel()
	data, err := encodeSnapshot(someSnapshot())
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeSnapshot(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(someSnapshot(), got, cmpopts.IgnoreUnexported(snapshot.Snapshot{})); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{``, `{}`, `{"version":2}`, `{"version":1,"objects":[{}]}`, `{"version":1,"objects":[{"object":{"kind":"A"}}]}`, `{"version":1,"objects":7}`} {
		if _, err := decodeSnapshot([]byte(in)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", in, err)
		}
	}
}

func FuzzDecodeSnapshot(f *testing.F) {
	data, err := encodeSnapshot(someSnapshot())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"objects":[{"object":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeSnapshot(data)
		if err != nil {
			return
		}
		if _, err := encodeSnapshot(s); err != nil {
			t.Errorf("what was decoded cannot be encoded: %v", err)
		}
	})
}

func TestMinorOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"v1.36.1": "1.36", "1.36": "1.36", "v1.30.2+k3s1": "1.30", "1.29+": "1.29", "": "", "latest": "", "v1": "",
	} {
		if got := minorOf(in); got != want {
			t.Errorf("minorOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestScrub(t *testing.T) {
	t.Parallel()
	secret := &object.Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"},
		"data": map[string]any{"long": "Y29ycmVjdGhvcnNl", "short": "YWJj"},
	}}
	p := &Prepared{Snapshot: &snapshot.Snapshot{Objects: []*object.Object{secret}}}
	got := scrub("abc correcthorse Y29ycmVjdGhvcnNl", p)
	if got != "abc (masked) (masked)" {
		t.Errorf("scrubbed: %s", got)
	}
	if long := scrub(strings.Repeat("ä", maxErrorText), p); len(long) > maxErrorText+4 || !strings.HasSuffix(long, "ä ...") {
		t.Errorf("%d bytes are kept", len(long))
	}
}

// What was decrypted for a release is still known when it is read again.
func TestSnapshotsRememberWhatIsSensitive(t *testing.T) {
	t.Parallel()
	s := someSnapshot()
	s.Sensitive = object.NewSensitive("hunter2-here", "hunter3-of-another-app")
	s.Objects[0].Fields["data"] = map[string]any{"a": "x-hunter2-here-y"}
	s.Objects[0].Hidden = true
	data, err := encodeSnapshot(s)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "hunter3") {
		t.Error("the release keeps a value that is not in it")
	}
	got, err := decodeSnapshot(data)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Objects[0].Hidden || got.Sensitive.Mask("x-hunter2-here-y") != "x-(masked)-y" {
		t.Errorf("hidden %v, masked %q", got.Objects[0].Hidden, got.Sensitive.Mask("x-hunter2-here-y"))
	}
}
