package object

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// The tags of a packed value.
const (
	packNull byte = iota
	packFalse
	packTrue
	packInt    // zigzag varint
	packNumber // text of a number that is no int64
	packFloat  // text of a float64
	packString
	packMap  // count, then key and value in order of keys
	packList // count, then values
)

// Packer writes fields of objects in a form that is read back several times
// faster than JSON. Every text is written once. The form is for caches: its
// version is whoever uses it to keep.
type Packer struct {
	texts map[string]uint64
	table []string
	body  []byte
}

// Add writes a value: what Object.Fields may hold, else its JSON text's value
// is an error.
func (p *Packer) Add(v any) error {
	switch v := v.(type) {
	case nil:
		p.body = append(p.body, packNull)
	case bool:
		p.body = append(p.body, packFalse)
		if v {
			p.body[len(p.body)-1] = packTrue
		}
	case int64:
		p.body = binary.AppendVarint(append(p.body, packInt), v)
	case json.Number:
		p.text(packNumber, v.String())
	case float64:
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		p.text(packFloat, string(data))
	case string:
		p.text(packString, v)
	case map[string]any:
		p.body = binary.AppendUvarint(append(p.body, packMap), uint64(len(v)))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			p.body = binary.AppendUvarint(p.body, p.index(key))
			if err := p.Add(v[key]); err != nil {
				return err
			}
		}
	case []any:
		p.body = binary.AppendUvarint(append(p.body, packList), uint64(len(v)))
		for _, item := range v {
			if err := p.Add(item); err != nil {
				return err
			}
		}
	default:
		return errors.New("value of a type that objects do not have")
	}
	return nil
}

func (p *Packer) text(tag byte, s string) {
	p.body = binary.AppendUvarint(append(p.body, tag), p.index(s))
}

func (p *Packer) index(s string) uint64 {
	if i, ok := p.texts[s]; ok {
		return i
	}
	if p.texts == nil {
		p.texts = map[string]uint64{}
	}
	i := uint64(len(p.table))
	p.texts[s], p.table = i, append(p.table, s)
	return i
}

// Bytes is everything that was added.
func (p *Packer) Bytes() []byte {
	var lengths, texts []byte
	for _, s := range p.table {
		lengths = binary.AppendUvarint(lengths, uint64(len(s)))
		texts = append(texts, s...)
	}
	out := binary.AppendUvarint(nil, uint64(len(p.table)))
	out = append(out, lengths...)
	out = append(out, texts...)
	return append(out, p.body...)
}

var errPacked = errors.New("packed values are damaged")

// maxPackDepth bounds how deep values are nested.
const maxPackDepth = 1000

// Unpacker reads what a Packer wrote, value by value.
type Unpacker struct {
	table []string
	body  []byte
}

// NewUnpacker reads the texts; damaged data is an error here or later, and
// costs no more memory than a few times its size.
func NewUnpacker(data []byte) (*Unpacker, error) {
	n, used := binary.Uvarint(data)
	if used <= 0 || n > uint64(len(data)) {
		return nil, errPacked
	}
	data = data[used:]
	ends := make([]uint64, n)
	var total uint64
	for i := range ends {
		size, used := binary.Uvarint(data)
		if used <= 0 || size > uint64(len(data)) {
			return nil, errPacked
		}
		total += size
		ends[i], data = total, data[used:]
	}
	if total > uint64(len(data)) {
		return nil, errPacked
	}
	all, table, from := string(data[:total]), make([]string, n), uint64(0)
	for i, end := range ends {
		table[i], from = all[from:end], end
	}
	return &Unpacker{table: table, body: data[total:]}, nil
}

// Next reads one value.
func (u *Unpacker) Next() (any, error) { return u.value(0) }

// Done reports whether everything was read.
func (u *Unpacker) Done() bool { return len(u.body) == 0 }

func (u *Unpacker) value(depth int) (any, error) {
	if len(u.body) == 0 || depth > maxPackDepth {
		return nil, errPacked
	}
	tag := u.body[0]
	u.body = u.body[1:]
	switch tag {
	case packNull:
		return nil, nil
	case packFalse, packTrue:
		return tag == packTrue, nil
	case packInt:
		n, used := binary.Varint(u.body)
		if used <= 0 {
			return nil, errPacked
		}
		u.body = u.body[used:]
		return n, nil
	case packMap:
		return u.fields(depth)
	case packList:
		return u.items(depth)
	}
	text, err := u.text()
	if err != nil {
		return nil, err
	}
	switch tag {
	case packString:
		return text, nil
	case packNumber:
		return json.Number(text), nil
	case packFloat:
		var f float64
		if json.Unmarshal([]byte(text), &f) != nil {
			return nil, errPacked
		}
		return f, nil
	}
	return nil, errPacked
}

func (u *Unpacker) fields(depth int) (any, error) {
	n, err := u.count()
	if err != nil {
		return nil, err
	}
	m := make(map[string]any, n)
	for range n {
		key, err := u.text()
		if err != nil {
			return nil, err
		}
		if m[key], err = u.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (u *Unpacker) items(depth int) (any, error) {
	n, err := u.count()
	if err != nil {
		return nil, err
	}
	list := make([]any, n)
	for i := range list {
		if list[i], err = u.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// count reads a length. Every item takes a byte at least.
func (u *Unpacker) count() (uint64, error) {
	n, used := binary.Uvarint(u.body)
	if used <= 0 || n > uint64(len(u.body)-used) {
		return 0, errPacked
	}
	u.body = u.body[used:]
	return n, nil
}

func (u *Unpacker) text() (string, error) {
	i, used := binary.Uvarint(u.body)
	if used <= 0 || i >= uint64(len(u.table)) {
		return "", errPacked
	}
	u.body = u.body[used:]
	return u.table[i], nil
}
