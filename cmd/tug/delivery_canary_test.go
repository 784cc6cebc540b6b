package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tugops/tug/internal/kubetest"
)

// tellsNothing looks for every secret in everything that others may read: what
// the commands wrote, their reports, pull requests with their comments and
// statuses, commits, and events of the cluster.
func (d *story) tellsNothing() {
	d.t.Helper()
	places := map[string]string{"output": d.told.String()}
	for i, report := range d.reports {
		places[fmt.Sprintf("report %d", i)] = report
	}
	for _, repo := range []string{d.config.Path(""), d.codeRepo.Path("")} {
		var pulls []struct {
			Number json.Number
			Head   struct{ Sha string }
		}
		d.f.Must(d.f.Admin, http.MethodGet, repo+"/pulls?state=all&limit=50", nil, &pulls)
		places["pull requests of "+repo] = d.raw(repo + "/pulls?state=all&limit=50")
		for _, p := range pulls {
			places["comments of pull request "+p.Number.String()] = d.raw(repo + "/issues/" + p.Number.String() + "/comments")
			places["statuses of pull request "+p.Number.String()] = d.raw(repo + "/statuses/" + p.Head.Sha)
		}
	}
	clone := d.config.Clone(d.f.Admin)
	places["commits"] = clone.Git("log", "--all", "--format=fuller", "--patch")
	for env, namespace := range d.namespaces {
		events, err := kubetest.Kubernetes(d.t).CoreV1().Events(namespace).List(d.t.Context(), metav1.ListOptions{})
		if err != nil {
			d.t.Fatal(err)
		}
		data, err := json.Marshal(events)
		if err != nil {
			d.t.Fatal(err)
		}
		places["events of "+env] = string(data)
	}
	for name, secret := range d.secrets {
		for place, text := range places {
			if holds([]byte(text), []byte(secret)) {
				d.t.Errorf("%s is in the %s", name, place)
			}
		}
	}
	if len(d.secrets) < 12 || d.told.Len() < 10_000 || len(places["commits"]) < 1000 {
		d.t.Errorf("%d secrets, %d bytes of output, %d of commits: the test looks at nothing", len(d.secrets), d.told.Len(), len(places["commits"]))
	}
}

// raw is an answer of the forge as it is.
func (d *story) raw(path string) string {
	d.t.Helper()
	var text json.RawMessage
	d.f.Must(d.f.Admin, http.MethodGet, path, nil, &text)
	return string(text)
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(file), err)
	}
	return string(data)
}
