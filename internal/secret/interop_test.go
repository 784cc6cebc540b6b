package secret

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sopsProgram is the real sops, of the version that go.mod names, built once
// into the cache of the repository.
func sopsProgram(t *testing.T) string {
	t.Helper()
	cache, err := filepath.Abs(filepath.Join("..", "..", ".cache", "sops", "v"+version))
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(cache, "sops")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	// Tests run beside each other, so each builds into a file of its own, and
	// whoever is last puts the same program in the same place.
	made := filepath.Join(t.TempDir(), "sops")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", made, "github.com/getsops/sops/v3/cmd/sops").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("build sops: %v\n%s", err, out)
		}
		t.Skipf("the real sops cannot be built here: %v", err)
	}
	data, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	next, err := os.CreateTemp(cache, "sops-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(next.Name())
	_, err = next.Write(data)
	if err := errors.Join(err, next.Chmod(0o755), next.Close(), os.Rename(next.Name(), program)); err != nil {
		t.Fatal("keep sops: ", err)
	}
	return program
}

// interop is a folder where sops and tug work on the same files.
type interop struct {
	t    *testing.T
	dir  string
	sops string
	keys Keys
	vars map[string]string
}

func newInterop(t *testing.T) (i *interop, recipients [2]string) {
	t.Helper()
	r1, k1 := newAge(t)
	r2, k2 := newAge(t)
	i = &interop{t: t, dir: t.TempDir(), sops: sopsProgram(t)}
	i.vars = map[string]string{"SOPS_AGE_KEY": k1.Getenv("SOPS_AGE_KEY") + " " + k2.Getenv("SOPS_AGE_KEY")}
	i.keys = Keys{Getenv: env(i.vars)}
	return i, [2]string{r1, r2}
}

func (i *interop) run(args ...string) string {
	i.t.Helper()
	cmd := exec.CommandContext(i.t.Context(), i.sops, append([]string{"--disable-version-check"}, args...)...)
	cmd.Dir = i.dir
	cmd.Env = []string{"HOME=" + i.dir, "SOPS_AGE_KEY=" + i.vars["SOPS_AGE_KEY"]}
	var out, message bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &message
	if err := cmd.Run(); err != nil {
		i.t.Fatalf("sops %v: %v\n%s", args, err, &message)
	}
	return out.String()
}

func (i *interop) write(name string, data []byte) { write(i.t, filepath.Join(i.dir, name), data) }

func (i *interop) read(name string) []byte {
	i.t.Helper()
	data, err := os.ReadFile(filepath.Join(i.dir, name))
	if err != nil {
		i.t.Fatal(err)
	}
	return data
}

const interopYAML = `# about
apiVersion: v1
kind: Secret
metadata:
    name: db
    labels:
        app_unencrypted: yes-please
stringData:
    # above
    password: hunter22
    empty: ""
    multi: |
        one
        two
list:
    - same
    - same
    - port: 5432
      on: true
      ratio: 0.25
      when: 2020-01-02T03:04:05Z
`

func TestInteropWithSops(t *testing.T) {
	t.Parallel()
	i, r := newInterop(t)
	rules := map[string]string{
		"all":     "age: " + r[0],
		"regex":   "encrypted_regex: ^(data|stringData)$\n    age: " + r[0],
		"unregex": "unencrypted_regex: ^(apiVersion|kind|metadata)$\n    age: " + r[0],
		"suffix":  "unencrypted_suffix: _unencrypted\n    age: " + r[0],
		"esuffix": "encrypted_suffix: Data\n    age: " + r[0],
		"macenc":  "encrypted_regex: ^stringData$\n    mac_only_encrypted: true\n    age: " + r[0],
		"groups":  fmt.Sprintf("shamir_threshold: 2\n    key_groups:\n      - age: [%s]\n      - age: [%s]", r[0], r[1]),
	}
	conf := "creation_rules:\n"
	for name, rule := range rules {
		conf += "  - path_regex: ^" + name + "/\n    " + rule + "\n"
	}
	i.write(".sops.yaml", []byte(conf))
	files := map[string]string{
		"s.yaml": interopYAML, "two.yaml": "a: one\nstringData: {x: y}\n---\nb: two\nstringData: {x: z}\n",
		"s.json": "{\n\t\"stringData\": {\n\t\t\"a\": \"one\",\n\t\t\"b\": [1, true, null, \"x\"]\n\t},\n\t\"c\": \"clear\"\n}",
		"s.env":  "# c\nA=one\nstringData=two\\nlines\n", "s.ini": "[stringData]\na = one\n[b]\nc = two\n", "s.bin": "\x00\x01binary\nstringData",
	}
	for rule := range rules {
		for name, plain := range files {
			t.Run(rule+"/"+name, func(t *testing.T) {
				t.Parallel()
				i := &interop{t: t, dir: i.dir, sops: i.sops, keys: i.keys, vars: i.vars}
				i.roundTrip(filepath.Join(rule, name), plain)
			})
		}
	}
}

