package object

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const canary = `Tr0ub4dor&3 "quoted" <it's>`

func TestSensitiveMasksEveryForm(t *testing.T) {
	t.Parallel()
	s := NewSensitive(canary)
	inJSON, err := json.Marshal(map[string]string{"a": canary})
	if err != nil {
		t.Fatal(err)
	}
	twice, err := json.Marshal(string(inJSON))
	if err != nil {
		t.Fatal(err)
	}
	inYAML, err := yaml.Marshal(map[string]string{"a": canary, "b": "it's: " + canary})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"plain":      "password " + canary + " was refused",
		"json":       string(inJSON),
		"json twice": string(twice),
		"yaml":       string(inYAML),
		"go":         fmt.Sprintf("invalid value %q", canary),
		"single":     "'" + strings.ReplaceAll(canary, "'", "''") + "'",
		"query":      "https://x/?p=" + url.QueryEscape(canary),
		"path":       "https://x/" + url.PathEscape(canary),
		"user":       (&url.URL{Scheme: "http", Host: "h", User: url.UserPassword("u", canary)}).String(),
		"base64":     base64.StdEncoding.EncodeToString([]byte(canary)),
		"base64 raw": base64.RawURLEncoding.EncodeToString([]byte(canary)),
		"embedded 0": base64.StdEncoding.EncodeToString([]byte("abc" + canary + "xyz")),
		"embedded 1": base64.StdEncoding.EncodeToString([]byte("abcd" + canary + "xyz")),
		"embedded 2": base64.URLEncoding.EncodeToString([]byte("abcde" + canary + "x")),
	} {
		got := s.Mask(text)
		if !strings.Contains(got, Masked) {
			t.Errorf("%s: nothing masked in %s", name, got)
		}
		if strings.Contains(got, "ub4dor") || decodes(got, "ub4dor") {
			t.Errorf("%s: still told by %s", name, got)
		}
		if !s.Reveals(text) || s.Reveals(got) {
			t.Errorf("%s: revealing before %v, after %v", name, s.Reveals(text), s.Reveals(got))
		}
	}
}

// decodes reports whether base64 somewhere in text holds a part.
func decodes(text, part string) bool {
	for i := range text {
		for j := i + 8; j <= len(text); j += 4 {
			if data, err := base64.StdEncoding.DecodeString(text[i:j]); err == nil && bytes.Contains(data, []byte(part)) {
				return true
			}
		}
	}
	return false
}

