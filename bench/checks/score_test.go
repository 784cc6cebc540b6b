package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/check/score"
	"github.com/tugops/tug/internal/check/workload"
	"github.com/tugops/tug/internal/object"
)

// TestScoresAgree compares the verdicts of tug's implementation of kube-score's
// checks with those of kube-score itself, over every render of the corpora.
// Differences are listed; one that no reason explains fails.
func TestScoresAgree(t *testing.T) {
	peer := filepath.Join(t.TempDir(), "kubescore")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../kubescore", "-o", peer, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build kube-score: %v\n%s", err, out)
	}
	same, explained := map[string]int{}, map[string][]string{}
	compare := func(name string, objects []*object.Object) {
		theirs, err := kubeScore(t, peer, objects)
		if err != nil {
			t.Logf("not rated by kube-score: %s: %.200v", name, err)
			return
		}
		all := tugScores(objects)
		for key := range theirs {
			if _, ok := all[key]; !ok && !elsewhere(key) {
				all[key] = "none"
			}
		}
		for key, mine := range all {
			their, ok := theirs[key]
			if !ok {
				their = "none"
			}
			if grade(mine) == grade(their) {
				same[grade(mine)]++
				continue
			}
			detail := name + " " + key + ": tug " + mine + ", kube-score " + their
			why := scoreReason(key, mine, their)
			if why == "" {
				t.Errorf("unexplained: %s", detail)
			}
			explained[why] = append(explained[why], detail)
		}
	}
	eachRender(t, compare)
	eachExample(t, compare)
	t.Logf("verdicts that are the same: %v", same)
	for _, why := range slices.Sorted(maps.Keys(explained)) {
		t.Logf("%d differ: %s, as %s", len(explained[why]), why, explained[why][0])
	}
	if same["CRITICAL"] < 1000 || same["WARNING"] < 100 {
		t.Error("too little was compared")
	}
}

// elsewhere are checks that rules of tug cover which are no part of score.
func elsewhere(key string) bool {
	return strings.HasSuffix(key, " stable-version") || strings.HasSuffix(key, " label-values")
}

// eachExample reads the files that kube-score is tested with.
func eachExample(t *testing.T, take func(name string, objects []*object.Object)) {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-C", "../kubescore", "-m", "-f", "{{.Dir}}", "github.com/zegl/kube-score").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "score", "testdata", "*.yaml"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := object.ReadYAML(filepath.Base(file), data)
		if err != nil {
			t.Logf("not read: %s: %v", filepath.Base(file), err)
			continue
		}
		take(filepath.Base(file), objects)
	}
}

// grade tells apart what is a finding; what is skipped is none.
func grade(g string) string {
	if g == "CRITICAL" || g == "WARNING" {
		return g
	}
	return "none"
}

func key(kind, version, ns, name, check string) string {
	return kind + "/" + version + "/" + ns + "/" + name + " " + check
}

func tugScores(objects []*object.Object) map[string]string {
	on := map[string]bool{}
	for _, c := range score.Checks() {
		on[c.ID] = true
	}
	verdicts := map[string]string{}
	set := workload.Read(objects, "")
	all := workload.NewFinder(set)
	for _, v := range score.Run(set, all, score.Options{On: on, Minor: 36}) {
		o := v.Object
		verdicts[key(o.GVK().Kind, o.GVK().GroupVersion().String(), o.Namespace(), o.Name(), v.Check)] = string(v.Grade)
	}
	return verdicts
}

func kubeScore(t *testing.T, peer string, objects []*object.Object) (map[string]string, error) {
	t.Helper()
	var stream bytes.Buffer
	for _, o := range objects {
		data, err := json.Marshal(o.Fields)
		if err != nil {
			t.Fatal(err)
		}
		stream.WriteString("\n---\n")
		stream.Write(data)
	}
	stream.WriteByte('\n')
	cmd := exec.CommandContext(t.Context(), peer)
	cmd.Stdin = &stream
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%w: %s", err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var v struct{ Kind, APIVersion, Namespace, Name, Check, Grade string }
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return verdicts, nil
		} else if err != nil {
			t.Fatal(err)
		}
		verdicts[key(v.Kind, v.APIVersion, v.Namespace, v.Name, v.Check)] = v.Grade
	}
}

// scoreReason explains a difference.
func scoreReason(detail, mine, theirs string) string {
	return explain(detail+" "+mine+" "+theirs, []reason{
		because("a version that is gone is api-removed, whatever else is wrong", `Ingress/(extensions|networking.k8s.io)/v1beta1/`),
	})
}
