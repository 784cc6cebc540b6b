package health

import "github.com/tugops/tug/internal/object"

// deployment follows `kubectl rollout status`: all replicas are of the
// current template, available, and no old one is left.
func deployment(v view) Status {
	if !v.observed() {
		return progressing("not observed by its controller yet")
	}
	if v.flag("spec", "paused") {
		return ready("its rollout is paused, as declared")
	}
	if c := v.condition("Progressing"); c.status == "False" && c.reason == "ProgressDeadlineExceeded" {
		deadline, _ := v.number("spec", "progressDeadlineSeconds")
		return failed("%s; no progress for %d s", counts(v), deadline)
	}
	if c := v.condition("ReplicaFailure"); c.status == "True" {
		return stuck("pods cannot be created: %s", c.because())
	}
	want, updated := v.wanted(), v.count("updatedReplicas")
	switch old := v.count("replicas") - updated; {
	case updated < want:
		return progressing("%d of %d replicas updated", updated, want)
	case v.count("availableReplicas") < want:
		return progressing("%s", counts(v))
	case old > 0:
		return progressing("%d old replicas still to go", old)
	default:
		return ready("")
	}
}

// counts says how far the replicas are.
func counts(v view) string {
	return progressing("%d of %d replicas available", v.count("availableReplicas"), v.wanted()).Reason
}

// statefulSet follows its update strategy: OnDelete leaves pods as they are,
// a partition keeps the lower ones.
func statefulSet(v view) Status {
	if !v.observed() {
		return progressing("not observed by its controller yet")
	}
	want, available := v.wanted(), v.count("availableReplicas")
	if _, ok := v.number("status", "availableReplicas"); !ok {
		available = v.count("readyReplicas")
	}
	updated := v.count("updatedReplicas")
	partition, _ := v.number("spec", "updateStrategy", "rollingUpdate", "partition")
	mustUpdate := max(0, want-partition)
	rolling := v.text("spec", "updateStrategy", "type") != "OnDelete"
	current := v.text("status", "currentRevision") == v.text("status", "updateRevision")
	switch {
	case v.count("replicas") < want:
		return progressing("%d of %d replicas exist", v.count("replicas"), want)
	case rolling && !current && updated < mustUpdate:
		return progressing("%d of %d replicas updated", updated, mustUpdate)
	case available < want:
		return progressing("%d of %d replicas available", available, want)
	case v.count("replicas") > want:
		return progressing("%d replicas still to go", v.count("replicas")-want)
	default:
		return ready("")
	}
}

func daemonSet(v view) Status {
	if !v.observed() {
		return progressing("not observed by its controller yet")
	}
	want := v.count("desiredNumberScheduled")
	rolling := v.text("spec", "updateStrategy", "type") != "OnDelete"
	switch {
	case rolling && v.count("updatedNumberScheduled") < want:
		return progressing("%d of %d pods updated", v.count("updatedNumberScheduled"), want)
	case v.count("numberAvailable") < want:
		return progressing("%d of %d pods available", v.count("numberAvailable"), want)
	default:
		return ready("")
	}
}

func replicaSet(v view) Status {
	if !v.observed() {
		return progressing("not observed by its controller yet")
	}
	if c := v.condition("ReplicaFailure"); c.status == "True" {
		return stuck("pods cannot be created: %s", c.because())
	}
	switch want := v.wanted(); {
	case v.count("availableReplicas") < want:
		return progressing("%s", counts(v))
	case v.count("replicas") > want:
		return progressing("%d replicas still to go", v.count("replicas")-want)
	default:
		return ready("")
	}
}

// job is ready when it is complete; kstatus calls a running one current, but
// what comes after a Job in an app counts on its work being done.
func job(v view) Status {
	for _, c := range v.conditions() {
		if c.status != "True" {
			continue
		}
		switch c.kind {
		case "Complete":
			return ready("completed")
		case "Failed", "FailureTarget":
			return failed("%s", c.because())
		}
	}
	if v.flag("spec", "suspend") {
		return ready("suspended, as declared")
	}
	if v.text("status", "startTime") == "" {
		return progressing("not started yet")
	}
	want, ok := v.number("spec", "completions")
	if !ok {
		want = 1
	}
	if n := v.count("failed"); n > 0 {
		return progressing("%d of %d completions, %d active, %d failed", v.count("succeeded"), want, v.count("active"), n)
	}
	return progressing("%d of %d completions, %d active", v.count("succeeded"), want, v.count("active"))
}

// pod is ready when its condition says so, or when it has done its work.
func pod(v view) Status {
	switch v.text("status", "phase") {
	case "Succeeded":
		return ready("completed")
	case "Failed":
		if text, _ := Reason([]*object.Object{v.o}, nil); text != "" {
			return failed("%s", text)
		}
		return failed("its containers ended with an error")
	}
	if v.condition("Ready").status == "True" {
		return ready("")
	}
	if text, isStuck := Reason([]*object.Object{v.o}, nil); text != "" {
		return Status{State: Progressing, Reason: text, Stuck: isStuck}
	}
	if phase := v.text("status", "phase"); phase != "" && phase != "Running" {
		return progressing("pod is %s", phase)
	}
	return progressing("pod is not ready yet")
}
