package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tugops/tug/internal/gittest"
	"github.com/tugops/tug/internal/registrytest"
)

// chartRepositories are the chart repositories of scripts, by $CHARTS.
type chartRepositories struct {
	l  *lab
	mu sync.Mutex
	by map[string]*registrytest.ChartRepository
}

// start runs a chart repository on loopback and sets $CHARTS to its URL:
// charts [USER PASSWORD].
func (c *chartRepositories) start(ts *testscript.TestScript, neg bool, args []string) {
	var o registrytest.Options
	switch {
	case neg || len(args) != 0 && len(args) != 2:
		ts.Fatalf("usage: charts [USER PASSWORD]")
	case len(args) == 2:
		o.User, o.Password = args[0], args[1]
	}
	repo := registrytest.NewCharts(c.l.t, o)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]*registrytest.ChartRepository{}
	}
	c.by[repo.URL] = repo
	ts.Setenv("CHARTS", repo.URL)
	ts.Setenv("CHARTS_HOST", strings.TrimPrefix(repo.URL, "http://"))
}

// uploads is charts for a repository that takes uploads: uploads
// chartmuseum|nexus [USER PASSWORD].
func (c *chartRepositories) uploads(ts *testscript.TestScript, neg bool, args []string) {
	var o registrytest.Options
	switch {
	case neg || len(args) != 1 && len(args) != 3:
		ts.Fatalf("usage: uploads chartmuseum|nexus [USER PASSWORD]")
	case len(args) == 3:
		o.User, o.Password = args[1], args[2]
	}
	repo := registrytest.NewUploads(c.l.t, registrytest.Dialect(args[0]), o)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]*registrytest.ChartRepository{}
	}
	c.by[repo.URL] = repo
	ts.Setenv("CHARTS", repo.URL)
}

// archive writes an archive that was uploaded into a file: archive NAME FILE.
func (c *chartRepositories) archive(ts *testscript.TestScript, neg bool, args []string) {
	c.mu.Lock()
	repo := c.by[ts.Getenv("CHARTS")]
	c.mu.Unlock()
	if neg || len(args) != 2 || repo == nil {
		ts.Fatalf("usage: archive NAME FILE, after uploads")
	}
	data := repo.Archive(args[0])
	if data == nil {
		ts.Fatalf("there is no %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// publish packs charts and adds them to the repository: publish FOLDER...
func (c *chartRepositories) publish(ts *testscript.TestScript, neg bool, args []string) {
	c.mu.Lock()
	repo := c.by[ts.Getenv("CHARTS")]
	c.mu.Unlock()
	if neg || len(args) == 0 || repo == nil {
		ts.Fatalf("usage: publish FOLDER..., after charts")
	}
	for _, folder := range args {
		files := map[string]string{}
		root := os.DirFS(ts.MkAbs(folder))
		ts.Check(fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(root, name)
			files[name] = string(data)
			return err
		}))
		repo.Add(files)
	}
}

// replace serves other bytes under a name: replace /NAME FILE.
func (c *chartRepositories) replace(ts *testscript.TestScript, neg bool, args []string) {
	c.mu.Lock()
	repo := c.by[ts.Getenv("CHARTS")]
	c.mu.Unlock()
	if neg || len(args) != 2 || repo == nil {
		ts.Fatalf("usage: replace /NAME FILE, after charts")
	}
	repo.File(path.Join("/", args[0]), []byte(ts.ReadFile(args[1])))
}

// serve publishes a folder as a Git repository over HTTP and sets $GITURL and
// $COMMIT: serve FOLDER.
func (c *chartRepositories) serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serve FOLDER")
	}
	repo := gittest.New(c.l.t)
	ts.Check(os.CopyFS(repo.Dir, os.DirFS(filepath.Clean(ts.MkAbs(args[0])))))
	ts.Setenv("COMMIT", repo.Commit("published"))
	ts.Setenv("GITURL", gittest.Serve(c.l.t, repo.Bare(), gittest.Access{ReadOnly: true}).URL)
}
