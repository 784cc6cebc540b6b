package vendoring

import (
	"fmt"
	"strings"
)

// The kinds of conflicts beside those of package yamlmerge.
const (
	// KindText is a stretch of lines that both sides changed.
	KindText = "text"
	// KindBinary is a file that is no text and that both sides changed.
	KindBinary = "binary file"
	// KindMode is the executable bit.
	KindMode = "mode"
	// KindSubpackage is a package inside the package that both sides added.
	KindSubpackage = "subpackage added on both sides"
	// KindPath is a file where the other side has a folder.
	KindPath = "file and folder of one name"
	// The others are those of yamlmerge, for whole files.
	kindDeletedTheirs = "deleted upstream, changed here"
	kindDeletedOurs   = "deleted here, changed upstream"
	kindAdded         = "added on both sides"
)

// Conflict is one thing that changed here and upstream in different ways.
type Conflict struct {
	Kind string `json:"kind"`
	File string `json:"file"`
	// Resource and Path say where in the file; Line is that of our version, to
	// LastLine for text. They are 0 when we have none.
	Resource string `json:"resource,omitempty"`
	Path     string `json:"path,omitempty"`
	Line     int    `json:"line,omitempty"`
	LastLine int    `json:"lastLine,omitempty"`
	// The three values, empty where a side has none.
	Origin string `json:"origin"`
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"`
}

// Where is the place of a conflict for messages: file:line, resource and path.
func (c Conflict) Where() string {
	text := c.File
	switch {
	case c.LastLine > c.Line:
		text += fmt.Sprintf(":%d-%d", c.Line, c.LastLine)
	case c.Line > 0:
		text += fmt.Sprintf(":%d", c.Line)
	}
	if c.Resource != "" {
		text += " " + c.Resource
	}
	if c.Path != "" {
		text += " " + c.Path
	}
	return text
}

// Change is what becomes of one file.
type Change struct {
	File   string `json:"file"`
	Action string `json:"action"` // added, changed or deleted
}

// maxShown bounds the text of a side of a conflict.
const maxShown = 4 << 10

func clip(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return text[:maxShown] + fmt.Sprintf("… (%d bytes more)", len(text)-maxShown)
}

const hidden = "(hidden: a file with a Secret)"

// shown is the content of a file in a conflict.
func shown(f *File, secret bool) string {
	switch {
	case f == nil:
		return ""
	case secret:
		return hidden
	case isBinary(f.Data):
		return fmt.Sprintf("(%d bytes)", len(f.Data))
	}
	return clip(string(f.Data))
}

func isBinary(data []byte) bool {
	return strings.IndexByte(string(data[:min(len(data), 8<<10)]), 0) >= 0
}
