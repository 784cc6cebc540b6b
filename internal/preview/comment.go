package preview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tugops/tug/internal/plan"
)

// Finding is one result of the checks of the head, as a comment shows it.
type Finding struct {
	Severity string // "error", "warning" or "info"
	Rule     string
	Place    string // file:line in the source, "" when there is none
	Message  string
}

// Comment is what stands under a pull request: how far the change reaches, what
// is at risk, what the checks found, then the differences, app by app. It holds
// no value of a Secret, since a Report has none.
type Comment struct {
	Report *Report
	// Base and Head are how the revisions are called; those of the report when
	// empty.
	Base, Head string
	// Findings are those of the head, the worst first. Checked is false when
	// nobody looked.
	Findings []Finding
	Checked  bool
	// Full says where the whole report is, for comments that are cut: a file of
	// the pipeline or an address. "" when nowhere.
	Full string
}

// What a comment lists at most; the differences take the rest of its space.
const (
	maxRows     = 50
	maxFindings = 30
	maxError    = 2000 // characters of the error of a render
)

// Markdown is the comment in at most limit characters (runes); cut says that
// something was left out. Nothing that comes from the repository can end a code
// block, call a person or add a link: it stands in code.
func (c Comment) Markdown(limit int) (text string, cut bool) {
	w := &writer{limit: limit - footerRoom}
	w.add("### " + code(cmp.Or(c.Base, c.Report.Base)) + " → " + code(cmp.Or(c.Head, c.Report.Head)) + "\n\n**" + c.Verdict() + "**\n")
	c.table(w)
	c.failures(w)
	c.findings(w)
	for _, env := range c.Report.Elsewhere {
		w.add("\nNot compared: environment " + code(env) + " is rendered from a branch or repository of its own.\n")
	}
	left := 0
	for _, a := range c.Report.Apps {
		if !w.add(details(a)) {
			left++
		}
	}
	if left > 0 {
		w.cut = true
		w.force(fmt.Sprintf("\nThe differences of %s are not shown here.\n", number(left, "app")))
	}
	if w.cut {
		where := "The whole report: `tug diff " + c.Report.Base + " " + c.Report.Head + "`."
		if c.Full != "" {
			where = "The whole report is in " + code(c.Full) + "."
		}
		w.force("\n" + where + "\n")
	}
	return w.b.String(), w.cut
}

// footerRoom is kept free for the lines that say what was left out.
const footerRoom = 1000

// Verdict is the line that a reviewer reads first.
func (c Comment) Verdict() string {
	text := c.Report.Reach()
	if n := len(c.Report.Failures); n > 0 {
		text += fmt.Sprintf("; %s failed", number(n, "render"))
	}
	if !c.Checked {
		return text
	}
	errors, warnings := c.count("error"), c.count("warning")
	if errors+warnings == 0 {
		return text + "; no findings"
	}
	return text + "; " + number(errors, "error") + ", " + number(warnings, "warning")
}

func (c Comment) count(severity string) (n int) {
	for _, f := range c.Findings {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

func (c Comment) table(w *writer) {
	if len(c.Report.Apps) == 0 {
		return
	}
	w.add("\n| app | environment | deleted | changed | new | look at |\n|---|---|---|---|---|---|\n")
	for i, a := range c.Report.Apps {
		if i == maxRows || !w.add(row(a)) {
			w.cut = true
			w.force(fmt.Sprintf("\nand %s more\n", number(len(c.Report.Apps)-i, "app")))
			return
		}
	}
}

func row(a App) string {
	var risks []string
	switch a.Status {
	case Added:
		risks = append(risks, "new app")
	case Removed:
		risks = append(risks, "**app removed**")
	}
	for _, r := range a.Risks {
		text := plain(r.Text)
		if r.Level == Destroys || r.Level == Deletes {
			text = "**" + text + "**"
		}
		risks = append(risks, text)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", codeCell(a.App), codeCell(a.Env),
		count0(a.Counts.Deleted), count0(a.Counts.Changed), count0(a.Counts.Created), strings.Join(risks, "<br>"))
}

func count0(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (c Comment) failures(w *writer) {
	if len(c.Report.Failures) == 0 {
		return
	}
	w.add("\n#### Cannot be rendered\n\nNothing is known of what changes there.\n")
	for i, f := range c.Report.Failures {
		text := f.Error
		for _, h := range f.Hints {
			text += "\nhint: " + h
		}
		if !w.add(fmt.Sprintf("\n%s at %s\n%s\n", code(f.Title()), code(f.Revision), block("", shorten(text, maxError)))) {
			w.cut = true
			w.force(fmt.Sprintf("\nand %s more\n", number(len(c.Report.Failures)-i, "render")))
			return
		}
	}
}

func (c Comment) findings(w *writer) {
	if len(c.Findings) == 0 {
		return
	}
	w.add("\n#### Findings\n\n| severity | where | what | rule |\n|---|---|---|---|\n")
	for i, f := range c.Findings {
		line := fmt.Sprintf("| %s | %s | %s | %s |\n", f.Severity, codeCell(f.Place), codeCell(f.Message), codeCell(f.Rule))
		if i == maxFindings || !w.add(line) {
			w.cut = true
			w.force(fmt.Sprintf("\nand %s more\n", number(len(c.Findings)-i, "finding")))
			return
		}
	}
}

// details are the differences of one app, folded.
func details(a App) string {
	var b strings.Builder
	for _, ch := range a.Changes {
		mark := map[plan.Action]string{plan.Create: "+", plan.Delete: "-"}[ch.Action]
		if mark == "" {
			mark = "!"
		}
		fmt.Fprintf(&b, "%s %s %s\n", mark, ch.Action, ch.Ref)
		for _, f := range ch.Fields {
			b.WriteString("    " + field(f) + "\n")
		}
	}
	for _, warning := range a.Warnings {
		fmt.Fprintf(&b, "# new warning: %s\n", warning)
	}
	return "\n<details><summary>" + plain(a.Title()) + ": " + a.Counts.String() + "</summary>\n\n" + block("diff", b.String()) + "\n\n</details>\n"
}

// field is one difference on one line.
func field(f plan.Field) string {
	switch {
	case f.From == nil:
		return f.Path + ": " + plan.ShortValue(f.To)
	case f.To == nil:
		return f.Path + ": " + plan.ShortValue(f.From) + " → (removed)"
	}
	return f.Path + ": " + plan.ShortValue(f.From) + " → " + plan.ShortValue(f.To)
}

func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// writer adds parts while they fit.
type writer struct {
	b     strings.Builder
	used  int
	limit int
	cut   bool
}

// add writes a part if there is room for all of it.
func (w *writer) add(part string) bool {
	n := utf8.RuneCountInString(part)
	if w.used+n > w.limit {
		return false
	}
	w.force(part)
	return true
}

// force writes a part that is short, into the room that is kept for it.
func (w *writer) force(part string) {
	w.used += utf8.RuneCountInString(part)
	w.b.WriteString(part)
}

// SortFindings brings findings into the order of a comment: the worst first,
// then by place.
func SortFindings(list []Finding) {
	rank := map[string]int{"error": 0, "warning": 1, "info": 2}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(a.Place, b.Place), cmp.Compare(a.Rule, b.Rule))
	})
}
