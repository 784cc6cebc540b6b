package git

import "github.com/go-git/go-git/v5/plumbing"

// TreeNames decodes a tree object for the fuzz test.
func TreeNames(data []byte) ([]string, error) {
	t, err := decodeTree(plumbing.ZeroHash, data)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(t.entries))
	for _, e := range t.entries {
		names = append(names, e.name)
	}
	return names, nil
}
