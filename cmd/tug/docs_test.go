package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/gittest"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/registrytest"
)

// TestDocs runs every example of the user's documents, in the order in which
// they stand, in one folder per document:
//
//   - a fenced block with file=NAME is written to that file
//   - in a block with the info string "console", lines that begin with "$ " are
//     run by a shell and must succeed; the lines below are all of the output, in
//     which "..." stands for any number of lines, or for any text in a line.
//     White space is not compared
//   - `<!-- test: namespace NAME -->` gives the document a namespace of its own
//     on the lab cluster in place of NAME
//   - `<!-- test: token ACCOUNT FILE -->` writes a kubeconfig with the token of
//     a service account in that namespace
//   - `<!-- test: registry HOST REPOSITORY:TAG... -->` runs an image registry in
//     place of HOST, with these images
//   - `<!-- test: receiver URL FOLDER -->` runs a server in place of URL, which
//     writes what it is sent to 1.json, 2.json and so on in the folder
//   - `<!-- test: git URL FOLDER -->` serves the repository in a folder, as it
//     is then, over HTTP in place of URL, and takes pushes
//   - `<!-- test: run COMMAND -->` runs a command that readers need not see
func TestDocs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("documents: %v, %v", files, err)
	}
	for _, file := range append(files, "../../README.md") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			d := readDoc(t, file)
			d.check()
			d.run()
		})
	}
}

// doc is one document under test.
type doc struct {
	t     *testing.T
	file  string
	steps []step
	dir   string
	// shown is the namespace in the text, real the one on the cluster.
	shown, real string
	// host is that of a registry in the text, loopback the one that runs.
	host, loopback string
	// served are the URLs of repositories in the text and those that run.
	served [][2]string
}

// step is a block or directive of a document.
type step struct {
	line int
	info string // of a fenced block, or "test" for a directive
	text string
}

var directive = regexp.MustCompile(`^<!-- test: (.*) -->$`)

func readDoc(t *testing.T, file string) *doc {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := &doc{t: t, file: file, dir: t.TempDir()}
	var open *step
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		info, fence := strings.CutPrefix(line, "```")
		switch m := directive.FindStringSubmatch(line); {
		case open != nil && fence:
			d.steps = append(d.steps, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		case fence:
			open = &step{line: n, info: info}
		case m != nil:
			d.steps = append(d.steps, step{n, "test", m[1]})
		}
	}
	if open != nil || lines.Err() != nil {
		t.Fatalf("%s: a block does not end: %v", file, lines.Err())
	}
	return d
}

// check refuses examples that are not run.
func (d *doc) check() {
	for _, s := range d.steps {
		if s.info == "console" || s.info == "test" || strings.Contains(s.info, "file=") {
			continue
		}
		for line := range strings.Lines(s.text) {
			if strings.HasPrefix(strings.TrimPrefix(line, "$ "), "tug ") {
				d.t.Errorf("%s:%d: this example is not run: make the block a console block", d.file, s.line)
			}
		}
	}
}

func (d *doc) run() {
	for _, s := range d.steps {
		if d.t.Failed() {
			return
		}
		switch _, name, isFile := strings.Cut(s.info, "file="); {
		case isFile:
			d.write(name, s.text)
		case s.info == "console":
			d.console(s)
		case s.info == "test":
			d.directive(s)
		}
	}
}

func (d *doc) directive(s step) {
	words := strings.Fields(s.text)
	switch words[0] {
	case "namespace":
		kubetest.Config(d.t) // skips without a cluster
		id := make([]byte, 4)
		rand.Read(id)
		d.shown, d.real = words[1], "docs-"+hex.EncodeToString(id)
		l := &lab{t: d.t}
		d.t.Cleanup(func() { l.remove(d.real) })
	case "token":
		config := kubetest.TokenConfig(d.t, d.real, words[1])
		data, err := os.ReadFile(config)
		if err != nil {
			d.t.Fatal(err)
		}
		d.write(words[2], string(data))
	case "registry":
		r := registrytest.New(d.t, registrytest.Options{})
		for _, image := range words[2:] {
			r.Push(image)
		}
		d.host, d.loopback = words[1], r.Host
	case "receiver":
		r := newReceiver(d.t, filepath.Join(d.dir, words[2]), http.StatusOK)
		d.host, d.loopback = words[1], r.URL
	case "git":
		bare := gittest.CloneURL(d.t, "file://"+filepath.ToSlash(filepath.Join(d.dir, words[2])), "--bare")
		d.served = append(d.served, [2]string{words[1], gittest.Serve(d.t, bare, gittest.Access{}).URL})
	case "run":
		command := strings.TrimPrefix(s.text, "run ")
		if out, err := d.shell(command); err != nil {
			d.t.Errorf("%s:%d: %s: %v\n%s", d.file, s.line, command, err, out)
		}
	default:
		d.t.Errorf("%s:%d: unknown directive %q", d.file, s.line, words[0])
	}
}

