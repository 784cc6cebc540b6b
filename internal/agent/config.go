package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// The head of a configuration file.
const (
	configVersion = "tug.dev/v1alpha1"
	configKind    = "Agent"
)

// maxConfig bounds a configuration file, in bytes.
const maxConfig = 1 << 20

// Config is the configuration of an agent, as people write it.
type Config struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	// Cluster is what people call the cluster, in notifications.
	Cluster string `yaml:"cluster"`
	// Workers bounds the deploys that work at once.
	Workers int `yaml:"workers"`
	// Interval and Windows hold for repositories that have none of their own.
	Interval   Duration     `yaml:"interval"`
	ReportOnly bool         `yaml:"reportOnly"`
	Windows    []WindowSpec `yaml:"windows"`
	// Repositories are followed; at least one.
	Repositories []RepositorySpec `yaml:"repositories"`
}

// RepositorySpec is one repository to follow.
type RepositorySpec struct {
	URL string `yaml:"url"`
	// Branch, Tag or Semver say what is followed; the default branch without.
	Branch string `yaml:"branch"`
	Tag    string `yaml:"tag"`
	Semver string `yaml:"semver"`
	// Path is the folder of tug.yaml, or of the one app that is deployed.
	Path string `yaml:"path"`
	// Environments of tug.yaml; its only one without.
	Environments []string `yaml:"environments"`
	// App names the one app of a repository without tug.yaml.
	App string `yaml:"app"`
	// Namespace is that of apps that have none; Namespaces, where given, are
	// the only ones that are deployed to.
	Namespace  string   `yaml:"namespace"`
	Namespaces []string `yaml:"namespaces"`

	Interval   Duration     `yaml:"interval"`
	ReportOnly bool         `yaml:"reportOnly"`
	Windows    []WindowSpec `yaml:"windows"`
	// Timeout is how long a deploy may wait in all.
	Timeout Duration `yaml:"timeout"`
	// CreateNamespace creates the namespaces of apps that are missing.
	CreateNamespace bool `yaml:"createNamespace"`
	// Rollback is "automatic" or "manual", the default.
	Rollback string `yaml:"rollback"`
	// Signatures, where given, must be on every commit that is deployed.
	Signatures *SignatureSpec `yaml:"signatures"`
}

// SignatureSpec names files with the keys that commits may be signed with.
type SignatureSpec struct {
	// GPG is a file of public keys, armored or not; SSH one of allowed signers
	// (ssh-keygen(1)).
	GPG string `yaml:"gpg"`
	SSH string `yaml:"ssh"`
}

// WindowSpec is a window as people write it.
type WindowSpec struct {
	Days []string `yaml:"days"` // mon to sun; all without
	From string   `yaml:"from"` // "22:00"
	To   string   `yaml:"to"`
	Zone string   `yaml:"zone"` // "Europe/Berlin"; UTC without
}

// Duration is written like 30s or 5m.
type Duration time.Duration

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil || v <= 0 {
		return fmt.Errorf("line %d: %q is no duration: write 30s, 5m or 1h", n.Line, n.Value)
	}
	*d = Duration(v)
	return nil
}

// ReadConfig reads a configuration file; name is for errors. Unknown keys are
// errors.
func ReadConfig(name string, data []byte) (Config, error) {
	var c Config
	if len(data) > maxConfig {
		return c, fault.New(fault.Invalid, "%s: more than %d KiB", name, maxConfig>>10)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fault.New(fault.Invalid, "%s: %s", name, yamlText(err)).Hint("docs/agent.md has every key")
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

var goTypes = regexp.MustCompile(` (not found) in type [A-Za-z.]+`)

// yamlText is what a YAML library says, in the words of the file.
func yamlText(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n  ")
	text = goTypes.ReplaceAllString(text, " is no key here")
	return strings.ReplaceAll(strings.ReplaceAll(text, "field ", "key "), "\n  ", "; ")
}

func (c Config) check() error {
	switch {
	case c.APIVersion != configVersion || c.Kind != configKind:
		return fault.New(fault.Invalid, "this is no configuration of an agent").
			Hint("begin it with apiVersion: %s and kind: %s", configVersion, configKind)
	case len(c.Repositories) == 0:
		return fault.New(fault.Invalid, "there are no repositories").Hint("add one: repositories: [{url: https://…}]")
	case c.Workers < 0:
		return fault.New(fault.Invalid, "workers: %d is no number of workers", c.Workers)
	}
	seen := map[string]bool{}
	for i, r := range c.Repositories {
		at := fmt.Sprintf("repositories[%d]", i)
		switch {
		case r.URL == "":
			return fault.New(fault.Invalid, "%s: url is missing", at)
		case r.Rollback != "" && r.Rollback != "automatic" && r.Rollback != "manual":
			return fault.New(fault.Invalid, "%s: rollback %q is neither automatic nor manual", at, r.Rollback)
		case r.Signatures != nil && r.Signatures.GPG == "" && r.Signatures.SSH == "":
			return fault.New(fault.Invalid, "%s: signatures name no keys", at).Hint("give gpg, ssh or both")
		}
		key := strings.Join([]string{r.URL, r.Branch, r.Tag, r.Semver, r.Path, strings.Join(r.Environments, ",")}, "\x00")
		if seen[key] {
			return fault.New(fault.Invalid, "%s: %s stands twice with the same branch, path and environments", at, r.URL)
		}
		seen[key] = true
		if _, err := ParseWindows(r.Windows); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	_, err := ParseWindows(c.Windows)
	return err
}

// ParseWindows reads windows.
func ParseWindows(list []WindowSpec) (Windows, error) {
	var out Windows
	for i, s := range list {
		w, err := s.window()
		if err != nil {
			return nil, fault.New(fault.Invalid, "windows[%d]: %w", i, err).
				Hint(`for example {days: [sat, sun], from: "22:00", to: "04:00", zone: Europe/Berlin}`)
		}
		out = append(out, w)
	}
	return out, nil
}

func (s WindowSpec) window() (w Window, err error) {
	names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	for _, d := range s.Days {
		day := -1
		for n, name := range names {
			if strings.EqualFold(d, name) {
				day = n
			}
		}
		if day < 0 {
			return w, fmt.Errorf("%q is no day: use %s", d, strings.Join(names, ", "))
		}
		w.Days = append(w.Days, time.Weekday(day))
	}
	if w.From, err = clock(s.From); err != nil {
		return w, err
	}
	if w.To, err = clock(s.To); err != nil {
		return w, err
	}
	if s.Zone != "" {
		w.Zone, err = time.LoadLocation(s.Zone)
	}
	return w, err
}

// clock reads "22:00"; 24:00 is the end of a day.
func clock(text string) (time.Duration, error) {
	var h, m int
	if n, err := fmt.Sscanf(text, "%d:%d", &h, &m); err != nil || n != 2 || h < 0 || h > 24 || m < 0 || m > 59 || h == 24 && m > 0 {
		return 0, fmt.Errorf("%q is no time of day: write 22:00", text)
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, nil
}
