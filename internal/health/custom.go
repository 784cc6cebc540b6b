package health

import (
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// custom judges kinds that Kubernetes does not bring. kstatus reads the
// conditions Reconciling, Stalled and Ready; added here are conditions about
// an older generation, Available, and kinds that get a status but do not have
// one yet.
func custom(v view) Status {
	for _, c := range v.conditions() {
		if c.observed > 0 && c.observed < v.generation() && telling(c.kind) {
			return progressing("the change is not observed yet")
		}
	}
	if len(v.conditions()) == 0 && reports(v.o.GVK().Group) {
		return progressing("no condition reported yet")
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: v.o.Fields})
	if err != nil {
		// A status of another shape: kstatus cannot tell, so nobody waits.
		return ready("")
	}
	reason := strings.Join(strings.Fields(result.Message), " ")
	switch result.Status {
	case status.InProgressStatus:
		return progressing("%s", v.detail(reason))
	case status.FailedStatus:
		return failed("%s", v.detail(reason))
	case status.TerminatingStatus:
		return terminating(v)
	default:
		return available(v)
	}
}

// available judges kinds without a Ready condition.
func available(v view) Status {
	if v.condition("Ready").kind != "" {
		return ready("")
	}
	for _, kind := range []string{"Available", "Programmed"} {
		if c := v.condition(kind); c.status == "False" || c.status == "Unknown" {
			return progressing("%s", c.because())
		}
	}
	return ready("")
}

// detail is the condition that a verdict of kstatus rests on, with its reason.
func (v view) detail(message string) string {
	for _, c := range v.conditions() {
		if telling(c.kind) && strings.Join(strings.Fields(c.message), " ") == message {
			if text := c.because(); text != "" {
				return text
			}
		}
	}
	if message == "" {
		return "not ready yet"
	}
	return message
}

// telling reports conditions that a verdict can rest on.
func telling(kind string) bool {
	switch kind {
	case "Ready", "Available", "Programmed", "Stalled", "Reconciling":
		return true
	}
	return false
}

// reports names groups all of whose kinds are known to get conditions: without
// this, an object that its controller has not seen yet would pass for ready.
func reports(group string) bool {
	switch group {
	case "cert-manager.io", "external-secrets.io", "serving.knative.dev", "gateway.networking.k8s.io":
		return true
	}
	return strings.HasSuffix(group, ".toolkit.fluxcd.io")
}
