package yamlmerge_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/yamlmerge"
)

// TestLists merges lists by the keys of Kubernetes, by name, as sets, and by
// place.
func TestLists(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, origin, ours, theirs, want string
		conflicts                        string
	}{
		{
			name:   "ports by number and protocol",
			origin: "ports:\n- port: 53\n  protocol: UDP\n- port: 53\n",
			ours:   "ports:\n- port: 53\n  protocol: UDP\n  targetPort: a\n- port: 53\n",
			theirs: "ports:\n- port: 53\n  protocol: UDP\n- port: 53\n  targetPort: b\n",
			want:   "ports:\n- port: 53\n  protocol: UDP\n  targetPort: a\n- port: 53\n  targetPort: b\n",
		},
		{
			name:   "mounts by path",
			origin: "volumeMounts:\n- {name: a, mountPath: /a}\n",
			ours:   "volumeMounts:\n- {name: a, mountPath: /a}\n- {name: a, mountPath: /ours}\n",
			theirs: "volumeMounts:\n- {name: a, mountPath: /theirs}\n- {name: a, mountPath: /a, readOnly: true}\n",
			want:   "volumeMounts:\n- {name: a, mountPath: /theirs}\n- {name: a, mountPath: /a, readOnly: true}\n- {name: a, mountPath: /ours}\n",
		},
		{
			name:   "a set that both sides add to",
			origin: "resources:\n- a.yaml\n", ours: "resources:\n- a.yaml\n- ours.yaml\n", theirs: "resources:\n- a.yaml\n- theirs.yaml # new\n",
			want: "resources:\n- a.yaml\n- theirs.yaml # new\n- ours.yaml\n",
		},
		{
			name:   "arguments apart from each other",
			origin: "args: [a, b, c]\n", ours: "args: [a, b, c, ours]\n", theirs: "args: [theirs, b, c]\n",
			want: "args: [theirs, b, c, ours]\n",
		},
		{
			name:   "arguments in one place",
			origin: "args:\n- a\n", ours: "args:\n- a\n- ours\n", theirs: "args:\n- a\n- theirs\n",
			want: "args:\n- a\n- ours\n", conflicts: "list args",
		},
		{
			name:   "fields of items without keys",
			origin: "x:\n- a: 1\n  b: 1\n- a: 2\n  b: 2\n", ours: "x:\n- a: 7\n  b: 1\n- a: 2\n  b: 2\n", theirs: "x:\n- a: 1\n  b: 8\n- a: 2\n  b: 2\n",
			want: "x:\n- a: 7\n  b: 8\n- a: 2\n  b: 2\n",
		},
		{
			name:   "a new order upstream",
			origin: "initContainers:\n- name: a\n  image: x\n- name: b\n", ours: "initContainers:\n- name: a\n  image: ours\n- name: b\n", theirs: "initContainers:\n- name: b\n- name: a\n  image: x\n",
			want: "initContainers:\n  - name: b\n  - name: a\n    image: ours\n",
		},
		{
			name:   "two new orders",
			origin: "initContainers:\n- name: a\n- name: b\n- name: c\n", ours: "initContainers:\n- name: b\n- name: a\n- name: c\n", theirs: "initContainers:\n- name: a\n- name: c\n- name: b\n",
			want: "initContainers:\n- name: b\n- name: a\n- name: c\n", conflicts: "order initContainers",
		},
		{
			name:   "emptied here, unchanged there",
			origin: "a:\n- name: x\n", ours: "a: []\n", theirs: "a:\n- name: x\nb: 1\n",
			want: "a: []\nb: 1\n",
		},
		{
			name:   "items with a comment, in Windows' lines",
			origin: "a:\r\n- name: x\r\n  v: 1\r\n", ours: "a:\r\n- name: x\r\n  v: 2\r\n", theirs: "a:\r\n- name: x\r\n  v: 1\r\n  w: 3\r\n",
			want: "a:\r\n- name: x\r\n  v: 2\r\n  w: 3\r\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out := yamlmerge.Merge(yamlmerge.Input{Origin: []byte(tc.origin), Ours: []byte(tc.ours), Theirs: []byte(tc.theirs)})
			if diff := cmp.Diff(tc.want, string(out.Text)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			var kinds []string
			for _, c := range out.Conflicts {
				kinds = append(kinds, string(c.Kind)+" "+c.Path)
			}
			if strings.Join(kinds, ", ") != tc.conflicts {
				t.Errorf("conflicts %q, want %q", kinds, tc.conflicts)
			}
		})
	}
}

// TestSecretsAreHidden: conflicts about a Secret show no values.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	out := yamlmerge.Merge(yamlmerge.Input{Origin: []byte("data: {a: canary-1}\n"), Ours: []byte("data: {a: canary-2}\n"), Theirs: []byte("data: {a: canary-3} # canary-4\n"), Mask: true})
	if len(out.Conflicts) != 1 {
		t.Fatalf("%+v", out)
	}
	for _, text := range append(out.Notes, out.Conflicts[0].Origin, out.Conflicts[0].Ours, out.Conflicts[0].Theirs) {
		if strings.Contains(text, "canary") {
			t.Error(text)
		}
	}
}
