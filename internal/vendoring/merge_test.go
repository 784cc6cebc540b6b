package vendoring_test

import (
	"strings"
	"testing"

	"github.com/tugops/tug/internal/vendoring"
)

func TestMergeFiles(t *testing.T) {
	t.Parallel()
	config, service := object("ConfigMap", "a", "data:\n  x: \"1\"\n"), object("Service", "a", "spec:\n  port: 1\n")
	base := tree("a.yaml", config+"---\n"+service, "templates/t.yaml", "{{ if .Values.a }}\none\ntwo\nthree\n{{ end }}\n", "Chart.yaml", "name: c\n", "values.yaml", "# the a\na: 1\n# the b\nb: 2\n", "bin", "\x00one", "run.sh", "echo\n")
	x2, x3 := strings.Replace(config, `"1"`, `"2"`, 1), strings.Replace(config, `"1"`, `"3"`, 1)
	for _, tc := range []struct {
		name         string
		ours, theirs []string
		want         []string // changes to base
		conflict     string   // kind and place
	}{
		{name: "nothing", want: nil},
		{name: "theirs only", theirs: []string{"run.sh", "echo 2\n"}, want: []string{"run.sh", "echo 2\n"}},
		{name: "resources of one file", ours: []string{"a.yaml", x2 + "---\n" + service}, theirs: []string{"a.yaml", config + "---\n" + strings.Replace(service, "port: 1", "port: 2", 1)}, want: []string{"a.yaml", x2 + "---\n" + strings.Replace(service, "port: 1", "port: 2", 1)}},
		{name: "a file renamed upstream, edited here", ours: []string{"a.yaml", x2 + "---\n" + service}, theirs: []string{"a.yaml", "", "b.yaml", config + "---\n" + service}, want: []string{"a.yaml", "", "b.yaml", x2 + "---\n" + service}},
		{name: "a file renamed and changed upstream, edited here", ours: []string{"a.yaml", x2 + "---\n" + service}, theirs: []string{"a.yaml", "", "b.yaml", config + "---\n" + strings.Replace(service, "port: 1", "port: 2", 1)}, want: []string{"a.yaml", "", "b.yaml", x2 + "---\n" + strings.Replace(service, "port: 1", "port: 2", 1)}},
		{name: "a file renamed here, changed upstream", ours: []string{"a.yaml", "", "b.yaml", config + "---\n" + service}, theirs: []string{"a.yaml", x2 + "---\n" + service}, want: []string{"a.yaml", "", "b.yaml", x2 + "---\n" + service}},
		{name: "a resource moved to a new file", ours: []string{"a.yaml", x2 + "---\n" + service}, theirs: []string{"a.yaml", service, "b.yaml", config}, want: []string{"a.yaml", service, "b.yaml", x2}},
		{name: "a template renamed upstream, edited here", ours: []string{"templates/t.yaml", "{{ if .Values.a }}\nmine\ntwo\nthree\n{{ end }}\n"}, theirs: []string{"templates/t.yaml", "", "templates/u.yaml", "{{ if .Values.a }}\none\ntwo\nthree\n{{ end }}\n"}, want: []string{"templates/t.yaml", "", "templates/u.yaml", "{{ if .Values.a }}\nmine\ntwo\nthree\n{{ end }}\n"}},
		{name: "lines of a template", ours: []string{"templates/t.yaml", "{{ if .Values.a }}\nmine\ntwo\nthree\n{{ end }}\n"}, theirs: []string{"templates/t.yaml", "{{ if .Values.a }}\none\ntwo\ntheirs\n{{ end }}\n"}, want: []string{"templates/t.yaml", "{{ if .Values.a }}\nmine\ntwo\ntheirs\n{{ end }}\n"}},
		{name: "one line of a template", ours: []string{"templates/t.yaml", "{{ if .Values.a }}\none\nmine\nthree\n{{ end }}\n"}, theirs: []string{"templates/t.yaml", "{{ if .Values.a }}\none\ntheirs\nthree\n{{ end }}\n"}, want: []string{"templates/t.yaml", "{{ if .Values.a }}\none\nmine\nthree\n{{ end }}\n"}, conflict: "text templates/t.yaml:3"},
		{name: "values next to each other", ours: []string{"values.yaml", "# the a\na: 7\n# the b\nb: 2\n"}, theirs: []string{"values.yaml", "# the a\na: 1\n# the new b\nb: 8\n"}, want: []string{"values.yaml", "# the a\na: 7\n# the b\nb: 8\n"}},
		{name: "a value", ours: []string{"values.yaml", "# the a\na: 7\n# the b\nb: 2\n"}, theirs: []string{"values.yaml", "# the a\na: 8\n# the b\nb: 2\n"}, want: []string{"values.yaml", "# the a\na: 7\n# the b\nb: 2\n"}, conflict: "value values.yaml:2 a"},
		{name: "a field of a resource", ours: []string{"a.yaml", x2 + "---\n" + service}, theirs: []string{"a.yaml", x3 + "---\n" + service}, want: []string{"a.yaml", x2 + "---\n" + service}, conflict: "value a.yaml:6 ConfigMap a data.x"},
		{name: "a resource deleted upstream, changed here", ours: []string{"a.yaml", x2 + "---\n" + service}, theirs: []string{"a.yaml", service}, want: []string{"a.yaml", x2 + "---\n" + service}, conflict: "deleted upstream, changed here a.yaml:1 ConfigMap a"},
		{name: "a resource deleted here, changed upstream", ours: []string{"a.yaml", service}, theirs: []string{"a.yaml", x2 + "---\n" + service}, want: []string{"a.yaml", service}, conflict: "deleted here, changed upstream a.yaml ConfigMap a"},
		{name: "a resource deleted upstream", theirs: []string{"a.yaml", config}, ours: []string{"run.sh", "mine\n"}, want: []string{"a.yaml", config, "run.sh", "mine\n"}},
		{name: "a resource deleted here stays away", ours: []string{"a.yaml", config}, theirs: []string{"run.sh", "theirs\n"}, want: []string{"a.yaml", config, "run.sh", "theirs\n"}},
		{name: "a resource added on both sides", ours: []string{"n.yaml", object("Secret", "n", "data: {a: b}\n")}, theirs: []string{"m.yaml", object("Secret", "n", "data: {a: c}\n")}, want: []string{"n.yaml", object("Secret", "n", "data: {a: b}\n")}, conflict: "added on both sides n.yaml:5 Secret n data.a"},
		{name: "a file added on both sides", ours: []string{"n.txt", "a\n"}, theirs: []string{"n.txt", "b\n"}, want: []string{"n.txt", "a\n"}, conflict: "added on both sides n.txt"},
		{name: "a file deleted upstream, changed here", ours: []string{"run.sh", "mine\n"}, theirs: []string{"run.sh", ""}, want: []string{"run.sh", "mine\n"}, conflict: "deleted upstream, changed here run.sh"},
		{name: "a file deleted here, changed upstream", ours: []string{"run.sh", ""}, theirs: []string{"run.sh", "theirs\n"}, want: []string{"run.sh", ""}, conflict: "deleted here, changed upstream run.sh"},
		{name: "a binary file", ours: []string{"bin", "\x00mine"}, theirs: []string{"bin", "\x00theirs"}, want: []string{"bin", "\x00mine"}, conflict: "binary file bin"},
		{name: "the mode upstream, the text here", ours: []string{"run.sh", "mine\n"}, theirs: []string{"run.sh*", "echo\n"}, want: []string{"run.sh*", "mine\n"}},
		{name: "added with two modes", ours: []string{"x", "x"}, theirs: []string{"x*", "x"}, want: []string{"x", "x"}, conflict: "mode x"},
		{name: "a file and a folder", ours: []string{"d", "mine"}, theirs: []string{"d/f", "theirs"}, want: []string{"d", "mine"}, conflict: "file and folder of one name d"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := vendoring.Merge(base, with(base, tc.ours...), with(base, tc.theirs...), vendoring.Fail)
			same(t, with(base, tc.want...), got.Tree)
			var conflicts []string
			for _, c := range got.Conflicts {
				conflicts = append(conflicts, c.Kind+" "+c.Where())
				if strings.Contains(c.Ours+c.Theirs, "a: b") {
					t.Errorf("a conflict shows a Secret: %+v", c)
				}
			}
			if strings.Join(conflicts, "\n") != tc.conflict {
				t.Errorf("conflicts %q, want %q", conflicts, tc.conflict)
			}
		})
	}
}
