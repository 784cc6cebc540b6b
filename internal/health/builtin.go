package health

// service waits for the address of a load balancer. One with externalIPs is
// reachable without.
func service(v view) Status {
	if v.text("spec", "type") != "LoadBalancer" || len(v.list("spec", "externalIPs")) > 0 {
		return ready("")
	}
	if len(v.list("status", "loadBalancer", "ingress")) == 0 {
		return progressing("no load balancer address yet")
	}
	return ready("")
}

// claim never blocks unless its volume is lost. A claim may bind only when a
// pod uses it (WaitForFirstConsumer), which the claim does not show; one that
// cannot be bound keeps its pods from running, and they say why.
func claim(v view) Status {
	switch v.text("status", "phase") {
	case "Bound":
		return ready("")
	case "Lost":
		return failed("its volume %s is lost", v.text("spec", "volumeName"))
	default:
		return ready("not bound yet: it may wait for a pod to use it")
	}
}

func volume(v view) Status {
	if v.text("status", "phase") == "Failed" {
		return failed("%s", because(v.text("status", "reason"), v.text("status", "message")))
	}
	return ready("")
}

// disruptionBudget is ready when it has been computed once.
func disruptionBudget(v view) Status {
	if !v.observed() {
		return progressing("not observed by its controller yet")
	}
	if c := v.condition("DisruptionAllowed"); c.status == "False" && c.reason == "SyncFailed" {
		return ready(c.because())
	}
	return ready("")
}

// autoscaler never blocks: metrics come some time after the pods, and an app
// runs without being scaled. What it misses is told as a note.
func autoscaler(v view) Status {
	for _, kind := range []string{"AbleToScale", "ScalingActive"} {
		if c := v.condition(kind); c.status == "False" {
			return ready(c.because())
		}
	}
	return ready("")
}

func namespace(v view) Status {
	switch phase := v.text("status", "phase"); phase {
	case "Active":
		return ready("")
	case "Terminating":
		return Status{State: Terminating, Reason: "being deleted"}
	default:
		return progressing("not active yet")
	}
}

// definition is ready when objects of the kind can be written. Names that
// another CRD holds are never accepted without a change.
func definition(v view) Status {
	if c := v.condition("NamesAccepted"); c.status == "False" {
		return failed("its names are not accepted: %s", c.because())
	}
	c := v.condition("Established")
	if c.status == "True" {
		return ready("")
	}
	if c := v.condition("NonStructuralSchema"); c.status == "True" {
		return failed("its schema is not structural: %s", c.because())
	}
	return progressing("not established yet")
}

// apiService waits for the server behind it, which may come later in the same
// deploy.
func apiService(v view) Status {
	c := v.condition("Available")
	switch c.status {
	case "True":
		return ready("")
	case "":
		return progressing("not checked yet")
	default:
		return progressing("not available: %s", c.because())
	}
}
