package object

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxTried bounds how many lines are tried out to find a syntax error, and so
// the time for a large file.
const maxTried = 500

var lineInError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

// SyntaxError says where YAML is wrong and how, from the error that the parser
// gave for data. Line and column are 1-based, 0 when they are not known.
//
// The parser knows no column, and for most errors the line before the one where
// the construct begins that it cannot finish. The line that matters is the one
// after the last whole text: up to there data can be read.
func SyntaxError(data []byte, err error) (line, column int, text string) {
	m := lineInError.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	line, _ = strconv.Atoi(m[1])
	text = strings.TrimPrefix(m[2], "yaml: ")
	lines := bytes.SplitAfter(data, []byte("\n"))
	if line > len(lines) {
		return line, 0, text
	}
	if whole := lastWhole(lines, max(line-1, 0)); whole >= 0 {
		line = whole + 1
	}
	for line < len(lines) && line > 0 && blank(lines[line-1]) {
		line++
	}
	if line == 0 {
		return 0, 0, text
	}
	return line, columnOf(lines[line-1]), text
}

// lastWhole is the largest number of lines, from a first one on, that are YAML
// by themselves, or -1 when none is.
func lastWhole(lines [][]byte, first int) int {
	whole := -1
	for n := first; n < len(lines) && n <= first+maxTried; n++ {
		if parses(bytes.Join(lines[:n], nil)) {
			whole = n
		}
	}
	return whole
}

func parses(data []byte) bool {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var node yaml.Node
		switch err := dec.Decode(&node); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return false
		}
	}
}

func blank(line []byte) bool {
	text := bytes.TrimSpace(line)
	return len(text) == 0 || text[0] == '#'
}

// columnOf is the first character of a line that is no space: the content, or
// a tab that is used for indentation.
func columnOf(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) + 1 }
