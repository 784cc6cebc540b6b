package git

import "github.com/go-git/go-git/v5/plumbing/filemode"

// BlobName is Git's name of a file's content, without reading it. It is false
// for what is no file. Of a Git LFS object it is the name of the pointer, which
// tells contents apart as well.
func (t *treeFS) BlobName(name string) (string, bool) {
	n, err := t.find("open", name, true)
	if err != nil || n.mode == filemode.Dir || n.mode == filemode.Submodule {
		return "", false
	}
	return n.hash.String(), true
}
