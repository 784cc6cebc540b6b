package registry

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/tugops/tug/internal/fault"
)

// budget bounds what one step of the decoder may take from a reader.
type budget struct {
	r    io.Reader
	left int
}

var errBudget = errors.New("one version is described with too much text")

// Read implements io.Reader.
func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// scanJSON reads an index that is JSON, one version at a time.
func scanJSON(r io.Reader, emit func(string, []byte) error) error {
	in := &budget{r: r, left: maxLine}
	s := &jsonScanner{in: in, dec: json.NewDecoder(in), emit: emit}
	err := s.index()
	if err == nil && !s.version {
		return fault.New(fault.Invalid, "this is no index of a chart repository: it has no apiVersion")
	}
	if _, ok := errors.AsType[*fault.Error](err); err != nil && !ok {
		return fault.New(fault.Invalid, "the index is no valid JSON: %w", err)
	}
	return err
}

type jsonScanner struct {
	in      *budget
	dec     *json.Decoder
	emit    func(string, []byte) error
	version bool
	names   int
}

// value decodes the next value; the budget begins anew with each.
func (s *jsonScanner) value(into any) error {
	s.in.left = maxLine
	return s.dec.Decode(into)
}

// object calls f for each key of an object; f takes the value.
func (s *jsonScanner) object(f func(key string) error) error {
	s.in.left = maxLine
	open, err := s.dec.Token()
	if err != nil {
		return err
	}
	if open == nil {
		return nil
	}
	if open != json.Delim('{') {
		return errors.New("an object is needed")
	}
	for s.dec.More() {
		key, err := s.dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if err := f(name); err != nil {
			return err
		}
		s.in.left = maxLine
	}
	_, err = s.dec.Token()
	return err
}

func (s *jsonScanner) index() error {
	return s.object(func(key string) error {
		switch key {
		case "apiVersion":
			var v string
			err := s.value(&v)
			s.version = v != ""
			return err
		case "entries":
			return s.object(s.chart)
		}
		var skip json.RawMessage
		return s.value(&skip)
	})
}

func (s *jsonScanner) chart(name string) error {
	if s.names++; s.names > maxNames {
		return fault.New(fault.Invalid, "the index names more than %d charts", maxNames)
	}
	s.in.left = maxLine
	open, err := s.dec.Token()
	if err != nil {
		return err
	}
	if open == nil {
		return nil
	}
	if open != json.Delim('[') {
		return errors.New("a list of versions is needed")
	}
	var entries []entry
	for s.dec.More() {
		var e entry
		if err := s.value(&e); err != nil {
			return err
		}
		entries = append(entries, e)
	}
	if _, err := s.dec.Token(); err != nil {
		return err
	}
	return emitEntries(name, entries, s.emit)
}
