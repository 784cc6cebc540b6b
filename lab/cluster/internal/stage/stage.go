// Package stage makes kwok's configuration: the Stages that move nodes, pods
// and volumes through their lives, and the logs of pods.
//
// The files under config are templates twice over. The outer layer, with square
// brackets, is resolved here and only shares text between Stages; the inner
// one, with braces, is kwok's and sees the object.
package stage

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"strings"
	"text/template"

	"k8s.io/component-base/version"
)

// LogFile is the base name of the file that holds the log of every container.
const LogFile = "container.log"

//go:embed config
var files embed.FS

// Write writes kwok's configuration to config and the containers' log to log.
// The nodes announce port for their kubelets.
func Write(config, log string, port int) error {
	data, err := render(log, port)
	if err != nil {
		return err
	}
	if err := os.WriteFile(config, data, 0o600); err != nil {
		return fmt.Errorf("kwok configuration: %w", err)
	}
	if err := os.WriteFile(log, containerLog(), 0o600); err != nil {
		return fmt.Errorf("container log: %w", err)
	}
	return nil
}

func render(log string, port int) ([]byte, error) {
	root := template.New("").Delims("[[", "]]")
	root.Funcs(template.FuncMap{
		"indent": indent,
		"include": func(name string) (string, error) {
			var out bytes.Buffer
			err := root.ExecuteTemplate(&out, name, nil)
			return strings.TrimSpace(out.String()), err
		},
	})
	if _, err := root.ParseFS(files, "config/*"); err != nil {
		return nil, fmt.Errorf("stage files: %w", err)
	}
	var out bytes.Buffer
	values := map[string]any{"Port": port, "LogFile": log, "Version": version.Get().GitVersion}
	for _, name := range []string{"node.yaml", "pod.yaml", "volume.yaml", "log.yaml"} {
		if err := root.ExecuteTemplate(&out, name, values); err != nil {
			return nil, fmt.Errorf("stage file %s: %w", name, err)
		}
	}
	return out.Bytes(), nil
}

// indent puts n spaces before every line but the first.
func indent(n int, text string) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", n))
}
