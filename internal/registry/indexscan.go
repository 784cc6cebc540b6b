package registry

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Indexes grow to hundreds of megabytes (helm#11509), nearly all of it said of
// charts and versions that nobody asked for. The scanner looks at lines only:
// it finds the charts and versions by their indentation, keeps the three keys
// that matter, and leaves it to YAML to read those of the one chart that is
// wanted.
const (
	maxLine  = 16 << 20  // one line, in bytes
	maxEntry = 16 << 20  // what is kept of one chart
	maxNames = 1_000_000 // charts
	maxWhole = 16 << 20  // an index in an unusual form, which is parsed whole
)

// entry is one version of a chart.
type entry struct {
	Version string   `yaml:"version" json:"version"`
	URLs    []string `yaml:"urls" json:"urls"`
	Digest  string   `yaml:"digest" json:"digest"`
}

// errUnusual is for YAML that does not have the form which Helm and all
// repository servers write: it can be read only as a whole.
var errUnusual = errors.New("unusual form")

// scanIndex reads an index and calls emit once per chart, with a YAML list of
// entries.
func scanIndex(r io.Reader, emit func(name string, chunk []byte) error) error {
	head := &headReader{r: r}
	in := bufio.NewReaderSize(head, 256<<10)
	first, err := firstByte(in)
	if err != nil {
		return fault.New(fault.Invalid, "the index is empty")
	}
	if first == '{' {
		return scanJSON(in, emit)
	}
	s := &indexScanner{emit: emit, entryIndent: -1, itemIndent: -1, keyIndent: -1}
	err = s.lines(in)
	if errors.Is(err, errUnusual) {
		return scanWhole(in, head, emit)
	}
	if err == nil && !s.version {
		return fault.New(fault.Invalid, "this is no index of a chart repository: it has no apiVersion")
	}
	return err
}

func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if b == 0xef || b == 0xbb || b == 0xbf || b == ' ' || b == '\n' || b == '\r' || b == '\t' {
			if b == ' ' {
				return b, in.UnreadByte()
			}
			continue
		}
		return b, in.UnreadByte()
	}
}

// indexScanner is a position in the lines of an index.
type indexScanner struct {
	emit    func(string, []byte) error
	version bool // apiVersion was seen
	inside  bool // below entries
	names   int

	entryIndent int // of names of charts
	itemIndent  int // of the dash of a version
	keyIndent   int // of its keys

	name  string
	named bool
	keep  bool // the current key is one that matters
	fresh bool // no line of the current version was kept so far
	chunk bytes.Buffer
}

func (s *indexScanner) lines(in *bufio.Reader) error {
	for {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(line) > 0 {
			if err := s.line(bytes.TrimRight(line, "\r\n")); err != nil {
				return err
			}
		}
		if err != nil {
			return s.flush()
		}
	}
}

func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = in.ReadSlice('\n')
		long = append(long, line...)
		if len(long) > maxLine {
			return nil, fault.New(fault.Invalid, "the index has a line of more than %d MiB", maxLine>>20)
		}
	}
	return long, err
}

func (s *indexScanner) line(line []byte) error {
	text := bytes.TrimLeft(line, " ")
	indent := len(line) - len(text)
	if len(text) == 0 {
		if s.keep {
			s.keepLine(nil)
		}
		return nil
	}
	// Deeper than its key, it may be part of a block of text.
	if text[0] == '#' && (!s.keep || indent <= s.keyIndent) {
		return nil
	}
	switch {
	case indent == 0:
		return s.top(text)
	case !s.inside:
		return nil
	}
	if s.entryIndent < 0 {
		s.entryIndent = indent
	}
	dash := text[0] == '-' && (len(text) == 1 || text[1] == ' ')
	switch {
	case indent < s.entryIndent:
		return errUnusual
	case indent == s.entryIndent && !dash:
		return s.chart(text)
	case !s.named:
		return errUnusual
	case dash && (s.itemIndent < 0 || indent == s.itemIndent):
		s.itemIndent = indent
		return s.item(text, indent)
	}
	return s.inItem(line, text, indent, dash)
}

