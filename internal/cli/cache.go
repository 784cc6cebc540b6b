package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tugops/tug/internal/rendercache"
	"github.com/tugops/tug/internal/snapshot"
)

// cached builds snapshots, with the render cache unless --no-cache is given.
// One is shared by all that a command renders.
func (e *Env) cached(in input) *snapshot.Cached {
	e.rendersOnce.Do(func() {
		e.renders = &snapshot.Cached{Builder: e.builder(), Tool: e.identity()}
		switch {
		case !in.NoCache:
			e.renders.Cache = &rendercache.Cache{Dir: e.cacheDir("renders")}
		case in.twice:
			e.renders.Cache = &rendercache.Cache{}
		}
	})
	return e.renders
}

// trimCache brings the render cache back below its size when a command is
// done.
func (e *Env) trimCache() {
	if e.renders == nil || e.renders.Cache == nil {
		return
	}
	if err := e.renders.Cache.Trim(); err != nil {
		e.warn(err.Error())
	}
}

// cacheDir is a folder in cacheFolder; "" where the environment names no place
// for it.
func (e *Env) cacheDir(name string) string {
	if e.Getenv("TUG_CACHE_DIR") == "" && !filepath.IsAbs(e.Getenv("XDG_CACHE_HOME")) && !filepath.IsAbs(e.Getenv("HOME")) {
		return ""
	}
	return filepath.Join(e.cacheFolder(), name)
}

// identity tells this build of tug from every other: version, commit, and size
// and time of the program itself, since a changed source tree keeps its commit.
func (e *Env) identity() string {
	file, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("tug %s %s %d %d", Release, e.Commit, info.Size(), info.ModTime().UnixNano())
}
