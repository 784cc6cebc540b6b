package plan

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// removal says since which minor version 1.X an API is gone, and what took its
// place ("" when nothing did).
type removal struct {
	since int
	use   string
}

// removals follows the deprecation guide of Kubernetes. A key without a kind
// stands for all kinds of the version.
var removals = map[schema.GroupVersionKind]removal{
	gvk("extensions/v1beta1", "Deployment"):        {16, "apps/v1"},
	gvk("extensions/v1beta1", "DaemonSet"):         {16, "apps/v1"},
	gvk("extensions/v1beta1", "ReplicaSet"):        {16, "apps/v1"},
	gvk("extensions/v1beta1", "NetworkPolicy"):     {16, "networking.k8s.io/v1"},
	gvk("extensions/v1beta1", "PodSecurityPolicy"): {16, ""},
	gvk("extensions/v1beta1", "Ingress"):           {22, "networking.k8s.io/v1"},
	gvk("apps/v1beta1", ""):                        {16, "apps/v1"},
	gvk("apps/v1beta2", ""):                        {16, "apps/v1"},
	gvk("batch/v2alpha1", "CronJob"):               {21, "batch/v1"},

	gvk("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration"):   {22, "admissionregistration.k8s.io/v1"},
	gvk("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration"): {22, "admissionregistration.k8s.io/v1"},
	gvk("apiextensions.k8s.io/v1beta1", ""):                                       {22, "apiextensions.k8s.io/v1"},
	gvk("apiregistration.k8s.io/v1beta1", ""):                                     {22, "apiregistration.k8s.io/v1"},
	gvk("authentication.k8s.io/v1beta1", "TokenReview"):                           {22, "authentication.k8s.io/v1"},
	gvk("authorization.k8s.io/v1beta1", ""):                                       {22, "authorization.k8s.io/v1"},
	gvk("certificates.k8s.io/v1beta1", "CertificateSigningRequest"):               {22, "certificates.k8s.io/v1"},
	gvk("coordination.k8s.io/v1beta1", "Lease"):                                   {22, "coordination.k8s.io/v1"},
	gvk("networking.k8s.io/v1beta1", "Ingress"):                                   {22, "networking.k8s.io/v1"},
	gvk("networking.k8s.io/v1beta1", "IngressClass"):                              {22, "networking.k8s.io/v1"},
	gvk("rbac.authorization.k8s.io/v1alpha1", ""):                                 {22, "rbac.authorization.k8s.io/v1"},
	gvk("rbac.authorization.k8s.io/v1beta1", ""):                                  {22, "rbac.authorization.k8s.io/v1"},
	gvk("scheduling.k8s.io/v1beta1", "PriorityClass"):                             {22, "scheduling.k8s.io/v1"},
	gvk("storage.k8s.io/v1beta1", "CSIDriver"):                                    {22, "storage.k8s.io/v1"},
	gvk("storage.k8s.io/v1beta1", "CSINode"):                                      {22, "storage.k8s.io/v1"},
	gvk("storage.k8s.io/v1beta1", "StorageClass"):                                 {22, "storage.k8s.io/v1"},
	gvk("storage.k8s.io/v1beta1", "VolumeAttachment"):                             {22, "storage.k8s.io/v1"},

	gvk("batch/v1beta1", "CronJob"):                       {25, "batch/v1"},
	gvk("discovery.k8s.io/v1beta1", "EndpointSlice"):      {25, "discovery.k8s.io/v1"},
	gvk("events.k8s.io/v1beta1", "Event"):                 {25, "events.k8s.io/v1"},
	gvk("autoscaling/v2beta1", "HorizontalPodAutoscaler"): {25, "autoscaling/v2"},
	gvk("autoscaling/v2beta2", "HorizontalPodAutoscaler"): {26, "autoscaling/v2"},
	gvk("policy/v1beta1", "PodDisruptionBudget"):          {25, "policy/v1"},
	gvk("policy/v1beta1", "PodSecurityPolicy"):            {25, ""},
	gvk("node.k8s.io/v1beta1", "RuntimeClass"):            {25, "node.k8s.io/v1"},

	gvk("flowcontrol.apiserver.k8s.io/v1beta1", ""):     {26, "flowcontrol.apiserver.k8s.io/v1"},
	gvk("flowcontrol.apiserver.k8s.io/v1beta2", ""):     {29, "flowcontrol.apiserver.k8s.io/v1"},
	gvk("flowcontrol.apiserver.k8s.io/v1beta3", ""):     {32, "flowcontrol.apiserver.k8s.io/v1"},
	gvk("storage.k8s.io/v1beta1", "CSIStorageCapacity"): {27, "storage.k8s.io/v1"},
}

func gvk(apiVersion, kind string) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(apiVersion, kind)
}

func removalOf(k schema.GroupVersionKind) (removal, bool) {
	if r, ok := removals[k]; ok {
		return r, true
	}
	k.Kind = ""
	r, ok := removals[k]
	return r, ok
}

// goneFault is the fault for an object whose API the cluster has not, or nil.
// unserved says that discovery knows no version of the kind.
func goneFault(o *object.Object, unserved bool, serverVersion string) *fault.Error {
	k := o.GVK()
	r, known := removalOf(k)
	gone := known && minor(serverVersion) >= r.since
	if !unserved && !gone {
		return nil
	}
	what := k.Kind + " of " + k.GroupVersion().String()
	if !known {
		return fault.New(fault.Gone, "the cluster does not serve %s", what).
			Hint("install what brings %s (a CustomResourceDefinition or an APIService) first, or add its CRD to the app", k.Kind)
	}
	e := fault.New(fault.Gone, "the cluster does not serve %s: it was removed in Kubernetes 1.%d", what, r.since)
	if r.use == "" {
		return e.Hint("remove the object: Kubernetes has nothing in its place under this name")
	}
	return e.Hint("change apiVersion to %s (and check the fields that changed), or use a chart version that does", r.use)
}

// minor is the number X of a version "v1.X.Y"; 0 when it cannot be told.
func minor(version string) int {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 || parts[0] != "1" {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimRight(parts[1], "+"))
	if err != nil {
		return 0
	}
	return n
}
