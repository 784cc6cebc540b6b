package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// ConfigFile is the name of the configuration, at the root of the project.
const ConfigFile = ".tug-check.yaml"

// Config is what a team decides about checks.
type Config struct {
	// Rules switches rules: off, on, or a severity.
	Rules map[string]Setting `yaml:"rules,omitempty"`
	// Exceptions leave findings out, each with its reason.
	Exceptions []Exception `yaml:"exceptions,omitempty"`
	Thresholds Thresholds  `yaml:"thresholds,omitempty"`
	// CRDs are files and folders with more definitions.
	CRDs []string `yaml:"crds,omitempty"`
	// FailOn is the severity from which on the command fails.
	FailOn FailOn `yaml:"failOn,omitempty"`
	// Baseline is the file of findings that are known.
	Baseline string `yaml:"baseline,omitempty"`

	source object.Source
}

// Setting switches a rule: on, off, or a severity.
type Setting string

// FailOn says from which severity on findings fail a command; "never" for none.
type FailOn string

// Thresholds are numbers and switches of kube-score's checks.
type Thresholds struct {
	MinReplicas           int   `yaml:"minReplicas,omitempty"`
	MinReplicasAutoscaler int   `yaml:"minReplicasAutoscaler,omitempty"`
	CPULimit              *bool `yaml:"cpuLimit,omitempty"`
	MemoryLimit           *bool `yaml:"memoryLimit,omitempty"`
}

// Exception leaves out findings that all of its lists match; a list that is
// empty matches everything.
type Exception struct {
	Rules        []string `yaml:"rules,omitempty"`
	Paths        []string `yaml:"paths,omitempty"` // patterns of files: charts/**
	Apps         []string `yaml:"apps,omitempty"`
	Environments []string `yaml:"environments,omitempty"`
	Objects      []string `yaml:"objects,omitempty"` // Kind/name, with * for any text
	Reason       string   `yaml:"reason"`
	Until        Date     `yaml:"until,omitempty"`

	line int
	used bool
}

// Date is a day: 2026-12-31. The exception holds through that day (UTC).
type Date struct{ time.Time }

// UnmarshalYAML reads a day.
func (d *Date) UnmarshalYAML(n *yaml.Node) error {
	t, err := time.Parse(time.DateOnly, n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is no date: write it like 2026-12-31", n.Line, n.Value)
	}
	d.Time = t
	return nil
}

// MarshalYAML writes a day.
func (d Date) MarshalYAML() (any, error) { return d.Format(time.DateOnly), nil }

// IsZero tells the encoder that no day is given.
func (d Date) IsZero() bool { return d.Time.IsZero() }

// UnmarshalYAML keeps the line of an exception, for findings about it.
func (e *Exception) UnmarshalYAML(n *yaml.Node) error {
	type bare Exception
	if err := knownKeys(n, keysOf(Exception{})); err != nil {
		return err
	}
	var b bare
	if err := n.Decode(&b); err != nil {
		return err
	}
	*e = Exception(b)
	e.line = n.Line
	return nil
}

func knownKeys(n *yaml.Node, known []string) error {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; !slices.Contains(known, k.Value) {
			return fmt.Errorf("line %d: field %s not found in type exceptions", k.Line, k.Value)
		}
	}
	return nil
}

// maxConfig bounds the size of a configuration or baseline in bytes.
const maxConfig = 4 << 20

// ReadConfig reads a configuration strictly: an unknown key, rule or severity
// is an Invalid fault with its line and the nearest known one.
func ReadConfig(file string, data []byte) (Config, error) {
	if len(data) > maxConfig {
		return Config{}, fault.New(fault.Invalid, "%s: %d bytes, more than %d MiB", file, len(data), maxConfig>>20)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var c Config
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, configFault(file, data, err)
	}
	c.source.File = file
	return c, c.check(data)
}

var (
	unknownKey   = regexp.MustCompile(`line (\d+): field (.+?) not found in type (\S+)`)
	lineOfConfig = regexp.MustCompile(`line (\d+): (.*)`)
)

func configFault(file string, data []byte, err error) error {
	if m := unknownKey.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		known := keysOf(Config{})
		switch {
		case strings.HasSuffix(m[3], "Thresholds"):
			known = keysOf(Thresholds{})
		case strings.HasSuffix(m[3], "exceptions"):
			known = keysOf(Exception{})
		}
		f := fault.New(fault.Invalid, "%s:%d%s: unknown key %q", file, line, columnOf(data, line, m[2]), m[2])
		if near := fault.Nearest(m[2], known, 1); len(near) > 0 {
			return f.Hint("did you mean %q?", near[0])
		}
		return f.Hint("keys here: %s", strings.Join(known, ", "))
	}
	text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:   ")
	where := file
	if m := lineOfConfig.FindStringSubmatch(text); m != nil {
		where, text = file+":"+m[1], m[2]
	}
	return fault.New(fault.Invalid, "%s: %s", where, text).Hint("see docs/checks.md for the keys, and \"tug check --print-config\" for all settings")
}

// columnOf is ":column" of a key in a line, or "".
func columnOf(data []byte, line int, key string) string {
	lines := bytes.Split(data, []byte("\n"))
	if line < 1 || line > len(lines) {
		return ""
	}
	if at := bytes.Index(lines[line-1], []byte(key)); at >= 0 {
		return ":" + strconv.Itoa(at+1)
	}
	return ""
}

