package project

import (
	"io/fs"
	"path"
)

// Environment is the chosen environment, or the only one, and its name; both
// are zero for a project without environments.
func (p *Project) Environment(name string) (string, Environment, error) {
	name, err := p.environment(name)
	return name, p.Environments[name], err
}

// Over is the project as it stands, with the files of its apps taken from
// elsewhere: another branch or repository. Root is the folder there that paths
// are relative to.
func (p *Project) Over(files fs.FS, root string) *Project {
	q := *p
	q.files, q.Root = files, path.Clean(root)
	return &q
}
