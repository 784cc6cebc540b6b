package secret

import (
	"strings"
	"testing"

	"github.com/getsops/sops/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	const base = "# about\na: one\nb: two\nm:\n    x: 1\n    z: 2\nl:\n    - p\n    - q\n"
	for _, c := range []struct {
		name, ours, theirs, want string
		conflicts                []string
	}{
		{"different keys", edit(base, "one", "ours"), edit(base, "two", "theirs"), edit(edit(base, "one", "ours"), "two", "theirs"), nil},
		{"same change", edit(base, "one", "new"), edit(base, "one", "new"), edit(base, "one", "new"), nil},
		{"same key", edit(base, "one", "ours"), edit(edit(base, "one", "theirs"), "q", "r"), edit(edit(base, "one", "ours"), "q", "r"), []string{"a"}},
		{"added on both sides", base + "k: ours\n", edit(base, "b: two", "b: two\nc: theirs"), edit(base, "b: two", "b: two\nc: theirs") + "k: ours\n", nil},
		{"added differently", base + "k: ours\n", base + "k: theirs\n", base + "k: ours\n", []string{"k"}},
		{"removed here, changed there", edit(base, "b: two\n", ""), edit(base, "two", "theirs"), edit(base, "b: two\n", "") + "", []string{"b"}},
		{"removed there", edit(base, "one", "ours"), edit(base, "b: two\n", ""), edit(edit(base, "one", "ours"), "b: two\n", ""), nil},
		{"nested", edit(base, "x: 1", "x: 10"), edit(base, "z: 2", "z: 20"), edit(edit(base, "x: 1", "x: 10"), "z: 2", "z: 20"), nil},
		{"lists", edit(base, "- p", "- o"), edit(base, "- q", "- r"), edit(base, "- p", "- o"), []string{"l"}},
		{"comment", edit(base, "one", "ours"), edit(base, "about", "more about"), edit(edit(base, "one", "ours"), "about", "more about"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := sopsEncrypt(t, YAML, base, sops.Metadata{}, recipient)
			a, b := replace(t, o, c.ours, keys), replace(t, o, c.theirs, keys)
			got, err := Merge(t.Context(), "s.yaml", o, a, b, keys)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.conflicts, got.Conflicts); diff != "" {
				t.Errorf("conflicts: -want +got\n%s", diff)
			}
			plain, err := Decrypt(t.Context(), "s.yaml", got.Data, keys)
			if err != nil {
				t.Fatalf("%v\n%s", err, got.Data)
			}
			want := c.want
			if c.name == "removed here, changed there" { // kept, behind what it followed there
				want = edit(base, "two", "theirs")
			}
			if diff := cmp.Diff(want, string(plain.Data)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			// What stays has the ciphertext of one of the sides.
			for _, line := range lines(got.Data) {
				if strings.Contains(line, "ENC[") && !strings.Contains(line, "mac:") &&
					!strings.Contains(string(a)+string(b)+string(o), strings.TrimSpace(line)) {
					t.Errorf("a new ciphertext: %s", line)
				}
			}
		})
	}
}

func edit(text, old, next string) string { return strings.Replace(text, old, next, 1) }

