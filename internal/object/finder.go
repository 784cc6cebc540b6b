package object

import (
	"cmp"
	"slices"
	"strings"
)

// pattern is one form of a sensitive value.
type pattern struct {
	text   string
	value  string
	strong bool // it is no ordinary word
}

// finder finds thousands of patterns in one pass over a text: the first six
// bytes of every pattern are a key, a bit field tells most places of a text
// apart from all keys, and a map knows the rest. Patterns can be added at any
// time, which an automaton would have to be built anew for.
type finder struct {
	bits  []uint64
	heads map[uint64][]pattern // by key, longest first
}

const (
	keyBytes = minSensitive
	keyMask  = 1<<(8*keyBytes) - 1
	bitsLog  = 20 // 128 KiB
	spread   = 0x9E3779B97F4A7C15
)

func bitOf(key uint64) (word int, bit uint64) {
	h := key * spread >> (64 - bitsLog)
	return int(h >> 6), 1 << (h & 63) //nolint:gosec // h has 20 bits
}

func (f *finder) add(p pattern) {
	if len(p.text) < keyBytes {
		return
	}
	if f.bits == nil {
		f.bits, f.heads = make([]uint64, 1<<(bitsLog-6)), map[uint64][]pattern{}
	}
	var key uint64
	for i := range keyBytes {
		key = key<<8 | uint64(p.text[i])
	}
	list := f.heads[key]
	for i := range list {
		if list[i].text == p.text {
			list[i].strong = list[i].strong || p.strong
			return
		}
	}
	at, _ := slices.BinarySearchFunc(list, p, func(a, b pattern) int { return cmp.Compare(len(b.text), len(a.text)) })
	f.heads[key] = slices.Insert(list, at, p)
	word, bit := bitOf(key)
	f.bits[word] |= bit
}

// each visits every place where a pattern begins, with the longest that does,
// from left to right until visit says no. Places may overlap.
func (f *finder) each(text string, visit func(from, to int, p pattern) bool) {
	if f.bits == nil {
		return
	}
	var key uint64
	for i := range len(text) {
		key = (key<<8 | uint64(text[i])) & keyMask
		if i < keyBytes-1 {
			continue
		}
		if word, bit := bitOf(key); f.bits[word]&bit == 0 {
			continue
		}
		from := i - keyBytes + 1
		for _, p := range f.heads[key] {
			if strings.HasPrefix(text[from:], p.text) {
				if !visit(from, from+len(p.text), p) {
					return
				}
				break
			}
		}
	}
}

// replace masks every place where a pattern stands. Places that overlap are
// masked as one, so that no end of a value stays.
func (f *finder) replace(text string, strong bool) string {
	var b strings.Builder
	done, from, to := 0, -1, -1
	flush := func() {
		if from >= 0 {
			b.WriteString(text[done:from])
			b.WriteString(Masked)
			done = to
		}
	}
	f.each(text, func(start, end int, p pattern) bool {
		switch {
		case strong && !p.strong:
		case from >= 0 && start <= to:
			to = max(to, end)
		default:
			flush()
			from, to = start, end
		}
		return true
	})
	if from < 0 {
		return text
	}
	flush()
	b.WriteString(text[done:])
	return b.String()
}
