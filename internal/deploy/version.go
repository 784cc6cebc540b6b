package deploy

import (
	"fmt"
	"strings"
)

// versionWarning says that the environment's Kubernetes version, which the
// render assumed, is another minor version than the cluster's. The render does
// not change with the cluster that is near (design.md section 4).
func versionWarning(assumed, server string) []string {
	a, s := minorOf(assumed), minorOf(server)
	if a == "" || s == "" || a == s {
		return nil
	}
	return []string{fmt.Sprintf("rendered for Kubernetes %s, but the cluster is %s: set `kubernetes: %q` in the environment", a, s, s)}
}

// minorOf is "1.36" for "v1.36.1", "1.36" and "v1.36.1+k3s1"; "" for what is
// no version.
func minorOf(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return ""
	}
	return parts[0] + "." + strings.TrimRight(parts[1], "+")
}