func (i *interop) roundTrip(name, plain string) {
	t := i.t
	i.write(name, []byte(plain))
	rule, err := FindRule(filepath.Join(i.dir, name), RuleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// tug encrypts, sops reads.
	ours, err := Encrypt(t.Context(), name, []byte(plain), rule, nil, i.keys)
	if err != nil {
		t.Fatal(err)
	}
	// sops encrypts, tug reads. What sops reads of both is the same.
	i.run("encrypt", "-i", name)
	theirs := i.read(name)
	want := i.run("decrypt", name)
	i.write("ours/"+name, ours.Data)
	if got := i.run("decrypt", "ours/"+name); got != want {
		t.Errorf("sops reads of tug:\n%s\nand of itself:\n%s", got, want)
	}
	for who, data := range map[string][]byte{"tug": ours.Data, "sops": theirs} {
		got, err := Decrypt(t.Context(), name, data, i.keys)
		if err != nil || string(got.Data) != want {
			t.Errorf("tug reads of %s: %v\n%s\nwant:\n%s", who, err, got.Data, want)
		}
	}
	if FormatOf(name, nil) == Binary || FormatOf(name, nil) == INI {
		return
	}
	// tug changes the file of sops, sops reads it, and changes it back.
	path := Path{"stringData", "added"}
	if FormatOf(name, nil) == Dotenv {
		path = Path{"added"}
	}
	next, err := open(t, name, theirs, i.keys).Set(path, "by tug", true)
	if err != nil {
		t.Fatal(err)
	}
	i.write(name, next)
	steps := `["stringData"]["added"]`
	if len(path) == 1 {
		steps = `["added"]`
	}
	if got := i.run("decrypt", "--extract", steps, name); strings.TrimSpace(got) != "by tug" {
		t.Errorf("sops reads %q", got)
	}
	i.run("set", name, steps, `"by sops"`)
	after := i.read(name)
	if got, err := open(t, name, after, i.keys).ValueText(path); err != nil || string(got) != "by sops" {
		t.Errorf("tug reads %q, %v", got, err)
	}
	// tug keeps what sops wrote, line by line.
	again, err := open(t, name, after, i.keys).Set(path, "by tug again", true)
	if err != nil {
		t.Fatal(err)
	}
	most := 1 + 2*bytes.Count(after, []byte("lastmodified")) // date and MAC stand in every document
	if removed, added := changed(after, again); len(removed) > most || len(added) > most {
		t.Errorf("changed -%v +%v", removed, added)
	}
}

func TestInteropRotateAndUpdateKeys(t *testing.T) {
	t.Parallel()
	i, r := newInterop(t)
	i.write(".sops.yaml", []byte("creation_rules:\n  - age: "+r[0]+"\n"))
	i.write("s.yaml", []byte(interopYAML))
	i.run("encrypt", "-i", "s.yaml")
	i.run("rotate", "-i", "s.yaml")
	open(t, "s.yaml", i.read("s.yaml"), i.keys)
	i.write(".sops.yaml", []byte("creation_rules:\n  - age: "+r[0]+","+r[1]+"\n"))
	rule, err := FindRule(filepath.Join(i.dir, "s.yaml"), RuleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	next, err := open(t, "s.yaml", i.read("s.yaml"), i.keys).Rotate(t.Context(), &rule, true)
	if err != nil {
		t.Fatal(err)
	}
	i.write("s.yaml", next.Data)
	i.run("updatekeys", "-y", "s.yaml")
	if !bytes.Equal(i.read("s.yaml"), next.Data) {
		t.Error("sops finds recipients to update after tug did")
	}
	i.run("decrypt", "s.yaml")
	if out := i.run("filestatus", "s.yaml"); !strings.Contains(out, "true") {
		t.Errorf("filestatus: %s", out)
	}
}
