package notifytest

import (
	"encoding/base64"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

// Facts are examples: something that goes wrong, its end, and what is neither.
// Their texts hold the canary, markup of every service, and mentions.
func Facts() []event.Fact {
	common := event.Fact{
		Time: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), App: "shop", Env: "prod", Namespace: "shop", Cluster: "prod-1",
		Repository: "https://git.example/shop/config.git", Commit: "0123456789abcdef0123456789abcdef01234567",
		Subject: "Sell <more> @everyone & *faster* " + Canary, Release: 4,
	}
	web := object.Ref{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	degraded := common
	degraded.Kind, degraded.Objects = event.KindDegraded, []event.Touched{{Ref: web}}
	degraded.Message, degraded.Cause = "Deployment shop/web: 1 of 3 pods cannot start", "exit code 1\n"+Canary
	fighting := common
	fighting.Kind = event.KindFighting
	fighting.Objects = []event.Touched{{Ref: web, Manager: "kubectl-edit", Operation: "Update", Fields: []event.Altered{
		{Path: "spec.replicas", From: int64(0), To: int64(3)},
		{Path: "spec.template.metadata.annotations.token", From: Canary, To: base64.StdEncoding.EncodeToString([]byte(Canary))},
	}}}
	fighting.Message = "put back 5 times in 2 minutes, now left until the next commit\n<!channel> [link](http://evil.example) _" + Canary + "_"
	recovered := common
	recovered.Kind, recovered.Message = event.KindRecovered, "all objects are ready"
	rolled := common
	rolled.Kind, rolled.Message = event.KindRolledBack, "release 5 did not become ready: "+Canary
	secret := common
	secret.Kind = event.KindDriftHealed
	secret.Objects = []event.Touched{
		{Ref: object.Ref{Kind: "Secret", Namespace: "shop", Name: "db"}, Manager: "kubectl-edit", Fields: []event.Altered{{Path: "data.password", From: "c2hvcnQ=", To: "bG9uZw=="}}},
		{Ref: web, Manager: "kubectl-scale"},
	}
	return []event.Fact{degraded, fighting, recovered, rolled, secret}
}
