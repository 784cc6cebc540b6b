package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Acquire takes the Lease, waiting for another holder up to the limit. A
// holder that lets its Lease run out is observed for one full duration on our
// own monotonic clock: its clock and ours need not agree. A dead process of
// this machine loses it at once.
func (k Lock) Acquire(ctx context.Context) (*Lease, error) {
	if k.Duration == 0 {
		k.Duration = leaseDuration
	}
	if k.Wait == 0 {
		k.Wait = leaseWait
	}
	begun := time.Now()
	var seen sighting
	for {
		l, o, err := k.try(ctx, &seen)
		if err != nil || l != nil {
			return l, err
		}
		if o == nil && time.Since(begun) < k.Wait {
			continue
		}
		if o == nil {
			return nil, fault.New(fault.Conflict, "the lock of %s kept changing hands", object.AppKey(k.Namespace, k.App)).Hint("run it again")
		}
		if time.Since(begun) >= k.Wait {
			return nil, k.locked(o)
		}
		if !pause(ctx, k.Duration/15) {
			return nil, fmt.Errorf("wait for the lock: %w", context.Cause(ctx))
		}
	}
}

// sighting is what a waiting writer remembers of a Lease.
type sighting struct {
	holder, version string
	since           time.Time
}

// try makes one attempt. It gives the Lease, or the object of another holder,
// or neither when it should be tried again at once.
func (k Lock) try(ctx context.Context, seen *sighting) (*Lease, *object.Object, error) {
	started := time.Now()
	o, err := k.Objects.Get(ctx, LeaseGVK(), k.Namespace, HeadName(k.App))
	if fault.Is(err, fault.NotFound) {
		made, err := k.Objects.Create(ctx, k.newLease(started))
		if fault.Is(err, fault.Exists) {
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("create lock: %w", err)
		}
		return hold(ctx, k, made, started), nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read lock: %w", err)
	}
	if !k.free(o, seen) {
		return nil, o, nil
	}
	taken, err := k.Objects.Update(ctx, k.claim(o, started))
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("take lock: %w", err)
	}
	return hold(ctx, k, taken, started), nil, nil
}

// free reports whether the Lease may be taken over now.
func (k Lock) free(o *object.Object, seen *sighting) bool {
	holder := holderOf(o)
	if holder == "" {
		return true
	}
	if h, ok := ParseHolder(holder); ok && h.Gone() {
		return true
	}
	if seen.holder != holder && k.Waiting != nil {
		k.Waiting("locked by " + describeHolder(holder))
	}
	if seen.version != o.ResourceVersion() {
		*seen = sighting{holder: holder, version: o.ResourceVersion(), since: time.Now()}
		return false
	}
	// The duration that counts is the holder's own.
	return time.Since(seen.since) >= k.durationOf(o)
}

func (k Lock) locked(o *object.Object) error {
	since, _ := specOf(o)["acquireTime"].(string)
	return fault.New(fault.Conflict, "locked by %s since %s", describeHolder(holderOf(o)), since).
		Hint("wait until it is done, or stop it: a lock that is not renewed is taken over after %s", k.durationOf(o))
}

func (k Lock) newLease(now time.Time) *object.Object {
	o := &object.Object{Fields: map[string]any{
		"apiVersion": "coordination.k8s.io/v1",
		"kind":       "Lease",
		"metadata": map[string]any{
			"namespace": k.Namespace,
			"name":      HeadName(k.App),
			"labels": map[string]any{
				labelManagedBy: object.Manager,
				LabelRecordApp: object.AppHash(object.AppKey(k.Namespace, k.App)),
			},
			"annotations": map[string]any{object.AnnotationOwner: object.AppKey(k.Namespace, k.App)},
		},
	}}
	return k.claim(o, now)
}

// claim is o held by us, under a new epoch.
func (k Lock) claim(o *object.Object, now time.Time) *object.Object {
	next := o.Copy()
	spec := specOf(next)
	spec["leaseTransitions"] = max(transitions(o), k.Floor) + 1
	spec["holderIdentity"] = k.Holder.String()
	// Whole seconds, rounded up: a shorter promise would let others in early.
	spec["leaseDurationSeconds"] = int64((k.Duration + time.Second - 1) / time.Second)
	spec["acquireTime"] = microTime(now)
	spec["renewTime"] = microTime(now)
	return next
}

// Held reports whether somebody holds the Lease of an app: there is a holder
// that is not known to be dead, and it renewed within its duration by our own
// clock, or its clock and ours disagree. It is for those that yield, and
// protects nothing.
func Held(ctx context.Context, objects Objects, namespace, app string) (bool, error) {
	o, err := objects.Get(ctx, LeaseGVK(), namespace, HeadName(app))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read lock: %w", err)
	}
	holder := holderOf(o)
	if holder == "" {
		return false, nil
	}
	if h, ok := ParseHolder(holder); ok && h.Gone() {
		return false, nil
	}
	text, _ := specOf(o)["renewTime"].(string)
	renewed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return true, nil
	}
	lasts := Lock{Duration: leaseDuration}.durationOf(o)
	// Twice the duration leaves room for clocks that differ.
	return time.Since(renewed) < 2*lasts, nil
}

// specOf is the spec of a Lease, made when it is missing.
func specOf(o *object.Object) map[string]any {
	spec, _ := o.Fields["spec"].(map[string]any)
	if spec == nil {
		spec = map[string]any{}
		o.Fields["spec"] = spec
	}
	return spec
}

func holderOf(o *object.Object) string {
	s, _ := specOf(o)["holderIdentity"].(string)
	return s
}

func transitions(o *object.Object) int64 { return number(specOf(o)["leaseTransitions"]) }

// durationOf is how long the holder of o promised to renew within, ours when
// it does not say.
func (k Lock) durationOf(o *object.Object) time.Duration {
	if d := time.Duration(number(specOf(o)["leaseDurationSeconds"])) * time.Second; d > 0 {
		return d
	}
	return k.Duration
}

// number reads a whole number in any of the shapes that objects hold.
func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	case json.Number:
		i, err := n.Int64()
		if err != nil {
			return 0
		}
		return i
	}
	return 0
}

func microTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }
