package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tugops/tug/internal/gittest"
)

// servegit serves a repository that a script made, as it is now, and sets a
// variable to its URL: servegit VARIABLE FOLDER. What is committed later gets
// there with git push.
func (l *lab) servegit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: servegit VARIABLE FOLDER")
	}
	bare := gittest.CloneURL(l.t, "file://"+filepath.ToSlash(ts.MkAbs(args[1])), "--bare")
	ts.Setenv(args[0], gittest.Serve(l.t, bare, gittest.Access{}).URL)
}

// pushfiles publishes folders as the layers of an artifact, as flux push and
// imgpkg do, and sets a variable to its digest: pushfiles VARIABLE
// REPOSITORY:TAG FOLDER...
func (r *registries) pushfiles(ts *testscript.TestScript, neg bool, args []string) {
	r.mu.Lock()
	reg := r.by[ts.Getenv("REGISTRY")]
	r.mu.Unlock()
	if neg || len(args) < 3 || reg == nil {
		ts.Fatalf("usage: pushfiles VARIABLE REPOSITORY:TAG FOLDER..., after registry")
	}
	var layers [][]byte
	for _, folder := range args[2:] {
		data, err := packFolder(ts.MkAbs(folder))
		ts.Check(err)
		layers = append(layers, data)
	}
	ts.Setenv(args[0], reg.PushLayers(args[1], "application/vnd.cncf.flux.config.v1+json", layers...))
}

// packto packs a folder into a file: packto FILE FOLDER.
func packto(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: packto FILE FOLDER")
	}
	data, err := packFolder(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// download keeps what a server on loopback gives: download FILE URL.
func download(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: download FILE URL")
	}
	res, err := http.Get(args[1])
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	if res.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", args[1], res.Status)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// packFolder makes a tar.gz of the files below a folder, links among them. A
// file named X.escape is packed as ../X.
func packFolder(dir string) ([]byte, error) {
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	out := tar.NewWriter(zip)
	err := filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&os.ModeSymlink != 0 {
			if link, err = os.Readlink(file); err != nil {
				return err
			}
		}
		head, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		head.Name = filepath.ToSlash(rel)
		if name, escapes := strings.CutSuffix(head.Name, ".escape"); escapes {
			head.Name = "../" + name
		}
		if err := out.WriteHeader(head); err != nil || link != "" {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		_, err = out.Write(data)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
