package image

import (
	"archive/tar"
	"bytes"
	"slices"
	"time"
)

// layer is the file system: the program, a link for each of its names, the
// usual folders, and the accounts root and nobody.
func layer(program []byte, names []string) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(kind byte, name string, mode int64, link string, content []byte) error {
		header := tar.Header{Typeflag: kind, Name: name, Mode: mode, Linkname: link, Size: int64(len(content)), ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
		if err := w.WriteHeader(&header); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	for _, folder := range []string{"bin", "dev", "etc", "home", "proc", "root", "sys", "usr", "usr/bin", "usr/local", "usr/local/bin", "var"} {
		if err := add(tar.TypeDir, folder+"/", 0o755, "", nil); err != nil {
			return nil, err
		}
	}
	if err := add(tar.TypeDir, "tmp/", 0o1777, "", nil); err != nil {
		return nil, err
	}
	files := map[string]string{
		"etc/group":  "root:x:0:\nnogroup:x:65534:\n",
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
	}
	for _, name := range []string{"etc/group", "etc/passwd"} {
		if err := add(tar.TypeReg, name, 0o644, "", []byte(files[name])); err != nil {
			return nil, err
		}
	}
	if err := add(tar.TypeReg, "bin/busybox", 0o755, "", program); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if name == "busybox" {
			continue
		}
		if err := add(tar.TypeSymlink, "bin/"+name, 0o777, "busybox", nil); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
