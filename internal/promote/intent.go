// Package promote decides what moving a built version into an environment
// changes in a config repository, and carries it out.
//
// What comes in is an Intent, never a patch: this build of this part of this
// app. It is applied to whatever the tip of the branch is, so that there are no
// textual conflicts: Apply is a pure function of the files at the tip. Which
// build wins is decided by policy: the newer sequence; an older one is
// superseded and never written back, unless it says that it is a rollback.
// The same key twice is nothing to do.
//
// Writer pushes what was decided as a compare-and-swap of the branch, and finds
// out by reading the branch again what became of a push that was refused or got
// no answer. Pull requests are a view of what is pending: one branch per
// environment and group that is written anew from the tip of its base, as long
// as nobody else commits to it.
package promote

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Intent asks to move one build of a part of an app into an environment. As
// JSON it is also what pull request branches keep of it.
type Intent struct {
	App         string `json:"app"`
	Environment string `json:"environment,omitempty"`
	// Part is the chart or image of the app that it is about; the app itself
	// when empty. Each part has an order of its own.
	Part string `json:"part,omitempty"`
	// Version is put where files say the version of the part: the dependency
	// of a chart, a kustomization's newTag, a marker.
	Version string `json:"version,omitempty"`
	// Images go into the lock file of the app.
	Images []Image `json:"images,omitempty"`
	Source Source  `json:"source,omitzero"`
	// Sequence orders the builds of a part: a later build has a higher one. 0
	// where there is none: then versions are compared.
	Sequence int64 `json:"sequence,omitempty"`
	// Key tells intents apart; by default made of all the rest.
	Key string `json:"key,omitempty"`
	// Values are set in the values file of the environment, in order.
	Values []Setting `json:"values,omitempty"`
	// Rollback lets it go to an older build.
	Rollback bool `json:"rollback,omitempty"`
}

// Image says that what manifests call Name is NewImage, which has a digest.
type Image struct {
	Name string `json:"image"`
	// Repo says that Name stands for all tags of a repository.
	Repo     bool   `json:"repo,omitempty"`
	NewImage string `json:"newImage"`
	// Tag that had the digest when it was locked; may be empty.
	Tag string `json:"tag,omitempty"`
	// Source is what the image was built from, where it is not that of the
	// intent.
	Source Source `json:"source,omitzero"`
}

// Source is what was built.
type Source struct {
	Repository string `json:"repository,omitempty"`
	Commit     string `json:"commit,omitempty"`
	Path       string `json:"path,omitempty"`
}

// Setting is a value to set: a path as yamledit reads it, "FILE.yaml:" in front
// names another file than the usual one.
type Setting struct {
	Path  string `json:"path"`
	Value string `json:"value"`
}

// PartName is the name of the part.
func (i Intent) PartName() string { return cmp.Or(i.Part, i.App) }

// Subject is what the intent is about, for people: app/env, with the part.
func (i Intent) Subject() string {
	text := i.App
	if i.Environment != "" {
		text += "/" + i.Environment
	}
	if i.Part != "" && i.Part != i.App {
		text += " (" + i.Part + ")"
	}
	return text
}

// version is what can be compared: the version, or the tag of the only image.
func (i Intent) version() string {
	if i.Version == "" && len(i.Images) == 1 {
		return i.Images[0].Tag
	}
	return i.Version
}

// what is the name of the version, for people.
func (i Intent) what() string {
	switch v := i.version(); {
	case v != "":
		return v
	case len(i.Images) == 1:
		return shortDigest(i.Images[0].NewImage)
	case i.Source.Commit != "":
		return "commit " + i.Source.Commit[:min(12, len(i.Source.Commit))]
	case len(i.Images) > 0:
		return fmt.Sprintf("%d images", len(i.Images))
	}
	return "values"
}

// Filled is the intent with its key, or what is wrong with it.
func (i Intent) Filled() (Intent, error) {
	if err := i.check(); err != nil {
		return i, err
	}
	if i.Key != "" {
		return i, nil
	}
	data, err := json.Marshal(i)
	if err != nil {
		return i, fmt.Errorf("key of %s: %w", i.Subject(), err)
	}
	sum := sha256.Sum256(data)
	i.Key = hex.EncodeToString(sum[:10])
	return i, nil
}

var (
	name   = regexp.MustCompile(`\A[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?\z`)
	pinned = regexp.MustCompile(`\A[^@\s]+@sha256:[0-9a-f]{64}\z`)
)

// The longest texts, in bytes.
const (
	maxName = 253
	maxText = 400
)

// oneLine tells a text that a trailer can hold.
func oneLine(text string) bool {
	return len(text) <= maxText && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func (i Intent) check() error {
	bad := func(format string, args ...any) *fault.Error {
		return fault.New(fault.Usage, "intent of %q: %s", i.App, fmt.Sprintf(format, args...))
	}
	switch {
	case i.App == "":
		return bad("app is missing").Hint("name it with -a, or as app in the file of intents")
	case i.Version == "" && len(i.Images) == 0 && len(i.Values) == 0:
		return bad("it moves nothing").Hint("give a VERSION, --lock FILE, --from ENV or --set-value KEY=VALUE")
	case i.Sequence < 0:
		return bad("sequence %d is negative", i.Sequence)
	}
	for what, text := range map[string]string{"app": i.App, "environment": i.Environment, "part": i.Part} {
		if text != "" && (len(text) > maxName || !name.MatchString(text) || strings.Contains(text, "..") || strings.Contains(text, "//")) {
			return bad("%s %q is no name", what, text)
		}
	}
	for what, text := range map[string]string{
		"version": i.Version, "key": i.Key, "source repository": i.Source.Repository, "source commit": i.Source.Commit,
	} {
		if !oneLine(text) {
			return bad("%s is longer than 400 characters or has line breaks", what)
		}
	}
	for _, image := range i.Images {
		if image.Name == "" || !pinned.MatchString(image.NewImage) {
			return bad("image %q has no digest: %q", image.Name, image.NewImage).
				Hint("an image is moved by its digest: registry/name@sha256:…; tug build and tug image lock write them")
		}
		if !oneLine(image.Name) || !oneLine(image.Tag) {
			return bad("image %q has line breaks", image.Name)
		}
	}
	return nil
}

// maxIntents bounds a file of intents.
const maxIntents = 5000

// ParseIntents reads JSON: a list, one intent, or one per line.
func ParseIntents(file string, data []byte) ([]Intent, error) {
	var list []Intent
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, badIntents(file, err)
		}
		var some []Intent
		if raw[0] == '{' {
			some = make([]Intent, 1)
			err = strict(raw, &some[0])
		} else {
			err = strict(raw, &some)
		}
		if err != nil {
			return nil, badIntents(file, err)
		}
		if list = append(list, some...); len(list) > maxIntents {
			return nil, fault.New(fault.Usage, "%s: more than %d intents", file, maxIntents)
		}
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Usage, "%s: there are no intents", file)
	}
	return list, nil
}

func strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func badIntents(file string, err error) error {
	return fault.New(fault.Usage, "%s: %s", file, strings.TrimPrefix(err.Error(), "json: ")).
		Hint(`intents are JSON: [{"app": "shop", "environment": "dev", "version": "1.4.2", "sequence": 57}]`)
}

// Encode is the intent in one line.
func (i Intent) Encode() (string, error) {
	data, err := json.Marshal(i)
	return string(data), err
}
