// Package checks compares tug check with its peers: kubeconform fed from a real
// cluster's OpenAPI, and that cluster's own dry run. It is a module of its own
// so that the peers stay out of the product.
package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yannh/kubeconform/pkg/resource"
	"github.com/yannh/kubeconform/pkg/validator"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// sample is one object to be judged, whole or spoilt.
type sample struct {
	object *object.Object
	chart  string
	spoilt string // how; empty for objects as they were rendered
}

func (s sample) String() string {
	text := s.chart + " " + s.object.Ref().String()
	if s.spoilt != "" {
		text += " (" + s.spoilt + ")"
	}
	return text
}

// TestAgreement judges every object of the corpora, and spoilt copies of one of
// each kind, with tug, kubeconform and the server. Differences are listed; one
// that no reason explains fails.
func TestAgreement(t *testing.T) {
	client := kubetest.Client(t)
	corpus := rendered(t)
	crds := install(t, client, corpus)
	namespace := kubetest.Namespace(t)
	conform := kubeconform(t)

	samples := spoil(corpus)
	t.Logf("%d objects as rendered, %d spoilt copies", len(corpus), len(samples)-len(corpus))
	count := map[string]int{}
	differences := map[string][]string{}
	note := func(kind, reason string, s sample, detail string) {
		if reason == "" {
			t.Errorf("%s, unexplained: %s: %s", kind, s, detail)
			reason = "UNEXPLAINED"
		}
		key := kind + ": " + reason
		differences[key] = append(differences[key], s.String()+": "+detail)
	}
	for i, found := range judged(t, samples, crds) {
		s := samples[i]
		o := s.object.Copy()
		o.SetNamespace(namespaceFor(t, s.object, namespace))
		server := refusal(t, client, o)
		peer := conform(s.object)
		schemaErr, anyErr := first(found, isSchema), first(found, func(check.Finding) bool { return true })
		count["judged"]++
		switch {
		case anyErr != "" && server != "":
			count["refused by tug and the server"]++
		case anyErr == "" && server == "":
			count["accepted by tug and the server"]++
		case anyErr != "":
			note("tug refuses, the server does not", stricter(anyErr), s, anyErr)
		default:
			note("the server refuses, tug does not", beyond(server), s, server)
		}
		switch {
		case peer == "skipped":
			count["without a schema for kubeconform"]++
		case schemaErr != "" && peer != "" || schemaErr == "" && peer == "":
			count["same as kubeconform"]++
		case schemaErr != "":
			note("tug refuses, kubeconform does not", notInSchema(schemaErr), s, schemaErr)
		default:
			note("kubeconform refuses, tug does not", onlyConform(peer, server), s, peer)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%6d %s", count[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(differences)) {
		t.Logf("%6d %s, as %s", len(differences[k]), k, cut(differences[k][0]))
	}
	if count["refused by tug and the server"] < 100 || count["accepted by tug and the server"] < 100 {
		t.Error("too little was compared")
	}
}

func cut(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// judged are the errors that tug finds in each sample by itself. What other
// objects have to do with it is no matter of a schema.
func judged(t *testing.T, samples []sample, crds []*schema.CRD) [][]check.Finding {
	repo := &check.Repository{}
	in := check.Input{All: true, Now: time.Now(), CRDs: crds, Skip: []string{
		"reference-missing", "reference-key", "object-duplicate", "port-duplicate", "service-targets-pod",
	}}
	for i, s := range samples {
		in.Apps = append(in.Apps, check.App{Name: fmt.Sprint(i), Env: fmt.Sprint(i), KubeVersion: "1.36", Repository: repo, Objects: []*object.Object{s.object}, Namespace: "x"})
	}
	r, err := check.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	found := make([][]check.Finding, len(samples))
	for _, f := range r.Findings {
		var i int
		if _, err := fmt.Sscan(f.App, &i); err == nil && f.Severity == problem.Error {
			found[i] = append(found[i], f)
		}
	}
	return found
}

func isSchema(f check.Finding) bool {
	return strings.HasPrefix(f.Rule, "schema-") || strings.HasPrefix(f.Rule, "api-")
}

func first(all []check.Finding, ok func(check.Finding) bool) string {
	for _, f := range all {
		if ok(f) {
			return f.Rule + " " + f.Path + ": " + f.Message
		}
	}
	return ""
}

// refusal is what the server says to a dry run of a server-side apply, which is
// how tug applies; "" when it accepts.
func refusal(t *testing.T, c *kube.Client, o *object.Object) string {
	t.Helper()
	_, err := c.Apply(t.Context(), o, object.Write{DryRun: true, Force: true})
	if err != nil {
		return err.Error()
	}
	return ""
}

var clusterKinds = regexp.MustCompile(`^(Cluster|CustomResourceDefinition|Namespace$|PersistentVolume$|PriorityClass|StorageClass|IngressClass|APIService|ValidatingWebhook|MutatingWebhook|ValidatingAdmission|MutatingAdmission|CSIDriver|RuntimeClass|Node$)`)

func namespaceFor(t *testing.T, o *object.Object, ns string) string {
	if clusterKinds.MatchString(o.GVK().Kind) {
		return ""
	}
	return ns
}

// install applies the definitions of the corpora, so that the server knows
// what tug knows.
func install(t *testing.T, c *kube.Client, corpus []sample) []*schema.CRD {
	t.Helper()
	seen := map[string]*object.Object{}
	for _, s := range corpus {
		if s.object.GVK() == schema.CRDKind() && seen[s.object.Name()] == nil {
			seen[s.object.Name()] = s.object
		}
	}
	var objects []*object.Object
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if _, err := c.Apply(t.Context(), seen[name], object.Write{Force: true}); err != nil {
			t.Fatalf("definition %s: %v", name, err)
		}
		objects = append(objects, seen[name])
	}
	kubetest.Eventually(t, time.Minute, "definitions are established", func() bool {
		list, err := c.List(t.Context(), schema.CRDKind(), "", "")
		if err != nil {
			return false
		}
		n := 0
		for _, o := range list {
			status, _ := o.Fields["status"].(map[string]any)
			if seen[o.Name()] != nil && strings.Contains(fmt.Sprint(status["conditions"]), "status:True type:Established") {
				n++
			}
		}
		return n == len(seen)
	})
	return check.ReadCRDs(objects)
}

// kubeconform is the peer, strict, with the schemas of the cluster. It gives
// its refusal, "" when it accepts, "skipped" without a schema.
func kubeconform(t testing.TB) func(*object.Object) string {
	t.Helper()
	dir := t.TempDir()
	writeSchemas(t, dir)
	v, err := validator.New([]string{dir + "/{{ .ResourceKind }}{{ .KindSuffix }}.json"}, validator.Opts{
		Strict: true, IgnoreMissingSchemas: true, KubernetesVersion: "1.36.1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(o *object.Object) string {
		data, err := json.Marshal(o.Fields)
		if err != nil {
			t.Fatal(err)
		}
		r := v.ValidateResource(resource.Resource{Bytes: data, Path: "x"})
		switch r.Status {
		case validator.Valid:
			return ""
		case validator.Skipped:
			return "skipped"
		}
		return fmt.Sprint(r.Err)
	}
}

// dirOf is a corpus, or skips.
func dirOf(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("TUG_CORPORA")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			tb.Fatal("TUG_CORPORA is not set")
		}
		tb.Skip("TUG_CORPORA is not set: nothing to compare")
	}
	return dir
}

// same compares objects by content.
func same(o *object.Object) string {
	data, err := json.Marshal(o.Fields)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(data))
}
