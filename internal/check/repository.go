package check

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Bounds of the look at all files of a repository.
const (
	maxFiles    = 200_000
	maxScanned  = 8 << 20 // bytes of one file
	maxDepthDir = 64
)

// scan reads the files of a repository once: for Secrets in plain text, and for
// definitions of kinds that no app renders.
func (c *checker) scan(ctx context.Context, r *Repository) []*schema.CRD {
	if r.Files == nil {
		return nil
	}
	root := r.Root
	if root == "" {
		root = "."
	}
	var crds []*schema.CRD
	count := 0
	walk := func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return nil //nolint:nilerr // what cannot be read is not looked at
		case d.IsDir():
			if name != root && (d.Name() == ".git" || d.Name() == "node_modules") || strings.Count(name, "/") > maxDepthDir {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		if count++; count > maxFiles {
			return fs.SkipAll
		}
		if info, err := d.Info(); err != nil || info.Size() > maxScanned {
			return nil //nolint:nilerr // the same
		}
		data, err := fs.ReadFile(r.Files, name)
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		c.plainSecrets(r, name, data)
		crds = append(crds, definitions(name, data)...)
		return nil
	}
	_ = fs.WalkDir(r.Files, root, walk) // ends early only when the run does
	return crds
}

// plainSecrets reports secrets that stand in a file in plain text.
func (c *checker) plainSecrets(r *Repository, name string, data []byte) {
	if c.in.Plain == nil || !c.wanted(RuleSecretPlain) || !c.in.All && !c.ofAnApp(name) {
		return
	}
	for _, p := range c.in.Plain(name, data) {
		if p.File != "" && !c.plainFile(r, p.File) {
			continue
		}
		f := Finding{
			Rule: RuleSecretPlain, File: name, Line: p.Line, stable: p.What,
			Message: p.What + " is in the repository in plain text",
			Hint:    "encrypt the file, and change the secret: it stays in the history of the repository",
			Fix:     "tug secret encrypt " + shellWord(name),
		}
		if p.File != "" {
			f.Fix = "tug secret encrypt " + shellWord(p.File)
		} else if strings.HasPrefix(p.What, "secretGenerator") {
			f.Hint = "put the literal into a file that the generator names under envs or files, and encrypt that file"
			f.Fix = "tug secret encrypt " + shellWord(path.Join(path.Dir(name), "secret.env"))
		}
		c.add(r, nil, f)
	}
}

// plainFile reports whether a file is there and says something in plain text.
func (c *checker) plainFile(r *Repository, name string) bool {
	data, err := fs.ReadFile(r.Files, name)
	return err == nil && c.in.Encrypted != nil && len(bytes.TrimSpace(data)) > 0 && !c.in.Encrypted(name, data)
}

// ofAnApp reports whether a file lies where a chosen app is rendered from.
func (c *checker) ofAnApp(name string) bool {
	for i := range c.in.Apps {
		for _, p := range c.in.Apps[i].Paths {
			if p == "." || name == p || strings.HasPrefix(name, p+"/") {
				return true
			}
		}
	}
	return false
}

var plainWord = regexp.MustCompile(`\A[A-Za-z0-9._/@%+,-]+\z`)

// shellWord quotes a file name for a shell where it needs to be.
func shellWord(s string) string {
	if plainWord.MatchString(s) && !strings.HasPrefix(s, "-") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// definitions are the CustomResourceDefinitions of a file. Templates and what
// is no YAML have none; definitions that are wrong are reported by the app that
// has them.
func definitions(name string, data []byte) []*schema.CRD {
	if !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) || !bytes.Contains(data, []byte("CustomResourceDefinition")) {
		return nil
	}
	objects, err := object.ReadYAML(name, data)
	if err != nil {
		return nil
	}
	return ReadCRDs(objects)
}

// ReadCRDs gives the definitions among objects that can be read.
func ReadCRDs(objects []*object.Object) []*schema.CRD {
	var crds []*schema.CRD
	for _, o := range objects {
		if o.GVK() != schema.CRDKind() {
			continue
		}
		if crd, err := schema.ReadCRD(o); err == nil {
			crds = append(crds, crd)
		}
	}
	return crds
}

// placeInText finds "file:line" in the text of an error.
var placeInText = regexp.MustCompile(`([A-Za-z0-9_][A-Za-z0-9_./-]*\.(?:ya?ml|tpl|json|txt|lock|toml)):(\d+)`)

// renderFailed reports an app that could not be rendered, at the place that
// the error names.
func (c *checker) renderFailed(app *App) {
	err, rule := app.Err, RuleRender
	if app.Locked != nil {
		err, rule = app.Locked, RuleLockConflict
	}
	text := err.Error()
	f := Finding{Rule: rule, App: app.Name, env: app.Env, Hint: strings.Join(fault.HintsOf(err), "; "), stable: rule}
	locator := c.locators[app.Repository]
	for _, m := range placeInText.FindAllStringSubmatch(text, -1) {
		if locator.open(m[1]) != nil {
			f.File = m[1]
			f.Line, _ = strconv.Atoi(m[2])
			break
		}
	}
	if f.File == "" && len(app.Paths) > 0 {
		f.File = app.Paths[0]
	}
	f.Message = withoutPlace(strings.TrimSpace(strings.ReplaceAll(text, "\n", "; ")), app, f.File)
	c.add(app.Repository, nil, f)
}

var placeAtStart = regexp.MustCompile(`\A[^\s:]+:\d+(?::\d+)?: `)

// withoutPlace takes off the front of an error what the finding says anyway:
// the app, and the place when it is the finding's own.
func withoutPlace(text string, app *App, file string) string {
	label := app.Name
	if app.Env != "" {
		label += "/" + app.Env
	}
	text = strings.TrimPrefix(text, label+": ")
	if at := placeAtStart.FindString(text); at != "" && strings.HasPrefix(at, file+":") {
		text = text[len(at):]
	}
	return text
}
