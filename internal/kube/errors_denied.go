package kube

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tugops/tug/internal/fault"
)

// forbidden is the text of a refusal by the authorizer:
// User "u" cannot patch resource "r" in API group "g" in the namespace "n".
var forbidden = regexp.MustCompile(`User "([^"]*)" cannot (\S+) resource "([^"]*)" in API group "([^"]*)" (?:in the namespace "([^"]*)"|at the cluster scope)`)

// Refusals by admission: webhooks and the built-in policies.
var (
	webhookDenied = regexp.MustCompile(`admission webhook "([^"]+)" denied the request(?: without explanation|: (.*))?`)
	policyDenied  = regexp.MustCompile(`(ValidatingAdmissionPolicy '[^']+').* denied request: (.*)`)
	podSecurity   = regexp.MustCompile(`violates PodSecurity "([^"]+)": (.*)`)
)

// namespaceTerminating is the cause type of core/v1 by that name.
const namespaceTerminating v1.CauseType = "NamespaceTerminating"

// deniedFault tells apart what a 403 can mean: the authorizer, RBAC
// escalation, a policy, a quota, a namespace that goes.
func deniedFault(s subject, st v1.Status) error {
	text := strings.Join(strings.Fields(st.Message), " ")
	if _, rest, ok := strings.Cut(text, "attempting to grant RBAC permissions not currently held"); ok {
		return fault.New(fault.Denied, "%s: it grants permissions that you do not hold yourself%s", s, rest).
			Hint("ask for these permissions, or for the verbs escalate (on roles) and bind (on bindings)")
	}
	for _, cause := range causes(st) {
		if cause.Type == namespaceTerminating {
			return fault.New(fault.Conflict, "%s: its namespace is being deleted", s).
				Hint("wait until the namespace is gone, then try again")
		}
	}
	if m := forbidden.FindStringSubmatch(text); m != nil {
		return authorizerFault(s, m)
	}
	if policy := policyFault(s, st); policy != nil {
		return policy
	}
	if strings.Contains(text, "exceeded quota") {
		_, quota, _ := strings.Cut(text, "exceeded quota: ")
		return fault.New(fault.Denied, "%s: the quota of the namespace is exceeded: %s", s, quota).
			Hint("ask for a larger ResourceQuota, or request less")
	}
	return fault.New(fault.Denied, "%s: %s", s, s.message(st))
}

func authorizerFault(s subject, m []string) error {
	user, verb, resource, group, namespace := m[1], m[2], m[3], m[4], m[5]
	if group != "" {
		resource += "." + group
	}
	role, where := "Role", "in namespace "+namespace
	if namespace == "" {
		role, where = "ClusterRole", "at the cluster scope"
	}
	return fault.New(fault.Denied, "%s: %s may not %s %s %s", s, user, verb, resource, where).
		Hint("ask for a %s that allows the verb %q on %q %s", role, verb, resource, where)
}

// policyFault is a refusal by an admission webhook or policy, or nil.
func policyFault(s subject, st v1.Status) error {
	text := strings.Join(strings.Fields(st.Message), " ")
	who, why := "", ""
	if m := webhookDenied.FindStringSubmatch(text); m != nil {
		who, why = "admission webhook "+m[1], m[2]
	} else if m := policyDenied.FindStringSubmatch(text); m != nil {
		who, why = m[1], m[2]
	} else if m := podSecurity.FindStringSubmatch(text); m != nil {
		who, why = "PodSecurity "+m[1], m[2]
	} else {
		return nil
	}
	if why = s.scrub(why); why == "" {
		why = "it gives no reason"
	}
	return fault.New(fault.Invalid, "%s: refused by %s: %s", s, who, why).
		Hint("change the object so that this policy of the cluster admits it")
}

// isWebhookFailure reports a webhook that could not be asked.
func isWebhookFailure(st v1.Status) bool {
	return st.Code >= 500 && strings.Contains(st.Message, "failed calling webhook")
}

// failedWebhook finds its name and the reason.
var failedWebhook = regexp.MustCompile(`failed calling webhook "([^"]+)":? (.*)`)

func webhookFault(s subject, st v1.Status) error {
	text := strings.Join(strings.Fields(st.Message), " ")
	name, why := "?", text
	if m := failedWebhook.FindStringSubmatch(text); m != nil {
		name, why = m[1], m[2]
	}
	return fault.New(fault.Unavailable, "%s: admission webhook %s does not answer: %s", s, name, s.scrub(why)).
		Hint("bring the webhook's service up, or remove its webhook configuration if it is not installed any more")
}
