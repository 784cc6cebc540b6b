package yamlmerge_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/yamlmerge"
)

const deployment = `# The web server.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # its name
  labels: {app: web}
spec:
  replicas: 1
  template:
    spec:
      containers:
      # The server itself.
      - name: nginx
        image: nginx:1.0 # pinned
        args: ["-g", "daemon off;"]
        ports:
        - containerPort: 80
          name: http
        env:
        - name: A
          value: "1"
        - name: B
          value: "2"
      - name: sidecar
        image: busybox
`

// change replaces text, and fails the test when it is not there once.
func change(t *testing.T, text string, pairs ...string) []byte {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if n := count(text, pairs[i]); n != 1 {
			t.Fatalf("%q is there %d times", pairs[i], n)
		}
		text = replace(text, pairs[i], pairs[i+1])
	}
	return []byte(text)
}

func TestFieldsMerge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                string
		ours, theirs, want  []string
		conflict, path      string
		origin, mine, other string
	}{
		{
			name: "two fields in one line's reach",
			ours: []string{"replicas: 1", "replicas: 3"}, theirs: []string{"spec:\n  replicas", "spec:\n  minReadySeconds: 5\n  replicas"},
			want: []string{"  replicas: 1\n", "  minReadySeconds: 5\n  replicas: 3\n"},
		},
		{
			name: "neighbouring scalars keep our comment",
			ours: []string{"- name: nginx", "- name: nginx\n        imagePullPolicy: Always"}, theirs: []string{"nginx:1.0", "nginx:1.1"},
			want: []string{"- name: nginx", "- name: nginx\n        imagePullPolicy: Always", "nginx:1.0", "nginx:1.1"},
		},
		{
			name: "a new item behind the one it follows",
			ours: []string{`value: "1"`, `value: "one"`}, theirs: []string{"        - name: B\n", "        # new\n        - name: C # c\n          value: \"3\"\n        - name: B\n"},
			want: []string{`value: "1"`, `value: "one"`, "        - name: B\n", "        # new\n        - name: C # c\n          value: \"3\"\n        - name: B\n"},
		},
		{
			name: "an item deleted upstream takes its comments along",
			ours: []string{"image: busybox", "image: busybox:2"}, theirs: []string{"      # The server itself.\n      - name: nginx\n        image: nginx:1.0 # pinned\n        args: [\"-g\", \"daemon off;\"]\n        ports:\n        - containerPort: 80\n          name: http\n        env:\n        - name: A\n          value: \"1\"\n        - name: B\n          value: \"2\"\n", ""},
			want: []string{"image: busybox", "image: busybox:2", "      # The server itself.\n      - name: nginx\n        image: nginx:1.0 # pinned\n        args: [\"-g\", \"daemon off;\"]\n        ports:\n        - containerPort: 80\n          name: http\n        env:\n        - name: A\n          value: \"1\"\n        - name: B\n          value: \"2\"\n", ""},
		},
		{
			name: "fields of one item",
			ours: []string{"- containerPort: 80\n          name: http", "- containerPort: 80\n          name: web"}, theirs: []string{"- containerPort: 80", "- containerPort: 80\n          protocol: TCP"},
			want: []string{"- containerPort: 80\n          name: http", "- containerPort: 80\n          protocol: TCP\n          name: web"},
		},
		{
			name: "flow style",
			ours: []string{"{app: web}", "{app: web, team: a}"}, theirs: []string{"{app: web}", "{app: site}"},
			want: []string{"{app: web}", "{app: site, team: a}"},
		},
		{
			name: "a scalar, differently", conflict: "value", path: "spec.template.spec.containers[name=nginx].image",
			ours: []string{"nginx:1.0", "nginx:2"}, theirs: []string{"nginx:1.0", "nginx:3"},
			want:   []string{"nginx:1.0", "nginx:2"},
			origin: "nginx:1.0", mine: "nginx:2", other: "nginx:3",
		},
		{
			name: "deleted upstream, changed here", conflict: "deleted upstream, changed here", path: "spec.replicas",
			ours: []string{"replicas: 1", "replicas: 3"}, theirs: []string{"  replicas: 1\n", ""},
			want:   []string{"replicas: 1", "replicas: 3"},
			origin: "1", mine: "3",
		},
		{
			name: "deleted here, changed upstream", conflict: "deleted here, changed upstream", path: "spec.template.spec.containers[name=sidecar]",
			ours: []string{"      - name: sidecar\n        image: busybox\n", ""}, theirs: []string{"image: busybox", "image: busybox:2"},
			want:   []string{"      - name: sidecar\n        image: busybox\n", ""},
			origin: "name: sidecar\nimage: busybox", other: "name: sidecar\nimage: busybox:2",
		},
		{
			name: "added on both sides", conflict: "added on both sides", path: "spec.paused",
			ours: []string{"replicas: 1", "replicas: 1\n  paused: true"}, theirs: []string{"replicas: 1", "replicas: 1\n  paused: false"},
			want: []string{"replicas: 1", "replicas: 1\n  paused: true"},
			mine: "true", other: "false",
		},
		{
			name: "a list without keys", conflict: "list", path: "spec.template.spec.containers[name=nginx].args",
			ours: []string{`"daemon off;"`, `"daemon off;", "-a"`}, theirs: []string{`"daemon off;"`, `"daemon off;", "-b"`},
			want: []string{`"daemon off;"`, `"daemon off;", "-a"`},
			mine: "- \"-a\"", other: "- \"-b\"",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := yamlmerge.Input{Origin: []byte(deployment), Ours: change(t, deployment, tc.ours...), Theirs: change(t, deployment, tc.theirs...)}
			out := yamlmerge.Merge(in)
			if diff := cmp.Diff(string(change(t, deployment, tc.want...)), string(out.Text)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if tc.conflict == "" {
				if len(out.Conflicts) > 0 {
					t.Errorf("conflicts: %+v", out.Conflicts)
				}
				return
			}
			if len(out.Conflicts) != 1 {
				t.Fatalf("conflicts: %+v", out.Conflicts)
			}
			c := out.Conflicts[0]
			if string(c.Kind) != tc.conflict || c.Path != tc.path || c.Origin != tc.origin || c.Ours != tc.mine || c.Theirs != tc.other {
				t.Errorf("conflict: %+v", c)
			}
		})
	}
}
