package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// secretgenAPI is the group and version of secretgen-controller's kinds.
const secretgenAPI = "secretgen.k14s.io/v1alpha1"

// InputsAnnotation of a generated Secret says what it was generated from, as
// JSON without secrets.
const InputsAnnotation = "tug.dev/generated-from"

// Generator is one object of secretgen-controller that asks for a Secret.
type Generator struct {
	Source          object.Source
	Kind            string
	Name, Namespace string
	labels, notes   map[string]string
	spec            generatorSpec
}

// generatorSpec is the spec of all four kinds, strictly read per kind.
type generatorSpec struct {
	Length           *int   `json:"length,omitempty"`
	Digits           int    `json:"digits,omitempty"`
	Symbols          int    `json:"symbols,omitempty"`
	UppercaseLetters int    `json:"uppercaseLetters,omitempty"`
	LowercaseLetters int    `json:"lowercaseLetters,omitempty"`
	SymbolCharSet    string `json:"symbolCharSet,omitempty"`

	CARef            *localRef `json:"caRef,omitempty"`
	IsCA             bool      `json:"isCA,omitempty"`
	CommonName       string    `json:"commonName,omitempty"`
	Organization     string    `json:"organization,omitempty"`
	AlternativeNames []string  `json:"alternativeNames,omitempty"`
	ExtendedKeyUsage []string  `json:"extendedKeyUsage,omitempty"`
	Duration         int64     `json:"duration,omitempty"`

	SecretTemplate *secretTemplate `json:"secretTemplate,omitempty"`
}

type localRef struct {
	Name string `json:"name"`
}

// secretTemplate says how the Secret looks.
type secretTemplate struct {
	Metadata   templateMetadata  `json:"metadata,omitzero"`
	Type       string            `json:"type,omitempty"`
	StringData map[string]string `json:"stringData,omitempty"`
}