// check looks at the words of a configuration.
func (c *Config) check(data []byte) error {
	ids := ruleIDs()
	bad := func(word, what string, known []string) error {
		at := lineOf(data, word)
		f := fault.New(fault.Invalid, "%s: unknown %s %q", object.Source{File: c.source.File, Line: at}, what, word)
		if near := fault.Nearest(word, known, 1); len(near) > 0 {
			return f.Hint("did you mean %q?", near[0])
		}
		return f.Hint("it is one of: %s", strings.Join(known, ", "))
	}
	for _, id := range slices.Sorted(maps.Keys(c.Rules)) {
		if !slices.Contains(ids, id) {
			return bad(id, "rule", ids)
		}
		if s := string(c.Rules[id]); !slices.Contains(settings(), s) {
			return bad(s, "setting of the rule "+id, settings())
		}
	}
	if c.FailOn != "" && !slices.Contains(FailWords(), string(c.FailOn)) {
		return bad(string(c.FailOn), "severity", FailWords())
	}
	for i := range c.Exceptions {
		if err := c.Exceptions[i].check(c.source.File, ids, bad); err != nil {
			return err
		}
	}
	return nil
}

func (e *Exception) check(file string, ids []string, bad func(word, what string, known []string) error) error {
	at := object.Source{File: file, Line: e.line}
	if strings.TrimSpace(e.Reason) == "" {
		return fault.New(fault.Invalid, "%s: an exception has no reason", at).Hint("say why, so that the next reader can tell when it may go: reason: …")
	}
	if len(e.Rules)+len(e.Paths)+len(e.Apps)+len(e.Objects)+len(e.Environments) == 0 {
		return fault.New(fault.Invalid, "%s: an exception matches everything", at).Hint("name rules, paths, apps, environments or objects")
	}
	for _, id := range e.Rules {
		if !slices.Contains(ids, id) {
			return bad(id, "rule", ids)
		}
	}
	for _, p := range e.Paths {
		if !doublestar.ValidatePattern(p) {
			return fault.New(fault.Invalid, "%s: pattern %q is invalid", at, p).Hint("** stands for any folders, * for any text of a name")
		}
	}
	return nil
}

// lineOf is the first line that has a word; 0 when none has.
func lineOf(data []byte, word string) int {
	at := bytes.Index(data, []byte(word))
	if at < 0 || word == "" {
		return 0
	}
	return 1 + bytes.Count(data[:at], []byte("\n"))
}

func settings() []string { return []string{"off", "on", "info", "warning", "error"} }

// FailWords are the values of --fail-on.
func FailWords() []string { return []string{"error", "warning", "info", "never"} }

// keysOf are the keys of a struct of the configuration.
func keysOf(v any) []string {
	switch v.(type) {
	case Config:
		return []string{"rules", "exceptions", "thresholds", "crds", "failOn", "baseline"}
	case Thresholds:
		return []string{"minReplicas", "minReplicasAutoscaler", "cpuLimit", "memoryLimit"}
	}
	return []string{"rules", "paths", "apps", "environments", "objects", "reason", "until"}
}

// severity is what the configuration makes of a rule; ok is false for rules
// that are off.
func (c *Config) severity(r Rule, of problem.Severity) (problem.Severity, bool) {
	if of == "" {
		of = r.Severity
	}
	s, set := c.Rules[r.ID]
	if !set {
		for alias, value := range c.Rules {
			if aliases(alias) == r.ID {
				s, set = value, true
			}
		}
	}
	switch {
	case !set:
		return of, !r.Optional
	case s == "off":
		return "", false
	case s == "on":
		return of, true
	}
	return problem.Severity(s), true
}

// matches reports whether an exception covers a finding at a time.
func (e *Exception) matches(f *Finding, now time.Time) bool {
	if e.expired(now) {
		return false
	}
	return anyOf(e.Rules, func(id string) bool { return aliases(id) == f.Rule }) &&
		anyOf(e.Apps, func(a string) bool { return like(a, f.App) }) &&
		anyOf(e.Environments, func(v string) bool { return like(v, f.env) }) &&
		anyOf(e.Paths, func(p string) bool { ok, err := doublestar.Match(p, f.File); return err == nil && ok }) &&
		anyOf(e.Objects, func(o string) bool {
			return f.Object != nil && (like(o, f.Object.Kind+"/"+f.Object.Name) || like(o, f.Object.Kind))
		})
}

func (e *Exception) expired(now time.Time) bool {
	return !e.Until.IsZero() && now.After(e.Until.AddDate(0, 0, 1))
}

func anyOf(list []string, ok func(string) bool) bool {
	return len(list) == 0 || slices.ContainsFunc(list, ok)
}

// like matches text with a pattern of path.Match; a name with a slash counts as
// text.
func like(pattern, text string) bool {
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00"))
	return err == nil && ok
}

// Fails reports whether a finding of a severity fails the command.
func (f FailOn) Fails(s problem.Severity) bool {
	if f == "never" {
		return false
	}
	least := problem.Severity(f)
	if f == "" {
		least = problem.Error
	}
	return s.Rank() >= least.Rank()
}

// YAML is the configuration with every rule spelt out, as text that can be
// read back.
func (c Config) YAML() ([]byte, error) {
	full := c
	full.Rules = map[string]Setting{}
	for _, r := range Rules() {
		severity, on := c.severity(r, "")
		full.Rules[r.ID] = Setting(severity)
		if !on {
			full.Rules[r.ID] = "off"
		}
	}
	if full.FailOn == "" {
		full.FailOn = FailOn(problem.Error)
	}
	yes := true
	t := &full.Thresholds
	if t.MinReplicas == 0 {
		t.MinReplicas = 2
	}
	if t.MinReplicasAutoscaler == 0 {
		t.MinReplicasAutoscaler = 2
	}
	if t.CPULimit == nil {
		t.CPULimit = &yes
	}
	if t.MemoryLimit == nil {
		t.MemoryLimit = &yes
	}
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	err := enc.Encode(full)
	return buf.Bytes(), err
}