// top is a key of the index itself.
func (s *indexScanner) top(text []byte) error {
	if bytes.HasPrefix(text, []byte("---")) && s.names == 0 && !s.inside {
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.inside = false
	key, rest, ok := splitKey(text)
	switch {
	case !ok:
		return errUnusual
	case key == "apiVersion":
		s.version = len(rest) > 0
	case key == "entries":
		s.inside = true
		if len(rest) > 0 && string(rest) != "{}" && string(rest) != "null" {
			return errUnusual
		}
	}
	return nil
}

// chart begins the versions of a chart.
func (s *indexScanner) chart(text []byte) error {
	if err := s.flush(); err != nil {
		return err
	}
	key, rest, ok := splitKey(text)
	if !ok || len(rest) > 0 && string(rest) != "[]" && string(rest) != "null" {
		return errUnusual
	}
	if s.names++; s.names > maxNames {
		return fault.New(fault.Invalid, "the index names more than %d charts", maxNames)
	}
	s.name, s.named, s.itemIndent, s.keyIndent, s.keep = key, true, -1, -1, false
	return nil
}

// item begins one version.
func (s *indexScanner) item(text []byte, indent int) error {
	s.keep, s.fresh, s.keyIndent = false, true, -1
	rest := bytes.TrimLeft(text[1:], " ")
	if len(rest) == 0 {
		return nil
	}
	s.keyIndent = indent + len(text) - len(rest)
	return s.key(rest)
}

func (s *indexScanner) inItem(line, text []byte, indent int, dash bool) error {
	if s.keyIndent < 0 && s.itemIndent >= 0 && indent > s.itemIndent {
		s.keyIndent = indent
	}
	switch {
	case s.keyIndent < 0 || indent < s.keyIndent:
		return errUnusual
	case indent == s.keyIndent && !dash:
		return s.key(text)
	case s.keep:
		s.keepLine(line[s.keyIndent:])
	}
	return s.bounded()
}

func (s *indexScanner) key(text []byte) error {
	key, rest, ok := splitKey(text)
	if !ok || len(rest) > 0 && (rest[0] == '*' || rest[0] == '&') {
		return errUnusual
	}
	s.keep = key == "version" || key == "urls" || key == "digest"
	if s.keep {
		s.keepLine(text)
	}
	return s.bounded()
}

func (s *indexScanner) keepLine(text []byte) {
	if s.fresh {
		s.chunk.WriteString("- ")
		s.fresh = false
	} else {
		s.chunk.WriteString("  ")
	}
	s.chunk.Write(text)
	s.chunk.WriteByte('\n')
}

func (s *indexScanner) bounded() error {
	if s.chunk.Len() > maxEntry {
		return fault.New(fault.Invalid, "the index says more than %d MiB about chart %q", maxEntry>>20, s.name)
	}
	return nil
}

func (s *indexScanner) flush() error {
	if !s.named {
		return nil
	}
	err := s.emit(s.name, s.chunk.Bytes())
	s.chunk.Reset()
	s.name, s.named, s.keep = "", false, false
	s.itemIndent, s.keyIndent = -1, -1
	return err
}

// splitKey reads "key: rest", with a plain or quoted key and no comment.
func splitKey(text []byte) (key string, rest []byte, ok bool) {
	if text[0] == '"' || text[0] == '\'' {
		end := bytes.IndexByte(text[1:], text[0])
		if end < 0 || bytes.IndexByte(text[1:end+1], '\\') >= 0 {
			return "", nil, false
		}
		key, text = string(text[1:end+1]), text[end+2:]
	} else {
		if strings.IndexByte("?{[&*!|>%@`", text[0]) >= 0 {
			return "", nil, false
		}
		at := bytes.IndexByte(text, ':')
		if at < 0 {
			return "", nil, false
		}
		key, text = string(text[:at]), text[at:]
	}
	if len(text) == 0 || text[0] != ':' || len(text) > 1 && text[1] != ' ' {
		return "", nil, false
	}
	rest = bytes.TrimSpace(text[1:])
	if len(rest) > 0 && rest[0] == '#' {
		rest = nil
	}
	return key, rest, true
}
