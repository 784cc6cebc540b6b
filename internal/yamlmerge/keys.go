package yamlmerge

import "strings"

// listKeys are the fields that tell the items of a list apart, by the name of
// the list: those that Kubernetes merges built-in types by, then what holds for
// lists of any custom resource. The first one that all items have, once each,
// is taken.
func listKeys(list string) [][]string {
	name := []string{"name"}
	switch list {
	case "ports":
		return [][]string{{"containerPort", "protocol"}, {"port", "protocol"}, name}
	case "volumeMounts":
		return [][]string{{"mountPath"}, name}
	case "volumeDevices":
		return [][]string{{"devicePath"}, name}
	case "hostAliases":
		return [][]string{{"ip"}}
	case "topologySpreadConstraints":
		return [][]string{{"topologyKey", "whenUnsatisfiable"}}
	case "conditions":
		return [][]string{{"type"}}
	case "ownerReferences":
		return [][]string{{"uid"}}
	case "items":
		return [][]string{{"key"}, name}
	case "subjects":
		return [][]string{{"name", "kind", "namespace"}}
	case "paths":
		return [][]string{{"path", "pathType"}, name}
	case "rules":
		return [][]string{{"host"}, name}
	case "parentRefs", "backendRefs", "dependsOn":
		return [][]string{{"name", "namespace", "sectionName", "port"}}
	case "mutators", "validators": // functions of a Kptfile
		return [][]string{name, {"image"}, {"exec"}}
	}
	return [][]string{name}
}

// isSet names lists of scalars without order.
func isSet(list string) bool {
	switch list {
	case "finalizers", "resources", "components", "bases", "crds", "patchesStrategicMerge", "configurations",
		"generators", "transformers", "verbs", "apiGroups", "resourceNames", "nonResourceURLs", "hosts", "hostnames",
		"accessModes", "loadBalancerSourceRanges", "externalIPs", "groups", "users", "policyTypes", "keywords":
		return true
	}
	return false
}

// keyed gives the key of every item of some lists, or nil when items of one of
// them cannot be told apart.
func keyed(list string, nodes ...*node) [][]string {
	if isSet(list) {
		if keys := keysBy(nodes, func(n *node) string {
			if n.scalar() {
				return n.y.Value
			}
			return ""
		}); keys != nil {
			return keys
		}
	}
	for _, fields := range listKeys(list) {
		if keys := keysBy(nodes, func(n *node) string { return itemKey(n, fields) }); keys != nil {
			return keys
		}
	}
	return nil
}

func keysBy(nodes []*node, key func(*node) string) [][]string {
	all := make([][]string, len(nodes))
	for i, n := range nodes {
		if n == nil {
			continue
		}
		seen := make(map[string]bool, len(n.kids))
		for _, item := range n.kids {
			k := key(item)
			if k == "" || seen[k] {
				return nil
			}
			seen[k] = true
			all[i] = append(all[i], k)
		}
	}
	return all
}

// itemKey is the key of one item by some fields, of which the first must be
// there; empty when it has none.
func itemKey(n *node, fields []string) string {
	if !n.get(fields[0]).scalar() || n.text(fields[0]) == "" {
		return ""
	}
	parts := make([]string, 0, len(fields))
	for i, f := range fields {
		value := n.text(f)
		switch {
		case f == "protocol" && value == "":
			value = "TCP"
		case f == "image":
			value, _, _ = strings.Cut(value, ":") // functions keep their key over versions
		case value == "" && i > 0:
			continue
		}
		parts = append(parts, f+"="+value)
	}
	return strings.Join(parts, ",")
}
