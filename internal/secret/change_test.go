package secret

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// changed lists the lines that differ, of a file's old and new form.
func changed(old, next []byte) (removed, added []string) {
	a, b := lines(old), lines(next)
	at := match(a, b)
	kept := map[int]bool{}
	for i, j := range at {
		if j < 0 {
			removed = append(removed, a[i])
		} else {
			kept[j] = true
		}
	}
	for j, line := range b {
		if !kept[j] {
			added = append(added, line)
		}
	}
	return removed, added
}

func keysOf(list []string) string {
	var names []string
	for _, l := range list {
		name := strings.TrimSpace(l)
		if at := strings.IndexAny(name, ":="); at >= 0 {
			name = name[:at]
		}
		names = append(names, strings.Trim(name, `"`))
	}
	return strings.Join(names, " ")
}

func open(t *testing.T, name string, data []byte, keys Keys) *Opened {
	t.Helper()
	o, err := Open(t.Context(), name, data, keys)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOnlyWhatChangedChanges(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	yaml := "# top\napiVersion: v1\nkind: Secret\nstringData:\n    password: hunter22 # inline\n    # above\n    token: other\nlist:\n    - same\n    - same\n    - third\n"
	for _, c := range []struct{ name, plain, path, want string }{
		{"s.yaml", yaml, "stringData.password", "password lastmodified mac"},
		{"s.yaml", yaml, "list[2]", "- ENC[AES256_GCM,data lastmodified mac"},
		{"s.json", "{\n\t\"a\": \"one\",\n\t\"b\": {\n\t\t\"c\": \"two\"\n\t}\n}", "b.c", "c lastmodified mac"},
		{"s.json", "{\n  \"a\": \"one\",\n  \"b\": {\n    \"c\": \"two\"\n  }\n}", "b.c", "c lastmodified mac"},
		{"s.env", "A=one\nB=two\n", "B", "B sops_lastmodified sops_mac"},
	} {
		t.Run(c.name+" "+c.path, func(t *testing.T) {
			t.Parallel()
			for _, meta := range []sops.Metadata{{}, {MACOnlyEncrypted: true}, {EncryptedRegex: "^(stringData|b|B|list)$"}} {
				old := sopsEncrypt(t, FormatOf(c.name, nil), c.plain, meta, recipient)
				o := open(t, c.name, old, keys)
				path, err := ParsePath(c.path)
				if err != nil {
					t.Fatal(err)
				}
				o.now = later
				next, err := o.Set(path, "new-value", false)
				if err != nil {
					t.Fatal(err)
				}
				removed, added := changed(old, next)
				if keysOf(removed) != c.want || keysOf(added) != c.want {
					t.Errorf("changed lines: -%s +%s, want %s", keysOf(removed), keysOf(added), c.want)
				}
				again := open(t, c.name, next, keys)
				if v, err := again.ValueText(path); err != nil || string(v) != "new-value" {
					t.Errorf("read back: %q, %v", v, err)
				}
				if same, err := again.Set(path, "new-value", false); err != nil || string(same) != string(next) {
					t.Errorf("setting the same value changed the file: %v", err)
				}
			}
		})
	}
}

func TestReplaceWithTheSameTextIsTheSameFile(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	for name, plain := range map[string]string{
		"s.yaml": "a: one\n# c\nb: [1, true, 2.5, null, 2020-01-02]\n---\nc: two\n", "s.json": `{"a": "one"}`, "s.env": "# c\nA=one\n", "s.ini": "[x]\na = one\n", "s.bin": "\x01text",
	} {
		old := sopsEncrypt(t, FormatOf(name, nil), plain, sops.Metadata{}, recipient)
		o := open(t, name, old, keys)
		text, err := o.Plain()
		if err != nil {
			t.Fatal(err)
		}
		next, err := o.Replace(text)
		if err != nil || string(next) != string(old) {
			t.Errorf("%s: the file changed: %v", name, err)
		}
	}
}

// Somebody may have written the file in another form than a store does.
func TestTheFormOfTheFileStays(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	old := string(sopsEncrypt(t, YAML, "kind: Secret\nmetadata:\n    name: db\n    labels:\n        app: db\nstringData:\n    a: one\n    b: two\n", sops.Metadata{EncryptedRegex: "^stringData$"}, recipient))
	old = strings.Replace(old, "    name: db\n    labels:\n        app: db\n", "  name:   \"db\"\n\n  labels: {app: 'db'}\n", 1)
	o := open(t, "s.yaml", []byte(old), keys)
	o.now = later
	next, err := o.Set(Path{"stringData", "b"}, "new", false)
	if err != nil {
		t.Fatal(err)
	}
	removed, added := changed([]byte(old), next)
	if keysOf(removed) != "b lastmodified mac" || keysOf(added) != "b lastmodified mac" {
		t.Errorf("changed: -%s +%s\n%s", keysOf(removed), keysOf(added), next)
	}
	open(t, "s.yaml", next, keys)
}

func TestSetRefusesWhatStaysClear(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	o := open(t, "s.yaml", sopsEncrypt(t, YAML, "stringData:\n    a: one\nnote: x\n", sops.Metadata{EncryptedRegex: "^stringData$"}, recipient), keys)
	_, err := o.Set(Path{"note"}, "canary", false)
	if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
	if _, err := o.Set(Path{"note"}, "public", true); err != nil {
		t.Error(err)
	}
	if _, err := o.Unset(Path{"nothing"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
	next, err := o.Unset(Path{"stringData", "a"})
	if err != nil || strings.Contains(string(next), " a: ENC") {
		t.Errorf("unset: %v\n%s", err, next)
	}
}

func TestEncryptByRule(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	other, otherKeys := newAge(t)
	both := Keys{Getenv: func(name string) string { return strings.TrimSpace(keys.Getenv(name) + " " + otherKeys.Getenv(name)) }}
	dir := t.TempDir()
	conf := fmt.Sprintf("creation_rules:\n  - path_regex: prod/.*\\.yaml$\n    encrypted_regex: ^(data|stringData)$\n    mac_only_encrypted: true\n    age: %s\n  - path_regex: two/.*\n    key_groups:\n      - age: [%s]\n      - age: [%s]\n    shamir_threshold: 2\nstores:\n  yaml:\n    indent: 2\n", recipient, recipient, other)
	if err := os.WriteFile(filepath.Join(dir, ".sops.yaml"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  a: one\n  b: two\n"
	for _, path := range []string{"prod/deep/s.yaml", "two/s.yaml"} {
		rule, err := FindRule(filepath.Join(dir, path), RuleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := Encrypt(t.Context(), path, []byte(plain), rule, nil, keys)
		if err != nil {
			t.Fatal(err)
		}
		if path == "two/s.yaml" {
			if _, err := Decrypt(t.Context(), path, e.Data, keys); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "2 of these 2 groups") {
				t.Errorf("one of two groups: %v", err)
			}
		}
		got, err := Decrypt(t.Context(), path, e.Data, both)
		if err != nil {
			t.Fatalf("%s: %v\n%s", path, err, e.Data)
		}
		if want := strings.ReplaceAll(plain, "  ", "    "); string(got.Data) != want {
			t.Errorf("%s: got\n%s", path, got.Data)
		}
		// Encrypted again from the clear, on top of the old file.
		edited := strings.Replace(plain, "two", "three", 1)
		again, err := Encrypt(t.Context(), path, []byte(edited), rule, e.Data, both)
		if err != nil || !again.Kept {
			t.Fatalf("%s: kept %v, %v", path, again.Kept, err)
		}
		removed, _ := changed(e.Data, again.Data)
		if got := keysOf(removed); got != "b mac" && got != "b lastmodified mac" {
			t.Errorf("%s: changed %s", path, got)
		}
		same, err := Encrypt(t.Context(), path, []byte(plain), rule, e.Data, both)
		if err != nil || string(same.Data) != string(e.Data) {
			t.Errorf("%s: the same text gave another file: %v", path, err)
		}
	}
	if _, err := FindRule(filepath.Join(dir, "other/s.yaml"), RuleOptions{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("no rule: %v", err)
	}
	if _, err := FindRule(filepath.Join(dir, "other/s.yaml"), RuleOptions{Recipients: Recipients{Age: "age1nonsense"}}); !fault.Is(err, fault.Usage) {
		t.Errorf("bad recipient: %v", err)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	second, secondKeys := newAge(t)
	old := sopsEncrypt(t, YAML, "a: one\nb: two\n", sops.Metadata{}, recipient)
	o := open(t, "s.yaml", old, keys)
	o.now = later
	all, err := o.Rotate(t.Context(), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if removed, _ := changed(old, all.Data); !strings.HasPrefix(keysOf(removed), "a b ") {
		t.Errorf("changed: %s", keysOf(removed))
	}
	o = open(t, "s.yaml", all.Data, keys)
	rule, err := FindRule("s.yaml", RuleOptions{Recipients: Recipients{Age: recipient + "," + second}})
	if err != nil {
		t.Fatal(err)
	}
	more, err := o.Rotate(t.Context(), &rule, true)
	if err != nil || len(more.Added) != 1 || len(more.Removed) != 0 {
		t.Fatalf("added %v, removed %v, %v", more.Added, more.Removed, err)
	}
	removed, _ := changed(all.Data, more.Data)
	if got := keysOf(removed); strings.Contains(got, "a ") || strings.Contains(got, "enc") {
		t.Errorf("values or keys changed: %s", got)
	}
	for _, k := range []Keys{keys, secondKeys} {
		if got, err := Decrypt(t.Context(), "s.yaml", more.Data, k); err != nil || string(got.Data) != "a: one\nb: two\n" {
			t.Errorf("%q, %v", got.Data, err)
		}
	}
	o = open(t, "s.yaml", more.Data, keys)
	if same, err := o.Rotate(t.Context(), &rule, true); err != nil || string(same.Data) != string(more.Data) {
		t.Errorf("right recipients changed the file: %v", err)
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	rule, err := FindRule("s.yaml", RuleOptions{Recipients: Recipients{Age: recipient}})
	if err != nil {
		t.Fatal(err)
	}
	for name, plain := range map[string]string{
		"a.env": "A=1\ncanary line\n", "a.json": `{"a": canary}`, "b.json": `{"a": 1} canary`, "a.ini": "canary\n[x\n", "a.yaml": "a: *canary\n", "b.yaml": "a: canary: canary\n",
		"c.yaml": "- canary\n", "d.yaml": "canary\n", "e.yaml": "1: canary\n", "f.yaml": "a: \"canary\n", "empty.yaml": "", "g.yaml": bomb(), "h.yaml": "a: &a [*a]\n",
		"i.yaml": "sops: canary\n",
	} {
		_, err := Encrypt(t.Context(), name, []byte(plain), rule, nil, keys)
		if fault.KindOf(err) == fault.Internal || strings.Contains(err.Error(), "canary") || strings.Contains(strings.Join(fault.HintsOf(err), " "), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a.b[0].c": "a.b[0].c", `data["tls.key"]`: `data["tls.key"]`, `["a"]["b"][1]`: "a.b[1]", `a\.b`: `["a.b"]`, "['x']": "x",
	} {
		p, err := ParsePath(text)
		if err != nil || p.String() != want {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", ".", "a..b", "a[", "a[-1]", "a[x]", `a["b`, "a]b["} {
		if p, err := ParsePath(text); err == nil && p.String() == text {
			continue
		} else if err == nil && text != "a]b[" {
			t.Errorf("%q: %v", text, p)
		}
	}
}
