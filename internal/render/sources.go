package render

import (
	"context"
	"io/fs"

	"github.com/tugops/tug/internal/object"
)

// Sources gives what a render needs from outside the repository. It is the
// only way out: a Request without Sources renders from the repository alone.
// What it gives is what the locks say, or an error that names the lock.
//
// Sources with a method Complete() bool that says true are asked for all that
// is declared, also for what the values of the render switch off: they write a
// lock, which has to hold for other values too.
type Sources interface {
	// Chart gives one Helm chart, unpacked or packed (see Package.Path).
	Chart(ctx context.Context, r ChartRef) (Package, error)
	// Tree gives the files of a Git repository at one commit.
	Tree(ctx context.Context, r TreeRef) (Package, error)
}

// ChartRef asks for a chart.
type ChartRef struct {
	// Repository is where the chart is kept: https://…, oci://…, s3://…,
	// gs://…, azblob://…, git+https://… or git+ssh://….
	Repository string
	// Name in the repository; empty where an oci:// reference names it.
	Name string
	// Version is exact or a range; empty for the newest that is no
	// pre-release. An OCI digest is written "sha256:…".
	Version string
	// From is where it is asked for, for errors and for the lock.
	From object.Source
}

// TreeRef asks for a Git tree.
type TreeRef struct {
	URL string
	// Ref is a branch, tag or full commit hash; empty for the default branch.
	Ref  string
	From object.Source
}

// Package is what Sources give: files that must not be written to.
type Package struct {
	Files fs.FS
	// Path of the chart or tree inside Files: a folder, or a packed chart.
	Path string
	// Version of the chart as found, Digest ("sha256:…") of its content,
	// Commit of a Git tree.
	Version, Digest, Commit string
}
