package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestDiffersSeesWhatIsMissing(t *testing.T) {
	t.Parallel()
	want := plain(normal(object("v1", "Secret", "a", fields{"stringData": fields{"user": "me", "password": random}})))
	live := func(user, password string) fields {
		return fields{
			"apiVersion": "v1", "kind": "Secret", "data": fields{"user": user, "password": password},
			"metadata": fields{"name": "a", "uid": "1", "labels": fields{"app.kubernetes.io/part-of": app, "more": "yes"}},
		}
	}
	for name, c := range map[string]struct {
		live  fields
		equal bool
	}{
		"equal":          {live("bWU=", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"), true},
		"other value":    {live("eW91", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"), false},
		"no password":    {live("bWU=", ""), false},
		"nothing at all": {fields{}, false},
	} {
		if err := differs("a", want, c.live); (err == nil) != c.equal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := differs("a", []any{int64(1), int64(2)}, []any{int64(1)}); err == nil {
		t.Error("a shorter list is not seen")
	}
}

func TestLastEvent(t *testing.T) {
	t.Parallel()
	phase, last := lastEvent(`{"type":"warning","message":"old"}
{"type":"phase-started","message":"workloads"}
{"type":"applied","ref":{"kind":"Deployment","name":"web"}}
not an event
`)
	if phase != "workloads" || last != "applied Deployment web" {
		t.Errorf("%q, %q", phase, last)
	}
	if phase, _ = lastEvent(""); phase != "reading and planning" {
		t.Errorf("%q", phase)
	}
}

func TestMomentsRepeatAndCoverTheCommand(t *testing.T) {
	t.Parallel()
	p := pace{}
	p.learn(first, ended{took: time.Second, events: 100})
	draw := func() (all []moment) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			all = append(all, p.moment(r, first))
		}
		return all
	}
	a, b := draw(), draw()
	timed, early, late := 0, 0, 0
	for i, m := range a {
		if m != b[i] {
			t.Fatalf("draw %d: %v and %v", i, m, b[i])
		}
		if m.events == 0 {
			timed++
		}
		if m.events == 0 && m.after < 200*time.Millisecond {
			early++
		}
		if m.events == 0 && m.after > 800*time.Millisecond {
			late++
		}
		if m.after > time.Second || m.events > 100 {
			t.Errorf("moment %v is beyond the command", m)
		}
	}
	if timed < 50 || timed > 150 || early == 0 || late == 0 {
		t.Errorf("%d of %d by time, %d early, %d late", timed, len(a), early, late)
	}
}
