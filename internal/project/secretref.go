package project

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Secret says where a secret is: in an environment variable, or in a file of
// the folder that TUG_NOTIFY_DIR names. Whoever writes tug.yaml can reach no
// other secret of the process by it.
type Secret struct{ Env, File string }

// Given reports whether the key was there.
func (s Secret) Given() bool { return s != Secret{} }

// SecretPrefix begins the names of the variables that a Secret can name.
const SecretPrefix = "TUG_NOTIFY_"

const (
	variablePattern = `^TUG_NOTIFY_[A-Z0-9_]+$`
	secretPattern   = `^[A-Za-z0-9_][-A-Za-z0-9._]*$`
)

var (
	variableExp = regexp.MustCompile(variablePattern)
	secretExp   = regexp.MustCompile(secretPattern)
)

// decode reads {env: NAME} or {file: NAME}. No problem shows what was written:
// it may be the secret itself.
func (s *Secret) decode(d *decoder, n *yaml.Node, f field) {
	fix := "put it into an environment variable and write " + f.name + ": {env: " + SecretPrefix + "...}"
	if n.Kind != yaml.MappingNode {
		d.report(n, fix, "%s holds a secret itself, where everybody reads it", f.name)
		return
	}
	if len(n.Content) != 2 {
		d.report(n, fix, "%s has not one key, env or file", f.name)
		return
	}
	key, value := n.Content[0], n.Content[1]
	value, ok := d.resolve(value)
	switch {
	case !ok:
	case key.Value == "env" && variableExp.MatchString(value.Value):
		s.Env = value.Value
	case key.Value == "env":
		d.report(value, fix, "%s: env is not the name of a variable that begins with %s", f.name, SecretPrefix)
	case key.Value == "file" && secretExp.MatchString(value.Value):
		s.File = value.Value
	case key.Value == "file":
		d.report(value, "files lie in the folder that "+SecretPrefix+"DIR names; write the name alone", "%s: file is not the name of a file", f.name)
	default:
		d.report(key, fix, "%s knows the keys env and file only", f.name)
	}
}

func (*Secret) schema() map[string]any {
	one := func(key, pattern string) any {
		return map[string]any{
			"type": "object", "required": []any{key}, "additionalProperties": false,
			"properties": map[string]any{key: map[string]any{"type": "string", "pattern": pattern}},
		}
	}
	return map[string]any{"oneOf": []any{one("env", variablePattern), one("file", secretPattern)}}
}
