// Command schemas makes the embedded schemas of internal/check/schema from the
// OpenAPI documents that Kubernetes publishes with its source. It asks the Go
// module proxy for them with the ordinary client, once per minor version; what
// tug does with them later needs no network.
//
// The published documents lack the values of enumerations, so these are read
// from the Go types of the same release (comments "+enum"), as the API server
// does when it builds its own document.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// releases are the Kubernetes versions to embed, one per minor.
func releases() []string {
	return []string{
		"1.30.14", "1.31.14", "1.32.13", "1.33.13", "1.34.4", "1.35.4", "1.36.3", "1.37.1",
	}
}

func main() {
	out := flag.String("out", "", "folder to write to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	b := newBundle()
	for _, release := range releases() {
		docs, err := download("k8s.io/kubernetes@v" + release)
		if err != nil {
			return err
		}
		types, err := download("k8s.io/api@v0" + release[1:])
		if err != nil {
			return err
		}
		enums, err := readEnums(types)
		if err != nil {
			return err
		}
		if err := b.add(release, filepath.Join(docs, "api", "openapi-spec", "v3"), enums); err != nil {
			return fmt.Errorf("%s: %w", release, err)
		}
	}
	b.index.Lifecycle = lifecycles()
	return b.write(out)
}

// download gives the folder of a module.
func download(module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", module, err, data)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(data, &m); err != nil {
		return "", err
	}
	return m.Dir, nil
}