// console runs the commands of a block.
func (d *doc) console(s step) {
	var command string
	var want []string
	run := func() {
		if command == "" || d.t.Failed() {
			return
		}
		out, err := d.shell(command)
		if err != nil {
			d.t.Errorf("%s:%d: %s: %v\n%s", d.file, s.line, command, err, out)
		} else if !matches(want, split(out)) {
			d.t.Errorf("%s:%d: %s\nprinted:\n%s\nwant:\n%s", d.file, s.line, command, out, strings.Join(want, "\n"))
		}
	}
	for line := range strings.Lines(s.text) {
		line = strings.TrimSuffix(line, "\n")
		next, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			run()
			command, want = next, nil
		case strings.HasSuffix(command, `\`):
			command = strings.TrimSuffix(command, `\`) + " " + strings.TrimSpace(line)
		case command == "":
			d.t.Errorf("%s:%d: output before the first command", d.file, s.line)
		default:
			want = append(want, split(line)...)
		}
	}
	run()
}

// shell runs a command in the folder of the document and gives its output with
// the namespace that the text has.
func (d *doc) shell(command string) (string, error) {
	cmd := exec.CommandContext(d.t.Context(), "sh", "-c", d.place(command))
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(),
		"HOME="+d.dir, "KUBECONFIG="+os.Getenv("TUG_LAB_KUBECONFIG"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=you", "GIT_AUTHOR_EMAIL=you@example.com", "GIT_COMMITTER_NAME=you", "GIT_COMMITTER_EMAIL=you@example.com",
	)
	for name, value := range goCaches() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	text := string(out)
	if d.real != "" {
		text = strings.ReplaceAll(text, d.real, d.shown)
	}
	if d.host != "" {
		text = strings.ReplaceAll(text, d.loopback, d.host)
	}
	for _, r := range d.served {
		text = strings.ReplaceAll(text, r[1], r[0])
	}
	return text, err
}

// place puts the real namespace and registry where the text has those shown.
func (d *doc) place(text string) string {
	if d.host != "" {
		text = strings.ReplaceAll(text, d.host, d.loopback)
	}
	for _, r := range d.served {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	if d.real == "" {
		return text
	}
	shown := regexp.MustCompile(`(-n |--namespace |namespace: |serviceaccount:)` + d.shown + `\b`)
	return shown.ReplaceAllString(text, "${1}"+d.real)
}

func (d *doc) write(name, text string) {
	file := filepath.Join(d.dir, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		err = os.WriteFile(file, []byte(d.place(text)), 0o600)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// split gives the lines of an output that are not empty, with single spaces.
func split(out string) []string {
	var lines []string
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return lines
}

// matches reports whether lines are what is wanted, from the first to the last.
func matches(want, lines []string) bool {
	if len(want) == 0 {
		return len(lines) == 0
	}
	if want[0] == "..." {
		for i := range len(lines) + 1 {
			if matches(want[1:], lines[i:]) {
				return true
			}
		}
		return false
	}
	return len(lines) > 0 && like(want[0], lines[0]) && matches(want[1:], lines[1:])
}

// like compares a line with one in which "..." stands for any text.
func like(want, line string) bool {
	parts := strings.Split(want, "...")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(line)
}

// TestProjectDocNamesEveryKey compares the table of keys with the schema.
func TestProjectDocNamesEveryKey(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "tug", "schema").Output()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs map[string]struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(out, &schema); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/project.md")
	if err != nil {
		t.Fatal(err)
	}
	for def, block := range map[string]string{"Environment": "environments", "App": "apps"} {
		if len(schema.Defs[def].Properties) == 0 {
			t.Fatalf("the schema has no keys for %s", block)
		}
		for key := range schema.Defs[def].Properties {
			if !regexp.MustCompile("(?m)^\\| `(" + block + "\\.NAME\\.|.*, `\\.)" + key + "[.`]").Match(text) {
				t.Errorf("the table of docs/project.md lacks %s.NAME.%s", block, key)
			}
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		want, out string
		ok        bool
	}{
		{"a\nb", "a\n\n  b\n", true},
		{"a", "a\nb", false},
		{"a\n...", "a\nb\nc", true},
		{"...\nc", "a\nb\nc", true},
		{"a\n...\nc", "a\nb", false},
		{"release 1 ... ago", "release  1 deployed 3s ago", true},
		{"release 1 ... ago", "release 2 deployed 3s ago", false},
		{"", "a", false},
		{"...", "", true},
	} {
		if got := matches(split(tc.want), split(tc.out)); got != tc.ok {
			t.Errorf("%s: %v, want %v", fmt.Sprintf("%q %q", tc.want, tc.out), got, tc.ok)
		}
	}
}