func TestSensitiveMasks(t *testing.T) {
	t.Parallel()
	pem := "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nq1f0A9+zZ/x8LcTq\n-----END KEY-----\n"
	for name, c := range map[string]struct {
		values     []string
		text, want string
	}{
		"nothing":          {nil, "text", "text"},
		"short":            {[]string{"abcde"}, "abcde", "abcde"},
		"six characters":   {[]string{"hunter"}, "xhunterx", "x(masked)x"},
		"spaces around":    {[]string{"  hunter2 \n"}, "[hunter2]", "[(masked)]"},
		"overlapping":      {[]string{"abcdef", "defghi"}, "-abcdefghi-", "-(masked)-"},
		"longest":          {[]string{"hunter", "hunter2-more"}, "hunter2-more hunter3", "(masked) (masked)3"},
		"side by side":     {[]string{"abcdef", "ghijkl"}, "abcdefghijkl", "(masked)"},
		"at the ends":      {[]string{"abcdef"}, "abcdef x abcdef", "(masked) x (masked)"},
		"base64 of base64": {[]string{"aHVudGVyMjItMTE="}, "it is hunter22-11", "it is (masked)"},
		"lines of a key": {
			[]string{pem}, "data: |\n  -----BEGIN KEY-----\n  MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n  q1f0A9+zZ/x8LcTq\n",
			"data: |\n  -----BEGIN KEY-----\n  (masked)\n  (masked)\n",
		},
		"names and values": {
			[]string{"USER=admin\nPASSWORD=hunter2-x\nmode: standard\n"}, "login with hunter2-x, mode standard", "login with (masked), mode standard",
		},
		"an encrypted manifest": {
			[]string{"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: allow-frontend\nspec:\n  token: hunter2-x\n"},
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n  name: allow-frontend\nhunter2-x\n",
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n  name: allow-frontend\n(masked)\n",
		},
		"padding is no value": {
			[]string{"-----BEGIN KEY-----\nq1f0A9zZx8LcTqM5n6==\n-----END KEY-----\n"}, "q1f0A9zZx8LcTqM5n6==", "(masked)",
		},
		"unicode": {[]string{"pässwörter"}, "das pässwörter", "das (masked)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := NewSensitive(c.values...).Mask(c.text); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSensitiveLeavesWordsInOutput(t *testing.T) {
	t.Parallel()
	s := NewSensitive("default", "message", "s3cr3t-word")
	const text = `{"message":"namespace default, s3cr3t-word"}`
	if got, want := s.MaskOutput(text), `{"message":"namespace default, (masked)"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSensitiveShowsNothingOfItself(t *testing.T) {
	t.Parallel()
	s := NewSensitive("hunter2-secret")
	s.File("prod/secret.yaml")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s)
	inJSON, err := json.Marshal(struct{ S *Sensitive }{s})
	if err != nil {
		t.Fatal(err)
	}
	inYAML, err := yaml.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s), fmt.Sprintf("%+v", struct{ S *Sensitive }{s}),
		log.String(), string(inJSON), string(inYAML), s.String(), s.GoString(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "secret.yaml") || strings.Contains(text, "68756e746572") {
			t.Errorf("shown: %s", text)
		}
	}
}

func TestSensitiveIsNilSafe(t *testing.T) {
	t.Parallel()
	var s *Sensitive
	if s.Mask("some text") != "some text" || s.Reveals("some text") || s.Wholly(&Object{}) || !s.Empty() || s.Found(nil) != nil {
		t.Error("a nil Sensitive holds something")
	}
	s.Value("abcdef")
	s.File("f")
	if got := s.Join(NewSensitive("abcdef")).Mask("abcdef"); got != Masked {
		t.Errorf("joined: %s", got)
	}
}

func TestSensitiveFoundIsWhatObjectsHold(t *testing.T) {
	t.Parallel()
	s := NewSensitive("hunter2-here", "hunter3-elsewhere", "inbase64")
	o := read(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: 'x hunter2-here y', b: aW5iYXNlNjQ=}\n")
	if d := cmp.Diff([]string{"hunter2-here", "inbase64"}, s.Found([]*Object{o})); d != "" {
		t.Error(d)
	}
}

func TestMaskOfObjects(t *testing.T) {
	t.Parallel()
	s := NewSensitive("hunter2-here")
	s.File("whole.yaml")
	open := read(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: {l: hunter2-here}}\ndata: {a: 'x hunter2-here y', list: [1, hunter2-here]}\n")
	want := map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "c", "labels": map[string]any{"l": Masked}},
		"data":     map[string]any{"a": "x (masked) y", "list": []any{int64(1), Masked}},
	}
	if d := cmp.Diff(want, open.Mask(s).Fields); d != "" {
		t.Error(d)
	}
	hidden := open.Copy()
	hidden.Hidden = true
	want["data"] = map[string]any{"a": Masked, "list": Masked}
	if d := cmp.Diff(want["data"], hidden.Mask(nil).Fields["data"]); d != "" {
		t.Error(d)
	}
}

func TestSensitiveMasksNumbers(t *testing.T) {
	t.Parallel()
	o := read(t, "apiVersion: v1\nkind: Thing\nmetadata: {name: c}\nspec: {pin: 12345678, port: 8080}\n")
	want := map[string]any{"pin": Masked, "port": int64(8080)}
	if d := cmp.Diff(want, o.Mask(NewSensitive("12345678")).Fields["spec"]); d != "" {
		t.Error(d)
	}
}

func TestSensitiveWholly(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: some-config}\n"
	for name, c := range map[string]struct {
		file, data string
		want       bool
	}{
		"all of its data":      {"whole.yaml", "data: {a: hunter2-here, b: 'yes'}", true},
		"short data only":      {"whole.yaml", "data: {b: 'yes'}", true},
		"some in the clear":    {"whole.yaml", "data: {a: hunter2-here, b: administrator}", false},
		"of another file":      {"other.yaml", "data: {a: hunter2-here}", false},
		"of no file":           {"", "data: {a: hunter2-here}", false},
		"lists in the clear":   {"whole.yaml", "items: [hunter2-here, administrator]", false},
		"lists of its secrets": {"whole.yaml", "items: [hunter2-here, 7]", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewSensitive("hunter2-here")
			s.File("whole.yaml")
			o := read(t, head+c.data+"\n")
			o.Source.File = c.file
			if got := s.Wholly(o); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestSensitiveIsForSeveralGoroutines(t *testing.T) {
	t.Parallel()
	s := &Sensitive{}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 50 {
				v := fmt.Sprintf("value-%d-%d", i, n)
				s.Value(v)
				s.File(v)
				if s.Mask(v) != Masked {
					t.Errorf("%s is not masked", v)
				}
			}
		})
	}
	group.Wait()
}

func FuzzSensitive(f *testing.F) {
	f.Add("hunter2", "x", "y")
	f.Add("a\nb=c d e f g", "\"", "\\")
	f.Add("\xff\xfe\x00abcdefg", "é", "")
	f.Fuzz(func(t *testing.T, value, before, after string) {
		s := NewSensitive(value)
		if len([]rune(strings.TrimSpace(value))) < minSensitive {
			return
		}
		if got := s.Mask(before + value + after); strings.Contains(got, value) && !strings.Contains(Masked, value) &&
			!strings.Contains(before+Masked+after, value) {
			t.Errorf("%q is in %q", value, got)
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(before + value + after))
		if !s.Reveals(encoded) {
			t.Errorf("base64 of %q in %q is not found", value, encoded)
		}
	})
}

func BenchmarkSensitiveMask(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	s := &Sensitive{}
	for range 5000 {
		s.Value(word(random, 8+random.IntN(40)))
	}
	var text strings.Builder
	for text.Len() < 4<<20 {
		fmt.Fprintf(&text, "    %s: %s\n", word(random, 8), word(random, 30))
	}
	whole := text.String()
	b.SetBytes(int64(len(whole)))
	for b.Loop() {
		s.Mask(whole)
	}
}

func BenchmarkSensitiveValue(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	s := &Sensitive{}
	for b.Loop() {
		s.Value(word(random, 24))
	}
}

func word(random *rand.Rand, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	out := make([]byte, n)
	for i := range out {
		out[i] = letters[random.IntN(len(letters))]
	}
	return string(out)
}

func TestSensitiveTakesDocumentsApart(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		"password: canary-word\n", "{\"password\":\"canary-word\"}", "a:\n  b: [x, {c: canary-word}]\nother: x1\n",
	} {
		s := NewSensitive(doc)
		if got := s.Mask("value: canary-word"); got != "value: "+Masked {
			t.Errorf("%q: got %q", doc, got)
		}
	}
}

func TestSensitiveFindsNumbersAsTemplatesWriteThem(t *testing.T) {
	t.Parallel()
	s := NewSensitive("777123456")
	for _, form := range []string{"777123456", "7.77123456e+08", "777123456.000000"} {
		if got := s.Mask("pin " + form); got != "pin "+Masked {
			t.Errorf("%s: got %q", form, got)
		}
	}
}
