package inventory

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

func someItems() []Item {
	return []Item{
		{
			Ref: object.Ref{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, Version: "v1",
			UID: "0b7c", Applied: "a1", Entry: "e1", Generation: 3,
		},
		{Ref: object.Ref{Kind: "ConfigMap", Namespace: "shop", Name: "settings"}, Version: "v1", Handed: "shop/other"},
	}
}

func someHead() Head {
	return Head{
		App: "web", Env: "prod", Namespace: "shop", Epoch: 7, Items: []string{"tug.web.0123456789abcdef"},
		Releases: []Release{{
			Number: 2, Status: Deployed, Env: "prod", Commit: "4f2e", Message: "rollback to 1", PlanHash: "ab12",
			Changes: "1 created, 0 updated, 0 deleted", By: "ann", Snapshot: []string{"tug.web.fedcba9876543210"},
			Started:  time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC),
			Finished: time.Date(2026, 11, 20, 18, 0, 5, 0, time.UTC),
		}},
	}
}

// The stored format is API: a change of these files needs a new
// FormatVersion, or old records become unreadable.
func TestFormatIsAsRecorded(t *testing.T) {
	t.Parallel()
	items, err := encodeItems(someItems())
	if err != nil {
		t.Fatal(err)
	}
	head, err := encodeHead(someHead())
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"items.v1.json": items, "head.v1.json": head} {
		want, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
			t.Errorf("%s (-recorded +encoded):\n%s", name, diff)
		}
	}
}

func TestDecodeReadsWhatWasEncoded(t *testing.T) {
	t.Parallel()
	data, err := encodeItems(someItems())
	if err != nil {
		t.Fatal(err)
	}
	items, err := decodeItems(data)
	if err != nil {
		t.Fatal(err)
	}
	want := []Item{someItems()[1], someItems()[0]} // sorted by group
	if diff := cmp.Diff(want, items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	data, err = encodeHead(someHead())
	if err != nil {
		t.Fatal(err)
	}
	head, err := decodeHead(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(someHead(), head, cmpopts.IgnoreUnexported(Head{})); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	heads := map[string]string{
		`{"version":2,"app":"a","namespace":"n"}`: "format version 2, this tug knows 1",
		`{"app":"a","namespace":"n"}`:             "no format version",
		`{"version":1,"app":"a"}`:                 "names no app or no namespace",
		`{"version":"1"}`:                         "decode record",
		``:                                        "decode record",
	}
	for in, want := range heads {
		_, err := decodeHead([]byte(in))
		checkInvalid(t, in, err, want)
	}
	items := map[string]string{
		`{"version":9,"items":[]}`:                                                         "format version 9",
		`{"version":1,"items":[{"kind":"A"}]}`:                                             "no kind or name",
		`{"version":1,"items":[{"kind":"A","name":"x"},{"kind":"A","name":"x"}]}`:          "names A x twice",
		`{"version":1,"items":[{"kind":"A","name":"x","generation":"many"}]}`:              "decode inventory",
		`{"version":1,"items":[` + strings.Repeat(`{},`, maxItems) + `{"kind":"A"}` + `]}`: "more than 100000",
	}
	for in, want := range items {
		_, err := decodeItems([]byte(in))
		checkInvalid(t, in[:min(len(in), 80)], err, want)
	}
}

func checkInvalid(t *testing.T, in string, err error, want string) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v (%s), want an invalid input that says %q", in, err, fault.KindOf(err), want)
	}
}

func TestPackSplitsAndJoins(t *testing.T) {
	t.Parallel()
	big := make([]byte, 3*maxChunk)
	if _, err := rand.Read(big); err != nil {
		t.Fatal(err)
	}
	for name, plain := range map[string][]byte{"empty": nil, "small": []byte("tug"), "three chunks and a bit": big} {
		chunks, err := pack(plain)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range chunks {
			if len(c) > maxChunk {
				t.Errorf("%s: chunk %d has %d bytes", name, i, len(c))
			}
		}
		got, err := unpack(chunks)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: unpacked %d bytes, %v; want %d", name, len(got), err, len(plain))
		}
	}
}

func TestPackIsDeterministic(t *testing.T) {
	t.Parallel()
	plain := bytes.Repeat([]byte(`{"kind":"ConfigMap"}`), 5000)
	first, err := pack(plain)
	if err != nil {
		t.Fatal(err)
	}
	second, err := pack(plain)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the same value was packed differently:\n%s", diff)
	}
}

func TestUnpackRefusesBombs(t *testing.T) {
	t.Parallel()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := enc.EncodeAll(make([]byte, maxPlain+1), nil)
	var streamed bytes.Buffer // does not announce its size
	w, err := zstd.NewWriter(&streamed)
	if err != nil {
		t.Fatal(err)
	}
	for range 129 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, chunks := range map[string][][]byte{
		"too much plain":           {bomb},
		"too much plain, streamed": {streamed.Bytes()},
		"too many chunks":          make([][]byte, maxChunks+1),
		"chunk too big":            {make([]byte, maxChunk+1)},
		"not compressed":           {[]byte(`{"version":1}`)},
		"cut off":                  {bomb[:len(bomb)/2]},
	} {
		plain, err := unpack(chunks)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %d bytes, %v; want invalid input", name, len(plain), err)
		}
	}
}

func FuzzDecodeItems(f *testing.F) {
	data, err := encodeItems(someItems())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"items":[{"kind":"A","name":"x"}]}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		items, err := decodeItems(data)
		if err != nil {
			return
		}
		again, err := encodeItems(items)
		if err != nil {
			t.Fatalf("decoded items cannot be encoded: %v", err)
		}
		second, err := decodeItems(again)
		if err != nil {
			t.Fatalf("encoded items cannot be decoded: %v", err)
		}
		if diff := cmp.Diff(items, second, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("round trip:\n%s", diff)
		}
	})
}

func FuzzDecodeHead(f *testing.F) {
	data, err := encodeHead(someHead())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"app":"a","namespace":"n","releases":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := decodeHead(data)
		if err != nil {
			return
		}
		if h.App == "" || h.Namespace == "" || len(h.Items) > maxChunks || len(h.Releases) > maxReleases {
			t.Errorf("accepted a head beyond the limits: %+v", h)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	chunks, err := pack([]byte(fmt.Sprint(someItems())))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(chunks[0])
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := unpack([][]byte{data})
		if err == nil && len(plain) > maxPlain {
			t.Errorf("unpacked %d bytes", len(plain))
		}
	})
}

func BenchmarkEncodeThousandItems(b *testing.B) {
	items := make([]Item, 1000)
	for i := range items {
		items[i] = Item{
			Ref: object.Ref{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprintf("c%d", i)}, Version: "v1",
			UID: fmt.Sprintf("uid-%d", i), Applied: chunkSum([]byte{byte(i)}), Entry: chunkSum([]byte{1, byte(i)}),
		}
	}
	for b.Loop() {
		plain, err := encodeItems(items)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := pack(plain); err != nil {
			b.Fatal(err)
		}
	}
}
