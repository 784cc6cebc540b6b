package render

import "context"

// Programs runs programs outside the render: KRM functions that are programs
// or containers, and ytt. Request.Allow says which of them a person switched
// on; without that nothing is run.
type Programs interface {
	// Look gives the path of an installed program, "" when there is none.
	Look(name string) string
	// Run runs a program to its end and gives what it wrote to its output.
	Run(ctx context.Context, p Program) ([]byte, error)
}

// Program is one run of a program. There is no shell, and the environment
// holds what Env says and nothing else.
type Program struct {
	// Name is for messages.
	Name string
	// Path is an installed program (from Look). Content is used instead when
	// it is set: a program that comes from the repository, run in a folder of
	// its own.
	Path    string
	Content []byte
	Args    []string
	Env     []string // "KEY=value"
	Input   []byte
	// Files are put into the folder that the program runs in, by their paths.
	Files []File
}
