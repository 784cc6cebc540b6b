package git

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"

	"github.com/tugops/tug/internal/fault"
)

// maxPointer is the size limit of a Git LFS pointer file (its specification).
const maxPointer = 1024

var lfsOID = regexp.MustCompile(`(?m)^oid sha256:([0-9a-f]{64})$`)

// lfsPointer recognises the file that stands in Git for a Git LFS object.
func lfsPointer(data []byte) (oid string, ok bool) {
	if len(data) > maxPointer || !bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/v1\n")) {
		return "", false
	}
	m := lfsOID.FindSubmatch(data)
	if m == nil {
		return "", false
	}
	return string(m[1]), true
}

func lfsError() *fault.Error {
	return fault.New(fault.Invalid, "a Git LFS pointer: its content is not in the repository")
}

// readLFS gives an object from the local store of Git LFS, when it has it.
func readLFS(dir, oid string) ([]byte, error) {
	missing := lfsError().Hint("get the content: git lfs fetch --all, or keep files that are rendered in Git itself")
	file := filepath.Join(dir, oid[0:2], oid[2:4], oid)
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return nil, missing
	}
	if info.Size() > maxFile {
		return nil, tooLarge(info.Size())
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, missing
	}
	if sha256Hex(data) != oid {
		return nil, fault.New(fault.Invalid, "the local copy of Git LFS object %s is damaged", oid).Hint("git lfs fsck repairs it")
	}
	return data, nil
}

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
