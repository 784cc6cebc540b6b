package apply

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
)

// thousand is the object set of the benchmarks: 250 each of four kinds, the
// Deployments with 0 replicas.
func thousand(l *lab) []plan.Change {
	config, work := "", ""
	for i := range 250 {
		name := fmt.Sprint("bench-", i)
		config += configMap(name, "1") + "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: " + name + "}\n---\n"
		work += "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {selector: {run: " + name + "}, ports: [{port: 80}]}\n---\n" +
			deployment(name, "web:1", "0")
	}
	return slices.Concat(l.creates(plan.StageConfig, config), l.creates(plan.StageWorkloads, work))
}

// BenchmarkThousand creates 1,000 objects, waits until all are ready, and
// deletes them until they are gone; the parts are told as metrics. The floor
// is the same applies and deletes in parallel, without anything around them.
func BenchmarkThousand(b *testing.B) {
	l := newLab(b)
	changes := thousand(l)
	var create, wait, remove float64
	for b.Loop() {
		res := l.must(changes, Options{Wait: true})
		for _, s := range res.Stages {
			if s.Stage == plan.StageWait {
				wait += s.Took.Seconds()
			} else {
				create += s.Took.Seconds()
			}
		}
		b.StopTimer()
		deletes := l.prunes(changes)
		b.StartTimer()
		remove += l.must(deletes, Options{Wait: true}).Took.Seconds()
	}
	report(b, create, wait, remove)
}

func BenchmarkFloor(b *testing.B) {
	l := newLab(b)
	changes := thousand(l)
	var create, remove float64
	for b.Loop() {
		begin := time.Now()
		each(16, len(changes), func(i int) {
			if _, err := l.c.Apply(b.Context(), changes[i].Desired, object.Write{}); err != nil {
				b.Error(err)
			}
		})
		create += time.Since(begin).Seconds()
		begin = time.Now()
		each(16, len(changes), func(i int) {
			c := changes[i]
			if err := l.c.Delete(b.Context(), gvkOf(c.Ref, c.Version), c.Ref.Namespace, c.Ref.Name, object.Write{}); err != nil {
				b.Error(err)
			}
		})
		remove += time.Since(begin).Seconds()
	}
	report(b, create, 0, remove)
}

func report(b *testing.B, create, wait, remove float64) {
	n := float64(b.N)
	b.ReportMetric(create/n, "s/create")
	b.ReportMetric(wait/n, "s/wait")
	b.ReportMetric(remove/n, "s/delete")
}

// prunes plans the deletion of all changes as a plan does: from metadata
// lists, workloads before configuration.
func (l *lab) prunes(changes []plan.Change) []plan.Change {
	lives := map[object.Ref]object.Live{}
	for gvk := range kindsOf(changes) {
		list, err := l.c.ListLive(l.t.Context(), gvk, l.ns, object.LabelApp)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, live := range list {
			lives[live.Ref] = live
		}
	}
	var out []plan.Change
	for _, c := range changes {
		out = append(out, plan.Change{
			Action: plan.Delete, Ref: c.Ref, Version: c.Version, Stage: plan.StagePrune, Wave: int(plan.StageLate - c.Stage),
			UID: lives[c.Ref].UID, ResourceVersion: lives[c.Ref].ResourceVersion,
		})
	}
	return out
}

func kindsOf(changes []plan.Change) map[schema.GroupVersionKind]bool {
	kinds := map[schema.GroupVersionKind]bool{}
	for _, c := range changes {
		kinds[gvkOf(c.Ref, c.Version)] = true
	}
	return kinds
}
