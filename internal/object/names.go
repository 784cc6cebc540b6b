package object

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Marks that tug puts on objects. They are read by tug alone.
const (
	// Manager is the one field manager of tug.
	Manager = "tug"
	// LabelApp carries the short hash of the owning app (AppHash).
	LabelApp = "tug.dev/app"
	// AnnotationOwner names the owner in plain words: "namespace/app".
	AnnotationOwner = "tug.dev/owner"
	// AnnotationImages records where pinned images come from.
	AnnotationImages = "tug.dev/images"
	// AnnotationConfigHash is the hash of the configuration that a pod template
	// refers to (restartOn: config in tug.yaml).
	AnnotationConfigHash = "tug.dev/config-hash"
	// AnnotationGroup orders the objects of one app beyond their kinds: those
	// of group 1 are applied when everything without a group is ready, then
	// those of group 2, and so on. Flux' dependsOn becomes this.
	AnnotationGroup = "tug.dev/group"
	// AnnotationHook is Helm's mark of a hook.
	AnnotationHook = "helm.sh/hook"
	// AnnotationHookWeight orders Helm hooks of one event, low first.
	AnnotationHookWeight = "helm.sh/hook-weight"
	// AnnotationHookDelete is Helm's delete policy of a hook.
	AnnotationHookDelete = "helm.sh/hook-delete-policy"
	// AnnotationResourcePolicy with the value "keep" is Helm's mark of an
	// object that is never deleted with its release.
	AnnotationResourcePolicy = "helm.sh/resource-policy"
)

// AppKey is the owner in plain words: namespace of the record and app name.
func AppKey(namespace, app string) string { return namespace + "/" + app }

// AppHash is the value of LabelApp for an app key: 16 hex digits of its
// SHA-256, so that any name fits into a label.
func AppHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// builtinGroup reports whether people know the kinds of a group without it.
func builtinGroup(group string) bool {
	switch group {
	case "apps", "batch", "autoscaling", "policy", "extensions":
		return true
	}
	return strings.HasSuffix(group, ".k8s.io")
}

// compareStrings compares pairs in order: the first that differs decides.
func compareStrings(pairs ...string) int {
	for i := 0; i+1 < len(pairs); i += 2 {
		if c := cmp.Compare(pairs[i], pairs[i+1]); c != 0 {
			return c
		}
	}
	return 0
}
