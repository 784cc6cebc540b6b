package plan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/plan"
)

const before = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "web:1"}, {name: side, image: "side:1"}]}}}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
data: {a: cGxhaW4tb2xk, b: c2FtZS1zYW1l}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: gone}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: locked}
data: {key: "ENC[AES256_GCM,data:aaa,iv:b,tag:c,type:str]"}
sops: {mac: "1"}
`

const after = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "web:2"}, {name: side, image: "side:1"}]}}}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
data: {a: cGxhaW4tbmV3, b: c2FtZS1zYW1l}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: locked}
data: {key: "ENC[AES256_GCM,data:zzz,iv:b,tag:c,type:str]"}
sops: {mac: "2"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: fresh}
`

func TestBetween(t *testing.T) {
	t.Parallel()
	changes := plan.Between("shop", read(t, before), read(t, after), nil)
	var got []string
	for _, ch := range changes {
		line := string(ch.Action) + " " + ch.Ref.Kind + " " + ch.Ref.Name
		for _, f := range ch.Fields {
			from, _ := json.Marshal(f.From)
			to, _ := json.Marshal(f.To)
			line += " " + f.Path + " " + string(from) + ">" + string(to)
		}
		got = append(got, line)
	}
	want := []string{
		"delete ConfigMap gone",
		`update ConfigMap locked data.key "(encrypted)">"(encrypted)"`,
		`update Secret token data.a "(secret 1)">"(secret 2)"`,
		`update Deployment web spec.template.spec.containers[name=web].image "web:1">"web:2"`,
		"create ServiceAccount fresh",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	data, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"cGxhaW4tb2xk", "plain-old", "data:aaa"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("%q is in %s", secret, data)
		}
	}
	if none := plan.Between("shop", read(t, after), read(t, after), nil); len(none) > 0 {
		t.Errorf("a revision differs from itself: %v", none)
	}
}

func TestBetweenRepeatedHooks(t *testing.T) {
	t.Parallel()
	const hooks = `
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}
`
	if changes := plan.Between("shop", read(t, hooks), read(t, hooks), nil); len(changes) > 0 {
		t.Errorf("got %v", changes)
	}
}
