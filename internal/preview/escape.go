package preview

import (
	"fmt"
	"strings"
)

// code is text as inline code: whatever it holds, forges show it and do nothing
// else with it.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	fence, pad := fenceOf(text, 1), ""
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		pad = " "
	}
	return fence + pad + text + pad + fence
}

// codeCell is code in a table, where a bar ends the cell even in code, unless it
// is escaped (https://github.github.com/gfm/#example-200).
func codeCell(text string) string { return strings.ReplaceAll(code(text), "|", `\|`) }

// block is text as a block of code that nothing in it can end.
func block(language, text string) string {
	fence := fenceOf(text, 3)
	return fence + language + "\n" + strings.TrimRight(text, "\n") + "\n" + fence
}

// fenceOf is longer than every run of backquotes in text, and has least at
// least (https://spec.commonmark.org/0.31.2/#fenced-code-blocks).
func fenceOf(text string, least int) string {
	longest, run := least-1, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return strings.Repeat("`", longest+1)
}

// plain is a sentence of our own, with names that come from a repository: every
// character that could mean something to Markdown, HTML or the forge (@ calls
// somebody, # links an issue) becomes an entity, which is only a character in
// all three.
func plain(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if strings.ContainsRune("&<>@#|`*_[]!\\~:", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
