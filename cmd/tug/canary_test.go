package main

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// tells fails unless a value is found in files and folders: tells VALUE PATH...
// Negated, it must be in none of them: neither as it is nor in base64, alone or
// within a longer text, nor compressed.
func tells(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: tells VALUE PATH...")
	}
	value, looked := []byte(args[0]), 0
	var found []string
	for _, name := range args[1:] {
		err := filepath.WalkDir(ts.MkAbs(name), func(file string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			looked++
			if holds(data, value) || strings.Contains(file, args[0]) {
				found = append(found, file)
			}
			return nil
		})
		ts.Check(err)
	}
	switch {
	case looked == 0:
		ts.Fatalf("there is nothing to look at")
	case neg && len(found) > 0:
		ts.Fatalf("%s is told by %s", args[0], strings.Join(found, ", "))
	case !neg && len(found) == 0:
		ts.Fatalf("%s is in none of %d files", args[0], looked)
	}
}

var base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}`)

func holds(data, value []byte) bool {
	if bytes.Contains(data, value) {
		return true
	}
	for _, run := range base64Run.FindAll(data, -1) {
		text := strings.NewReplacer("-", "+", "_", "/").Replace(string(run))
		for from := range 4 {
			part := text[min(from, len(text)):]
			if len(part)%4 == 1 {
				part = part[:len(part)-1]
			}
			plain, err := base64.RawStdEncoding.DecodeString(part)
			if err == nil && bytes.Contains(plain, value) {
				return true
			}
		}
	}
	if len(data) > 4 { // the render cache: a checksum, then s2
		if n, err := s2.DecodedLen(data[4:]); err == nil && n < 64<<20 {
			if plain, err := s2.Decode(nil, data[4:]); err == nil && bytes.Contains(plain, value) {
				return true
			}
		}
	}
	if r, err := zstd.NewReader(nil); err == nil {
		defer r.Close()
		if plain, err := r.DecodeAll(data, nil); err == nil && len(plain) > 0 {
			return holds(plain, value)
		}
	}
	return false
}