func replace(t *testing.T, data []byte, plain string, keys Keys) []byte {
	t.Helper()
	o := open(t, "s.yaml", data, keys)
	o.now = later
	next, err := o.Replace([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestMergeTakesOverRecipientsAndRotation(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	second, secondKeys := newAge(t)
	base := sopsEncrypt(t, YAML, "a: one\nb: two\n", sops.Metadata{}, recipient)
	rule, err := FindRule("s.yaml", RuleOptions{Recipients: Recipients{Age: recipient + "," + second}})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := open(t, "s.yaml", base, keys).Rotate(t.Context(), &rule, false)
	if err != nil {
		t.Fatal(err)
	}
	ours := replace(t, base, "a: one\nb: ours\n", keys)
	got, err := Merge(t.Context(), "s.yaml", base, ours, theirs.Data, keys)
	if err != nil || len(got.Conflicts) > 0 {
		t.Fatalf("%v, %v", got.Conflicts, err)
	}
	plain, err := Decrypt(t.Context(), "s.yaml", got.Data, secondKeys)
	if err != nil || string(plain.Data) != "a: one\nb: ours\n" {
		t.Errorf("for the new recipient: %q, %v", plain.Data, err)
	}
	if _, err := Merge(t.Context(), "s.yaml", base, ours, theirs.Data, Keys{}); !fault.Is(err, fault.Denied) {
		t.Errorf("without keys: %v", err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	old := sopsEncrypt(t, YAML, "kind: Secret\ndata:\n    a: canary-one\n    b: canary-two\n    c: canary-three\n", sops.Metadata{EncryptedRegex: "^data$"}, recipient)
	next := replace(t, old, "kind: Sealed\ndata:\n    a: canary-one\n    b: canary-new\n    d: canary-one\n", keys)
	again := sopsEncrypt(t, YAML, "kind: Secret\ndata:\n    a: canary-one\n    b: canary-two\n    c: canary-three\n", sops.Metadata{EncryptedRegex: "^data$"}, recipient)
	exposed := []byte("kind: Secret\ndata:\n    a: canary-one\n    b: canary-two\n    c: canary-three\n")
	kinds := func(keys *Keys, a, b []byte) string {
		t.Helper()
		changes, err := NewComparison(keys).Compare(t.Context(), "s.yaml", a, b)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, c := range changes {
			all = append(all, c.Path+" "+c.Kind)
			if strings.Contains(c.Old+c.New, "canary") {
				t.Errorf("a value in %+v", c)
			}
			if keys != nil && keys.Getenv != nil && c.Path == "data.b" && (c.Old == "" || c.New == "" || c.Old == c.New) && c.Kind == Changed {
				t.Errorf("hashes of %+v", c)
			}
		}
		return strings.Join(all, ", ")
	}
	for _, c := range []struct {
		name string
		keys *Keys
		a, b []byte
		want string
	}{
		{"no key", nil, old, next, "kind changed, data.b changed, data.c removed, data.d added"},
		{"key", &keys, old, next, "kind changed, data.b changed, data.c removed, data.d added"},
		{"encrypted again, no key", nil, old, again, "data.a changed, data.b changed, data.c changed"},
		{"encrypted again, key", &keys, old, again, "data.a re-encrypted, data.b re-encrypted, data.c re-encrypted"},
		{"another's key", &Keys{}, old, next, "kind changed, data.b changed, data.c removed, data.d added"},
		{"exposed", nil, old, exposed, "data.a exposed, data.b exposed, data.c exposed"},
		{"hidden", nil, exposed, old, "data.a hidden, data.b hidden, data.c hidden"},
		{"new file", nil, nil, old, "kind added, data.a added, data.b added, data.c added"},
		{"same", nil, old, old, ""},
	} {
		if got := kinds(c.keys, c.a, c.b); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestOutline(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	old := sopsEncrypt(t, YAML, "kind: Secret\ndata:\n    a: canary-one\n    b: canary-two\n", sops.Metadata{EncryptedRegex: "^data$"}, recipient)
	next := replace(t, old, "kind: Secret\ndata:\n    a: canary-one\n    b: canary-new\n", keys)
	a, err := Outline("s.yaml", old)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Outline("s.yaml", next)
	if err != nil {
		t.Fatal(err)
	}
	removed, added := changed(a, b)
	if keysOf(removed) != "b" || keysOf(added) != "b" || strings.Contains(string(a), "canary") || strings.Contains(string(a), "ENC[") {
		t.Errorf("-%v +%v\n%s", removed, added, a)
	}
	for _, name := range []string{"s.bin", "s.env", "s.json", "s.ini"} {
		plain := "A=canary\n"
		if name == "s.json" {
			plain = `{"a": "canary"}`
		} else if name == "s.ini" {
			plain = "[a]\nb = canary\n"
		}
		text, err := Outline(name, sopsEncrypt(t, FormatOf(name, nil), plain, sops.Metadata{}, recipient))
		if err != nil || strings.Contains(string(text), "canary") || !strings.Contains(string(text), "(encrypted ") {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}
