package textmerge_test

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/textmerge"
)

// text makes a line of every letter.
func text(letters string) []byte {
	var b bytes.Buffer
	for _, l := range letters {
		b.WriteRune(l)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                 string
		origin, ours, theirs string
		want                 string
		clashes              int
	}{
		{"nothing", "abc", "abc", "abc", "abc", 0},
		{"ours only", "abc", "aXc", "abc", "aXc", 0},
		{"theirs only", "abc", "abc", "aXc", "aXc", 0},
		{"both alike", "abc", "aXc", "aXc", "aXc", 0},
		{"apart", "abcdefg", "aXcdefg", "abcdeYg", "aXcdeYg", 0},
		{"same line", "abc", "aXc", "aYc", "aXc", 1},
		{"side by side", "abcd", "aXcd", "abYd", "aXcd", 1},
		{"inserted at one place", "ab", "aXb", "aYb", "aXb", 1},
		{"deleted and changed", "abc", "ac", "aYc", "ac", 1},
		{"deleted and kept", "abc", "ac", "abc", "ac", 0},
		{"deleted on both", "abc", "ac", "ac", "ac", 0},
		{"added to nothing", "", "a", "b", "a", 1},
		{"moved here, changed there", "abcde", "eabcd", "abXde", "eabXd", 0},
		{"prefix and suffix", "abc", "Xabc", "abcY", "XabcY", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, clashes := textmerge.Merge(text(tc.origin), text(tc.ours), text(tc.theirs), textmerge.None)
			if diff := cmp.Diff(string(text(tc.want)), string(got)); diff != "" {
				t.Error(diff)
			}
			if len(clashes) != tc.clashes {
				t.Errorf("%d clashes, want %d: %v", len(clashes), tc.clashes, clashes)
			}
		})
	}
}

func TestClashSaysWhere(t *testing.T) {
	t.Parallel()
	got, clashes := textmerge.Merge([]byte("a\nb\nc\n"), []byte("a\nours\nc\n"), []byte("a\ntheirs\nc\n"), textmerge.PreferTheirs)
	if string(got) != "a\ntheirs\nc\n" {
		t.Errorf("merged %q", got)
	}
	want := []textmerge.Clash{{Line: textmerge.Range{From: 2, To: 2}, Origin: "b\n", Ours: "ours\n", Theirs: "theirs\n"}}
	if diff := cmp.Diff(want, clashes); diff != "" {
		t.Error(diff)
	}
}

func TestLastLineWithoutEnd(t *testing.T) {
	t.Parallel()
	got, clashes := textmerge.Merge([]byte("a\nb\nc"), []byte("x\na\nb\nc"), []byte("a\nb\nc\nd"), textmerge.None)
	// c without and with its line end are two different lines.
	if string(got) != "x\na\nb\nc\nd" || len(clashes) != 0 {
		t.Errorf("merged %q, clashes %v", got, clashes)
	}
}

// TestLaws: what did not change on one side is what the other side says, and
// the names of the sides do not matter.
func TestLaws(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(1))
	for range 3000 {
		o, u, th := some(random), some(random), some(random)
		laws(t, o, u, th)
		laws(t, o, edit(random, o), edit(random, o))
	}
}

func laws(t *testing.T, o, u, th []byte) {
	t.Helper()
	for _, c := range []struct{ o, u, t, want []byte }{{o, o, u, u}, {o, u, o, u}, {o, u, u, u}} {
		if got, clashes := textmerge.Merge(c.o, c.u, c.t, textmerge.None); !bytes.Equal(got, c.want) || len(clashes) > 0 {
			t.Errorf("merge(%q, %q, %q) = %q, %v", c.o, c.u, c.t, got, clashes)
		}
	}
	a, ca := textmerge.Merge(o, u, th, textmerge.PreferTheirs)
	b, cb := textmerge.Merge(o, th, u, textmerge.PreferOurs)
	if !bytes.Equal(a, b) || len(ca) != len(cb) {
		t.Errorf("merge(%q, %q, %q) is not symmetric: %q and %q", o, u, th, a, b)
	}
	nothingLost(t, o, u, th, a, ca)
}

// nothingLost: a line that one side has and the origin has not is in the
// result or in a clash.
func nothingLost(t *testing.T, o, u, th, merged []byte, clashes []textmerge.Clash) {
	t.Helper()
	found := string(merged) + "\n"
	for _, c := range clashes {
		found += c.Ours + "\n" + c.Theirs + "\n"
	}
	for _, side := range [][]byte{u, th} {
		for line := range strings.Lines(string(side)) {
			line = strings.TrimSuffix(line, "\n")
			if !strings.Contains("\n"+string(o)+"\n", "\n"+line+"\n") && !strings.Contains("\n"+found, "\n"+line+"\n") {
				t.Errorf("merge(%q, %q, %q) lost %q: %q, %v", o, u, th, line, merged, clashes)
			}
		}
	}
}

func some(random *rand.Rand) []byte {
	var letters strings.Builder
	for range random.Intn(8) {
		letters.WriteByte("abcde"[random.Intn(5)])
	}
	return text(letters.String())
}

func edit(random *rand.Rand, data []byte) []byte {
	list := strings.SplitAfter(string(data), "\n")
	for range random.Intn(3) {
		i := random.Intn(len(list))
		switch random.Intn(3) {
		case 0:
			list[i] = "new" + string(rune('0'+random.Intn(10))) + "\n"
		case 1:
			list = append(list[:i:i], list[i+1:]...)
			list = append(list, "")
		default:
			list[i] += "added\n"
		}
	}
	return []byte(strings.Join(list, ""))
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte("a\nb\nc\n"), []byte("a\nx\nc\n"), []byte("a\nb\ny\n"))
	f.Add([]byte(""), []byte("\r\n"), []byte("\x00\n\n"))
	f.Add([]byte("{{ if }}\na\n{{ end }}"), []byte("a"), []byte("{{ if }}\n{{ end }}"))
	f.Fuzz(func(t *testing.T, o, u, th []byte) { laws(t, o, u, th) })
}

func BenchmarkMerge(b *testing.B) {
	var o, u, th bytes.Buffer
	for i := range 20_000 {
		line := "line " + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "\n"
		o.WriteString(line)
		if i%100 == 3 {
			u.WriteString("ours\n")
		}
		u.WriteString(line)
		if i%100 == 50 {
			th.WriteString("theirs\n")
		}
		th.WriteString(line)
	}
	for b.Loop() {
		if _, clashes := textmerge.Merge(o.Bytes(), u.Bytes(), th.Bytes(), textmerge.None); len(clashes) > 0 {
			b.Fatal(clashes)
		}
	}
}
