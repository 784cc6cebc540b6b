package helm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

func TestBoundedFunctionsAreSprigs(t *testing.T) {
	t.Parallel()
	f, theirs := template.FuncMap{}, sprig.TxtFuncMap()
	addBounded(f, theirs)
	for _, c := range [][3]int{{0, 5, 1}, {0, 5, 2}, {5, 0, -1}, {5, 0, 1}, {0, 5, -1}, {0, 0, 1}, {3, 3, 0}, {-2, 2, 3}} {
		got, err := f["untilStep"].(func(int, int, int) ([]int, error))(c[0], c[1], c[2])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(theirs["untilStep"].(func(int, int, int) []int)(c[0], c[1], c[2]), got); diff != "" {
			t.Errorf("untilStep %v (-want +got):\n%s", c, diff)
		}
	}
	for _, n := range []int{-3, 0, 4} {
		got, err := f["until"].(func(int) ([]int, error))(n)
		if diff := cmp.Diff(theirs["until"].(func(int) []int)(n), got); diff != "" || err != nil {
			t.Errorf("until %d: %v (-want +got):\n%s", n, err, diff)
		}
	}
	repeat := f["repeat"].(func(int, string) (string, error))
	if got, err := repeat(3, "ab"); got != "ababab" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for name, bomb := range map[string]func() error{
		"repeat": func() error { _, err := repeat(1_500_000_000, "x"); return err },
		"until":  func() error { _, err := f["until"].(func(int) ([]int, error))(2_000_000_000); return err },
		"less":   func() error { _, err := repeat(-1, "x"); return err },
	} {
		if bomb() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// executed is what a template gives with some functions over others.
func executed(t *testing.T, text string, funcs ...template.FuncMap) (string, error) {
	t.Helper()
	all := template.New("t")
	for _, f := range funcs {
		all.Funcs(f)
	}
	parsed, err := all.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = parsed.Execute(&out, nil)
	return out.String(), err
}

// What is bounded says what it said before.
func TestBoundedTextIsSprigs(t *testing.T) {
	t.Parallel()
	theirs := sprig.TxtFuncMap()
	ours := template.FuncMap{}
	addBounded(ours, theirs)
	for _, text := range []string{
		`{{ seq }}|{{ seq 3 }}|{{ seq -2 }}|{{ seq 2 5 }}|{{ seq 5 2 }}|{{ seq 0 2 10 }}|{{ seq 10 -3 0 }}|{{ seq 10 3 0 }}|{{ seq 0 0 9 }}|{{ seq 1 2 3 4 }}`,
		`{{ indent 2 "a\nb" }}|{{ nindent 0 "a" }}|{{ nindent 4 "a\n\nb\n" }}`,
		`{{ replace "a" "bb" "banana" }}|{{ replace "" "-" "abc" }}|{{ replace "x" "" "abc" }}`,
		`{{ join "," (list 1 "a" nil true) }}|{{ join "" (list) }}|{{ join "-" "text" }}|{{ splitList "," "a,b" | join "+" }}`,
		`{{ wrapWith 5 "/" "Hello World and more" }}|{{ wrapWith 0 "/" "ab cd" }}`,
		`{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }}|{{ regexReplaceAllLiteral "a(x*)b" "-ab-axxb-" "${1}" }}|{{ mustRegexReplaceAll "b" "abc" "$0$0" }}|{{ mustRegexReplaceAllLiteral "b" "abc" "$0" }}`,
		`{{ print 1 "a" "b" nil true 2 }}|{{ println "a" 1 }}|{{ printf "%5.2f %q %v %d" 1.5 "x" (list 1 2) }}|{{ print }}|{{ "x" | printf "%s-%s" "y" }}`,
	} {
		want, err := executed(t, text, theirs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := executed(t, text, theirs, ours)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, d)
		}
	}
}

// A chart of a few bytes does not fill the memory with one call.
func TestBombsOfOneCall(t *testing.T) {
	t.Parallel()
	theirs := sprig.TxtFuncMap()
	ours := template.FuncMap{}
	addBounded(ours, theirs)
	const big = `{{ $x := repeat 1000000 "x\n" }}`
	for _, text := range []string{
		`{{ seq 2000000000 }}`, `{{ seq -9000000000000000000 1 9000000000000000000 }}`, `{{ indent 2000000000 "x" }}`, big + `{{ nindent 10000 $x }}`,
		big + `{{ replace "x" $x $x }}`, big + `{{ join $x (until 1000000) }}`, big + `{{ join $x (list $x $x $x $x $x $x $x $x $x) }}`, big + `{{ wrapWith 1 $x $x }}`,
		big + `{{ regexReplaceAll "x" $x $x }}`, big + `{{ mustRegexReplaceAllLiteral "x" $x $x }}`,
		big + `{{ range until 40 }}{{ $x = print $x $x }}{{ end }}`, big + `{{ range until 40 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`,
	} {
		if _, err := executed(t, text, theirs, ours); err == nil || !strings.Contains(err.Error(), " more than ") {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

// What many calls make together ends the watch, in bytes, in depth and in time.
func TestRunaway(t *testing.T) {
	t.Parallel()
	for want, limits := range map[string]runaway{
		"make more than 8 MiB":        {heap: 8 << 20, stack: 100, time: time.Hour, pace: time.Millisecond, look: growing(usage{heap: 1 << 20, stack: 1})},
		"call each other without end": {heap: 1 << 50, stack: 100, time: time.Hour, pace: time.Millisecond, look: growing(usage{heap: 1 << 20, stack: 1})},
		"take longer than 1ms":        {heap: 1 << 50, stack: 100, time: time.Millisecond, pace: time.Hour, look: growing(usage{})},
	} {
		err := limits.watch(t.Context())
		if !errors.Is(err, render.ErrRunaway) || !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
	if now := memory(); now.heap == 0 || now.stack == 0 {
		t.Errorf("the process uses %+v", now)
	}
	if err := usual().watch(canceled(t)); !errors.Is(err, errEnough) {
		t.Errorf("error %v", err)
	}
}

// growing uses more with every look.
func growing(step usage) func() usage {
	var now usage
	return func() usage {
		now.heap, now.stack = now.heap+step.heap, now.stack+step.stack
		return now
	}
}

var errEnough = errors.New("enough")

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errEnough)
	return ctx
}
