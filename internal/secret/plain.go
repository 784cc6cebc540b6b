package secret

import (
	"bytes"
	"encoding/base64"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/object"
)

// Leak is a secret that stands in plain text in a file.
type Leak struct {
	Source object.Source
	// What says what it is, never the secret: "Secret db: data.password".
	What string
	// File is another file that the secret stands in if it is not encrypted,
	// which Plain does not look at; empty for Source.File itself.
	File string
}

// Plain finds secrets in plain text: values of Kubernetes Secrets and of
// Kustomize's secretGenerator that are not encrypted, and things that are
// secret wherever they stand (private keys, access tokens of well-known form).
// Placeholders, empty values and templates are none. It is pure, and quick on
// files that have none.
func Plain(file string, data []byte) []Leak {
	if len(data) > maxFile || bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 {
		return nil
	}
	var leaks []Leak
	if f := FormatOf(file, nil); (f == YAML || f == JSON) && namesSecrets(data) {
		leaks = plainObjects(file, data)
	}
	known := map[int]bool{}
	for _, l := range leaks {
		known[l.Source.Line] = true
	}
	for _, l := range plainTokens(file, data) {
		if !known[l.Source.Line] {
			leaks = append(leaks, l)
		}
	}
	slices.SortStableFunc(leaks, func(a, b Leak) int { return a.Source.Line - b.Source.Line })
	return leaks
}

// namesSecrets is a cheap test for plainObjects.
func namesSecrets(data []byte) bool {
	return bytes.Contains(data, []byte("Secret")) || bytes.Contains(data, []byte("secretGenerator"))
}

// plainObjects looks at the documents of a file. Text that is not YAML (a
// template, say) has none.
func plainObjects(file string, data []byte) []Leak {
	var leaks []Leak
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); err != nil {
			return leaks
		}
		if e := (expansion{budget: maxNodes}); !e.fits(&n) || len(n.Content) == 0 {
			continue
		}
		leaks = append(leaks, plainObject(file, n.Content[0])...)
	}
}

func plainObject(file string, n *yaml.Node) []Leak {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	var leaks []Leak
	if items := lookup(n, "items"); items != nil && items.Kind == yaml.SequenceNode {
		for _, item := range items.Content {
			leaks = append(leaks, plainObject(file, item)...)
		}
	}
	if generators := lookup(n, "secretGenerator"); generators != nil && generators.Kind == yaml.SequenceNode {
		for _, g := range generators.Content {
			leaks = append(leaks, plainLiterals(file, g)...)
		}
	}
	if text(lookup(n, "kind")) != "Secret" || text(lookup(n, "apiVersion")) != "v1" {
		return leaks
	}
	name := "Secret"
	if meta := lookup(n, "metadata"); meta != nil && text(lookup(meta, "name")) != "" {
		name += " " + text(lookup(meta, "name"))
	}
	for _, block := range []string{"data", "stringData"} {
		values := lookup(n, block)
		if values == nil || values.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(values.Content); i += 2 {
			key, value := values.Content[i], values.Content[i+1]
			if secretValue(value, block == "data") {
				leaks = append(leaks, Leak{object.Source{File: file, Line: key.Line}, name + ": " + block + "." + key.Value, ""})
			}
		}
	}
	return leaks
}

// plainLiterals looks at one entry of a kustomization's secretGenerator.
func plainLiterals(file string, g *yaml.Node) []Leak {
	var leaks []Leak
	for _, key := range []string{"env", "envs", "files"} {
		leaks = append(leaks, generatorFiles(file, g, lookup(g, key))...)
	}
	literals := lookup(g, "literals")
	if literals == nil {
		return leaks
	}
	for _, l := range literals.Content {
		key, value, ok := strings.Cut(l.Value, "=")
		if ok && !placeholder(value) {
			leaks = append(leaks, Leak{object.Source{File: file, Line: l.Line}, "secretGenerator " + text(lookup(g, "name")) + ": literal " + key, ""})
		}
	}
	return leaks
}

// generatorFiles are the files that an entry of a secretGenerator names. Whether
// they are encrypted is not known here.
func generatorFiles(file string, g, names *yaml.Node) []Leak {
	if names == nil {
		return nil
	}
	list := names.Content
	if names.Kind == yaml.ScalarNode {
		list = []*yaml.Node{names}
	}
	var leaks []Leak
	for _, n := range list {
		name := n.Value
		if _, after, keyed := strings.Cut(name, "="); keyed {
			name = after
		}
		if name != "" {
			leaks = append(leaks, Leak{object.Source{File: file, Line: n.Line}, "secretGenerator " + text(lookup(g, "name")) + ": file " + name, path.Join(path.Dir(file), name)})
		}
	}
	return leaks
}

func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// secretValue reports whether a value of a Secret says something.
func secretValue(n *yaml.Node, encoded bool) bool {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || placeholder(n.Value) {
		return false
	}
	if !encoded {
		return true
	}
	plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
	return err != nil || !placeholder(string(plain))
}

var placeholderText = regexp.MustCompile(`(?is)^(\$\{[^}]*\}|\$\([^)]*\)|<[^<>]*>|x{3,}|\*+|\.{3}|todo|tbd|none|null|dummy|fake|placeholder|redacted|\(masked\)|example|(please[-_ ]?)?(change|replace|fill|set)[-_ ]?(me|this|in)?[-_ !]*|(insert|enter|put|your)[-_ ][a-z_ -]*)$`)

// sealedText is a whole value as SOPS writes it, templateText one that a template
// fills in, at least in part.
var (
	sealedText   = regexp.MustCompile(`(?s)^ENC\[AES256_GCM,data:.*,iv:.+,tag:.+,type:[a-z]+\]$`)
	templateText = regexp.MustCompile(`(?s)\{\{.*\}\}`)
)

// placeholder reports whether a value only stands for one.
func placeholder(value string) bool {
	v := strings.TrimSpace(value)
	return v == "" || sealedText.MatchString(v) || templateText.MatchString(v) || placeholderText.MatchString(v)
}
