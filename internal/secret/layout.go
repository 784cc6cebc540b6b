package secret

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// layout is how a file is written: the indentation of its maps.
type layout struct {
	// indent in spaces; 0 is the library's own: 4 for YAML, tabs for JSON.
	indent int
}

var yamlIndent = regexp.MustCompile(`(?m)^[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( +)[^\s#-]`)

// layoutOf finds how a file is indented, so that it is written so again.
func layoutOf(format Format, data []byte) layout {
	switch format {
	case YAML:
		// In an encrypted file the map of the metadata was written by a
		// program; it is the better witness.
		if at := bytes.Index(data, []byte("\nsops:\n")); at >= 0 {
			if m := yamlIndent.FindSubmatch(data[at+1:]); m != nil {
				return layout{len(m[1])}
			}
		}
		if m := yamlIndent.FindSubmatch(data); m != nil {
			return layout{len(m[1])}
		}
	case JSON, Binary:
		var v json.RawMessage
		if json.Unmarshal(data, &v) != nil {
			return layout{}
		}
		_, rest, _ := bytes.Cut(data, []byte("\n"))
		return layout{len(rest) - len(bytes.TrimLeft(rest, " "))}
	}
	return layout{}
}
