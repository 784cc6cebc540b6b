package imagelock

import "strings"

// defaultRegistry is what references without a registry mean.
const defaultRegistry = "index.docker.io"

// fullName fills in registry and library folder of a reference, and leaves out
// the tag of one with a digest, as kbld does when it resolves one.
func fullName(image string) string {
	name, rest := image, ""
	if repo := repositoryOf(image); repo != "" {
		name, rest = repo, image[len(repo):]
		if at := strings.IndexByte(rest, '@'); at > 0 {
			rest = rest[at:]
		}
	}
	return fullRepository(name) + rest
}

func fullRepository(name string) string {
	registry, path, ok := strings.Cut(name, "/")
	switch {
	case !ok:
		return defaultRegistry + "/library/" + name
	case registry == "docker.io" || registry == defaultRegistry:
	case strings.ContainsAny(registry, ".:") || registry == "localhost":
		return name
	default:
		path = name
	}
	if !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return defaultRegistry + "/" + path
}

// tagOf is the tag of a reference without digest; latest when it has none.
func tagOf(image string) string {
	if rest := image[len(repositoryOf(image)):]; strings.HasPrefix(rest, ":") {
		return rest[1:]
	}
	return "latest"
}
