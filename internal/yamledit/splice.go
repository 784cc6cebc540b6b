package yamledit

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// ErrNoSplice says that a change cannot be made by replacing a few bytes.
var ErrNoSplice = errors.New("no splice")

// Splice replaces the bytes between two offsets.
type Splice struct {
	From, To int
	Text     string
}

// Join makes splices, which must not overlap.
func Join(text []byte, splices []Splice) ([]byte, error) {
	slices.SortStableFunc(splices, func(a, b Splice) int { return a.From - b.From })
	var out bytes.Buffer
	pos := 0
	for _, s := range splices {
		if s.From < pos || s.To < s.From || s.To > len(text) {
			return nil, ErrNoSplice
		}
		out.Write(text[pos:s.From])
		if s.From == len(text) && out.Len() > 0 && s.Text != "" && out.Bytes()[out.Len()-1] != '\n' && strings.HasSuffix(s.Text, "\n") {
			out.WriteByte('\n') // behind a last line without its end
		}
		out.WriteString(s.Text)
		pos = s.To
	}
	out.Write(text[pos:])
	return out.Bytes(), nil
}