type templateMetadata struct {
	Annotations map[string]string `json:"annotations,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// specFields are the fields of each kind.
func specFields() map[string][]string {
	return map[string][]string{
		"Password":    {"length", "digits", "symbols", "uppercaseLetters", "lowercaseLetters", "symbolCharSet", "secretTemplate"},
		"Certificate": {"caRef", "isCA", "commonName", "organization", "alternativeNames", "extendedKeyUsage", "duration", "secretTemplate"},
		"RSAKey":      {"secretTemplate"},
		"SSHKey":      {"secretTemplate"},
	}
}

// Generators finds the objects in a file that ask for a Secret; others are
// passed over.
func Generators(file string, data []byte) ([]Generator, error) {
	objects, err := object.ReadYAML(file, data)
	if err != nil {
		return nil, err
	}
	var list []Generator
	for _, o := range objects {
		if o.Fields["apiVersion"] != secretgenAPI {
			continue
		}
		if _, known := specFields()[o.Ref().Kind]; !known {
			continue
		}
		g, err := newGenerator(o)
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

func newGenerator(o *object.Object) (Generator, error) {
	g := Generator{Source: o.Source, Kind: o.Ref().Kind, Name: o.Name(), Namespace: o.Namespace()}
	if g.Name == "" {
		return g, fault.New(fault.Invalid, "%s: a %s has no name", o.Source, g.Kind)
	}
	spec, isMap := o.Fields["spec"].(map[string]any)
	if !isMap && o.Fields["spec"] != nil {
		return g, fault.New(fault.Invalid, "%s: spec of %s %s is no map", o.Source, g.Kind, g.Name)
	}
	known := specFields()[g.Kind]
	for _, key := range slices.Sorted(maps.Keys(spec)) {
		if !slices.Contains(known, key) {
			e := fault.New(fault.Invalid, "%s: unknown field spec.%s of %s %s", o.Source, key, g.Kind, g.Name)
			for _, near := range fault.Nearest(key, known, 1) {
				e.Hint("did you mean %q?", near)
			}
			return g, e
		}
	}
	text, err := json.Marshal(spec)
	if err == nil {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		err = dec.Decode(&g.spec)
	}
	if err != nil {
		return g, fault.New(fault.Invalid, "%s: spec of %s %s: %w", o.Source, g.Kind, g.Name, err)
	}
	g.labels, g.notes = stringMap(o.Meta()["labels"]), stringMap(o.Meta()["annotations"])
	delete(g.notes, object.AnnotationLastApplied)
	return g, g.check()
}

func stringMap(v any) map[string]string {
	out := map[string]string{}
	m, _ := v.(map[string]any)
	for k, v := range m {
		if text, ok := v.(string); ok {
			out[k] = text
		}
	}
	return out
}

// check refuses what secretgen-controller would never fulfil.
func (g Generator) check() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "%s: %s %s: %w", g.Source, g.Kind, g.Name, fmt.Errorf(format, args...))
	}
	s := g.spec
	switch g.Kind {
	case "Password":
		for name, n := range map[string]int{"length": s.length(), "digits": s.Digits, "symbols": s.Symbols, "uppercaseLetters": s.UppercaseLetters, "lowercaseLetters": s.LowercaseLetters} {
			if n < 0 || n > 4096 {
				return bad("%s is %d; it is between 0 and 4096", name, n)
			}
		}
	case "Certificate":
		if s.CARef == nil && !s.IsCA {
			return bad("has neither caRef nor isCA: only a CA signs itself")
		}
		if s.CARef != nil && (s.CARef.Name == "" || s.CARef.Name == g.Name) {
			return bad("caRef names no other certificate")
		}
		for _, usage := range s.ExtendedKeyUsage {
			if usage != "client_auth" && usage != "server_auth" {
				return bad("extendedKeyUsage %q is neither client_auth nor server_auth", usage)
			}
		}
		if s.Duration < 0 || s.Duration > 36500 {
			return bad("duration is %d days; it is between 1 and 36500", s.Duration)
		}
	}
	return nil
}

func (s generatorSpec) length() int {
	if s.Length == nil {
		return 40
	}
	return *s.Length
}

// CA is the name of the certificate that signs this one; empty for others.
func (g Generator) CA() string {
	if g.spec.CARef == nil {
		return ""
	}
	return g.spec.CARef.Name
}

// Inputs are what the Secret is generated from: the spec and, where there is
// one, the certificate that signs it (its text; empty when it is not known).
func (g Generator) Inputs(caCertificate string) string {
	inputs := struct {
		Kind string        `json:"kind"`
		Spec generatorSpec `json:"spec"`
		CA   string        `json:"ca,omitempty"`
	}{Kind: g.Kind, Spec: g.spec}
	if caCertificate != "" {
		sum := sha256.Sum256([]byte(strings.TrimSpace(caCertificate)))
		inputs.CA = hex.EncodeToString(sum[:8])
	}
	text, err := json.Marshal(inputs)
	if err != nil {
		return ""
	}
	return string(text)
}

// ChangedInputs names the fields in which two inputs differ.
func ChangedInputs(old, next string) []string {
	var a, b struct {
		Spec map[string]json.RawMessage `json:"spec"`
		CA   string                     `json:"ca"`
	}
	if json.Unmarshal([]byte(old), &a) != nil || json.Unmarshal([]byte(next), &b) != nil {
		return []string{"all of it"}
	}
	var names []string
	for key := range b.Spec {
		if string(a.Spec[key]) != string(b.Spec[key]) {
			names = append(names, key)
		}
	}
	for key := range a.Spec {
		if _, ok := b.Spec[key]; !ok {
			names = append(names, key)
		}
	}
	if a.CA != b.CA {
		names = append(names, "the certificate of "+"its CA")
	}
	slices.Sort(names)
	return names
}

// InOrder sorts generators so that a CA comes before what it signs; a circle
// is an Invalid fault. CAs that are not among them are left to the caller.
func InOrder(list []Generator) ([]Generator, error) {
	byName := map[string]int{}
	for i, g := range list {
		if g.Kind == "Certificate" {
			byName[g.Namespace+"/"+g.Name] = i
		}
	}
	var out []Generator
	state := make([]int, len(list)) // 1 on the way, 2 done
	var visit func(i int) error
	visit = func(i int) error {
		switch state[i] {
		case 1:
			return fault.New(fault.Invalid, "%s: %s %s signs itself in a circle of caRef", list[i].Source, list[i].Kind, list[i].Name)
		case 2:
			return nil
		}
		state[i] = 1
		if ca, ok := byName[list[i].Namespace+"/"+list[i].CA()]; ok && list[i].CA() != "" {
			if err := visit(ca); err != nil {
				return err
			}
		}
		state[i] = 2
		out = append(out, list[i])
		return nil
	}
	for i := range list {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// GeneratedFrom is the annotation of a Secret that Generate made. It is read
// without a key; ok is false where it is encrypted too, or not there.
func GeneratedFrom(name string, data []byte) (inputs string, ok bool) {
	docs, err := object.ReadDocuments(name, data)
	if err != nil || len(docs) == 0 {
		return "", false
	}
	o := object.Object{Fields: docs[0].Fields}
	inputs = o.Annotation(InputsAnnotation)
	return inputs, inputs != "" && !strings.HasPrefix(inputs, "ENC[")
}

// errNoCA is the cause of a certificate whose CA cannot be had.
var errNoCA = errors.New("the Secret of its CA has no crt.pem and key.pem")
