package secret

import (
	"bytes"
	"slices"
)

// splice gives text in the form of the file that it replaces. What a store
// writes is one form of a file; somebody may have written it in another (quotes,
// line breaks, blank lines). Where that is so, only the lines that differ between
// the store's form of the old content and of the new are put into the old text,
// if that means the same.
func splice(f *file, l layout, old, text []byte) []byte {
	before, err := f.format.store(l).LoadEncryptedFile(old)
	if err != nil {
		return text
	}
	base, err := f.format.store(l).EmitEncryptedFile(before)
	if err != nil || bytes.Equal(base, old) {
		return text
	}
	merged := mergeLines(lines(base), lines(old), lines(text))
	got, err := f.format.store(l).LoadEncryptedFile(merged)
	if err != nil {
		return text
	}
	again, err := f.format.store(l).EmitEncryptedFile(got)
	if err != nil || !bytes.Equal(again, text) {
		return text
	}
	return merged
}

func lines(data []byte) []string {
	var list []string
	for line := range bytes.Lines(data) {
		list = append(list, string(line))
	}
	return list
}

// mergeLines puts the changes from base to next into old, another form of
// base. Where both differ from base, next wins.
func mergeLines(base, old, next []string) []byte {
	inOld, inNext := match(base, old), match(base, next)
	var out []string
	b, o, n := 0, 0, 0
	for {
		// The next line of base that both have ends a region.
		end := b
		for end < len(base) && (inOld[end] < 0 || inNext[end] < 0) {
			end++
		}
		oldEnd, nextEnd := len(old), len(next)
		if end < len(base) {
			oldEnd, nextEnd = inOld[end], inNext[end]
		}
		if slices.Equal(base[b:end], next[n:nextEnd]) {
			out = append(out, old[o:oldEnd]...)
		} else {
			out = append(out, next[n:nextEnd]...)
		}
		if end == len(base) {
			return []byte(concat(out))
		}
		out = append(out, old[oldEnd])
		b, o, n = end+1, oldEnd+1, nextEnd+1
	}
}

func concat(list []string) string {
	var b bytes.Buffer
	for _, s := range list {
		b.WriteString(s)
	}
	return b.String()
}

// maxMatch bounds the work of match: lines of one text times lines of the
// other, once equal beginnings and ends are off.
const maxMatch = 4 << 20

// match gives for each line of a its place in b, or -1: a longest common
// subsequence, increasing.
func match(a, b []string) []int {
	at := make([]int, len(a))
	for i := range at {
		at[i] = -1
	}
	from, aEnd, bEnd := 0, len(a), len(b)
	for from < aEnd && from < bEnd && a[from] == b[from] {
		at[from] = from
		from++
	}
	for aEnd > from && bEnd > from && a[aEnd-1] == b[bEnd-1] {
		aEnd--
		bEnd--
		at[aEnd] = bEnd
	}
	rows, cols := aEnd-from, bEnd-from
	if rows*cols > maxMatch {
		return at
	}
	longest := make([][]int32, rows+1)
	for i := range longest {
		longest[i] = make([]int32, cols+1)
	}
	for i := rows - 1; i >= 0; i-- {
		for j := cols - 1; j >= 0; j-- {
			if a[from+i] == b[from+j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < rows && j < cols; {
		switch {
		case a[from+i] == b[from+j]:
			at[from+i] = from + j
			i++
			j++
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return at
}
