package promote

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/yamledit"
)

// Outcome is what an intent does to the files at a tip.
type Outcome struct {
	Intent Intent `json:"intent"`
	Action Action `json:"action"`
	// Why says in a few words why nothing changes.
	Why string `json:"why,omitempty"`
	// Was is the version that was there; empty when nothing said one.
	Was     string   `json:"was,omitempty"`
	Changes []Change `json:"changes"`
	// Warnings are things to know, one sentence each.
	Warnings []string `json:"warnings,omitempty"`
	// Files are the new contents.
	Files map[string][]byte `json:"-"`
}

// Change is one value that changes.
type Change struct {
	File string `json:"file"`
	What string `json:"what"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

// Apply decides about an intent and makes its changes to the files at a tip. It
// writes nothing.
func Apply(files fs.FS, t Target, in Intent) (Outcome, error) {
	in, err := in.Filled()
	if err != nil {
		return Outcome{}, err
	}
	a := &application{files: files, target: t, in: in, out: Outcome{Intent: in, Files: map[string][]byte{}, Changes: []Change{}}}
	if err := a.run(); err != nil {
		return Outcome{}, err
	}
	return a.out, nil
}

// application is one intent on its way into files.
type application struct {
	files  fs.FS
	target Target
	in     Intent
	out    Outcome
	lock   imagelock.LockFile
	places []place
}

func (a *application) run() error {
	var err error
	if a.lock, err = a.readLock(); err != nil {
		return err
	}
	if a.places, err = places(a.files, a.target); err != nil {
		return err
	}
	was := ofPart(a.lock.Promotions, a.in.PartName())
	current := a.current()
	a.out.Was = was.Version
	if a.out.Was == "" {
		a.out.Was = current
	}
	if a.out.Action, a.out.Why, err = decide(a.in, was, current); err != nil || a.out.Action != Promoted {
		return err
	}
	for _, step := range []func() error{a.versions, a.images, a.values} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := a.writeLock(was); err != nil {
		return err
	}
	if len(a.out.Files) == 0 {
		a.out.Action, a.out.Why = Unchanged, "everything is as it asks"
	}
	return nil
}

// current is the version that files of people say of the part, when they agree.
func (a *application) current() string {
	current := ""
	for _, p := range a.places {
		if p.kind != aVersion || !p.is(a.in.PartName()) {
			continue
		}
		if current != "" && current != p.old {
			return ""
		}
		current = p.old
	}
	return current
}

// read gives a file as it is after the changes so far; nil when it is missing.
func (a *application) read(name string) ([]byte, error) {
	if data, ok := a.out.Files[name]; ok {
		return data, nil
	}
	return readSmall(a.files, name)
}

// set makes an edit of a file and notes it.
func (a *application) set(name, was string, e yamledit.Edit) error {
	before, err := a.read(name)
	if err != nil {
		return err
	}
	if before == nil {
		return fault.New(fault.NotFound, "there is no %s", name)
	}
	if err := notEncrypted(name, before); err != nil {
		return err
	}
	after, err := yamledit.Set(name, before, e)
	if err != nil {
		return err
	}
	if bytes.Equal(before, after) {
		return nil
	}
	a.out.Files[name] = after
	a.out.Changes = append(a.out.Changes, Change{File: name, What: e.Path.String(), From: was, To: e.Value.Text})
	return nil
}

// notEncrypted refuses files of SOPS: their checksum covers every value.
func notEncrypted(name string, data []byte) error {
	for _, root := range documents(data) {
		if get(root, "sops", "mac") != nil {
			return fault.New(fault.Invalid, "%s is encrypted with SOPS, which a promotion does not open", name).
				Hint("tug secret set changes it, with the key of the environment")
		}
	}
	return nil
}

// versions puts the version where files say it.
func (a *application) versions() error {
	if a.in.Version == "" {
		return nil
	}
	found := false
	for _, p := range a.places {
		if p.kind != aVersion || !p.is(a.in.PartName()) {
			continue
		}
		found = true
		if env := a.target.shared(p.file); env != "" {
			if len(a.in.Images) > 0 {
				continue // the lock file says it for this environment
			}
			return a.serves(p.file, env)
		}
		to := a.in.Version
		for _, image := range a.in.Images {
			if p.ofImage(image) {
				to = p.next(image, a.in.Version)
			}
		}
		if err := a.set(p.file, p.old, p.edit(to)); err != nil {
			return err
		}
	}
	if err := a.chartLocks(); err != nil {
		return err
	}
	if found || len(a.in.Images) > 0 {
		return nil
	}
	return a.nowhere()
}

// serves refuses to change what another environment uses.
func (a *application) serves(file, env string) error {
	return fault.New(fault.Conflict, "%s serves environment %q as well, which would change too", file, env).
		Hint("give each environment a file of its own: values/{{.env}}.yaml, a folder or a branch per environment").
		Hint("images are promoted with --lock FILE into a lock file per environment; a value with --set-value FILE.yaml:K=V wherever you say")
}

// nowhere says that nothing has a version of the part.
func (a *application) nowhere() error {
	part := a.in.PartName()
	e := fault.New(fault.NotFound, "no file says a version of %q", part)
	known := namesOf(a.places)
	for _, near := range fault.Nearest(part, known, 1) {
		e.Hint("did you mean --part %s?", near)
	}
	if len(known) > 0 {
		e.Hint("there are versions of %s: choose one with --part NAME", strings.Join(known[:min(len(known), 12)], ", "))
	}
	return e.Hint("images are promoted with --lock FILE, values with --set-value KEY=VALUE")
}

// images puts the images where files of people name them; the lock file has
// them too.
func (a *application) images() error {
	for _, image := range a.in.Images {
		for _, p := range a.places {
			if !p.ofImage(image) || a.target.shared(p.file) != "" {
				continue
			}
			to := p.next(image, a.in.Version)
			if to == "" {
				continue
			}
			if err := a.set(p.file, p.old, p.edit(to)); err != nil {
				return err
			}
		}
	}
	return nil
}

// values sets values, in the file that they name or the usual one.
func (a *application) values() error {
	for _, s := range a.in.Values {
		name, e, err := a.valueEdit(s)
		if err != nil {
			return err
		}
		data, err := a.read(name)
		if err != nil {
			return err
		}
		was := ""
		if n := follow(firstDocument(data, e.In), e.Path); n != nil {
			was = n.Value
		}
		if err := a.set(name, was, e); err != nil {
			return err
		}
	}
	return nil
}

// valueEdit says where a value goes.
func (a *application) valueEdit(s Setting) (string, yamledit.Edit, error) {
	file, text := "", s.Path
	if before, after, ok := strings.Cut(s.Path, ":"); ok && (strings.HasSuffix(before, ".yaml") || strings.HasSuffix(before, ".yml")) {
		file, text = before, after
	}
	p, err := yamledit.ParsePath(text)
	if err != nil {
		return "", yamledit.Edit{}, err
	}
	e := yamledit.Edit{Path: p, Value: yamledit.Scalar(s.Value)}
	switch {
	case file != "":
		if !fs.ValidPath(file) {
			return "", e, fault.New(fault.Usage, "%q is no path in the repository", file)
		}
		return file, e, nil
	case len(a.target.ValueFiles) > 0:
		last := a.target.ValueFiles[len(a.target.ValueFiles)-1]
		if env := a.target.shared(last); env != "" {
			return "", e, a.serves(last, env)
		}
		return last, e, nil
	}
	releases := a.releases()
	if len(releases) == 1 {
		e.In, e.Path = releases[0].in, append(yamledit.Keys("spec", "values"), p...)
		return releases[0].file, e, nil
	}
	return "", e, fault.New(fault.Usage, "there is no values file for %s", s.Path).
		Hint("name the file: --set-value FILE.yaml:%s=…", s.Path)
}

// releases are the HelmReleases of the target.
func (a *application) releases() []place {
	return slices.DeleteFunc(slices.Clone(a.places), func(p place) bool {
		return p.in["kind"] != "HelmRelease" || p.path.String() != "spec.chart.spec.version"
	})
}

// Moved says from what to what, for people.
func (o Outcome) Moved() string {
	to := o.Intent.what()
	switch {
	case to == "values":
		return fmt.Sprintf("%d values set", len(o.Intent.Values))
	case o.Was == "" || o.Was == to:
		return to
	}
	return o.Was + " -> " + to
}
