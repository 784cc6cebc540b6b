package object

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEscaped bounds values that are looked for in all their forms, in bytes.
// What is longer is a keystore or the like, of which nobody prints a whole.
const maxEscaped = 64 << 10

// formsOf are the ways in which a value is written.
func formsOf(plain string) []string {
	forms := []string{plain}
	if len(plain) > maxEscaped {
		return append(forms, encodingsOf(plain)...)
	}
	if trimmed := strings.TrimSpace(plain); trimmed != plain {
		forms = append(forms, trimmed)
		forms = append(forms, escapesOf(trimmed)...)
		forms = append(forms, encodingsOf(trimmed)...)
	}
	forms = append(forms, escapesOf(plain)...)
	forms = append(forms, numbersOf(plain)...)
	return append(forms, encodingsOf(plain)...)
}

// numbersOf are the ways in which templates and JSON write a number: Helm reads
// all of them as floats.
func numbersOf(plain string) []string {
	f, err := strconv.ParseFloat(strings.TrimSpace(plain), 64)
	if err != nil {
		return nil
	}
	var forms []string
	for _, form := range []string{
		fmt.Sprint(f), strconv.FormatFloat(f, 'f', -1, 64), strconv.FormatFloat(f, 'e', -1, 64), strconv.FormatFloat(f, 'f', 6, 64),
	} {
		if form != plain && len(form) >= minSensitive {
			forms = append(forms, form)
		}
	}
	return forms
}

// escapesOf are the forms in JSON (twice, for JSON in JSON), YAML, Go's quotes
// and URLs, as far as they differ from the value.
func escapesOf(plain string) []string {
	simple := true
	for i := range len(plain) {
		c := plain[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			simple = false
			break
		}
	}
	if simple {
		return nil // written the same everywhere
	}
	once, html := asJSON(plain, false), asJSON(plain, true)
	return []string{
		once, html, asJSON(once, false), asJSON(html, true),
		unquoted(strconv.Quote(plain)), unquoted(strconv.QuoteToASCII(plain)),
		strings.ReplaceAll(plain, "'", "''"), strings.ReplaceAll(plain, "\n", `\n`),
		url.QueryEscape(plain), url.PathEscape(plain), url.UserPassword("", plain).String()[1:],
	}
}

// asJSON is a text as JSON writes it, without the quotes.
func asJSON(text string, html bool) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(html)
	if err := enc.Encode(text); err != nil {
		return text
	}
	out := strings.TrimSuffix(buf.String(), "\n")
	return unquoted(out)
}

func unquoted(text string) string { return text[1 : len(text)-1] }

// encodingsOf are the forms in base64: alone, and at each of the three places
// that a value can have in a longer text, without the characters that its
// neighbours have a part in.
func encodingsOf(plain string) []string {
	whole := base64.StdEncoding.EncodeToString([]byte(plain))
	forms := []string{whole}
	for before, skip := range []int{0, 2, 3} {
		text := base64.StdEncoding.EncodeToString(append(make([]byte, before), plain...))
		forms = append(forms, text[skip:(before+len(plain))*8/6])
	}
	for _, f := range forms {
		if strings.ContainsAny(f, "+/") {
			forms = append(forms, strings.NewReplacer("+", "-", "/", "_").Replace(f))
		}
	}
	return forms
}

// What a line of a value must have to be looked for by itself.
const (
	minLine  = 16
	minKinds = 8 // different characters
	minPart  = 8 // of a value behind a name
)

// partsOf are the parts of a value of several lines that are secret by
// themselves: long lines with many different characters (the body of a key),
// and what stands behind a name (NAME=value, name: value).
func partsOf(plain string) []string {
	if !strings.Contains(strings.TrimSpace(plain), "\n") {
		return nil
	}
	var parts []string
	for line := range strings.Lines(plain) {
		line = strings.TrimSpace(line)
		if value, named := namedValue(line); named {
			if len(value) >= minPart && secretLike(value) && !apiVersionForm.MatchString(value) {
				parts = append(parts, value)
			}
			continue
		}
		if len(line) >= minLine && !strings.HasPrefix(line, "-----") && kindsOf(line) >= minKinds {
			parts = append(parts, line)
		}
	}
	return parts
}

var (
	// namedForm is NAME=value, name: value and export NAME=value. The padding
	// of base64 is no value.
	namedForm = regexp.MustCompile(`^(?:- )?(?:export )?["']?[A-Za-z_][A-Za-z0-9_./-]*["']?(?:: +| *= *)(.*[^= ].*)$`)
	// apiVersionForm is what every manifest has, an encrypted one as well.
	apiVersionForm = regexp.MustCompile(`^([a-z0-9.-]+/)?v[0-9][a-z0-9]*$`)
)

// namedValue is what stands behind a name.
func namedValue(line string) (value string, named bool) {
	m := namedForm.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	return strings.Trim(m[1], `"', `), true
}

func kindsOf(text string) int {
	var seen [256]bool
	n := 0
	for i := range len(text) {
		if !seen[text[i]] {
			seen[text[i]] = true
			n++
		}
	}
	return n
}

// maxWord is the length from which on no value counts as an ordinary word.
const maxWord = 20

// secretLike reports whether a value is no ordinary word, name or number:
// long, or a mix of letters with digits or other characters.
func secretLike(value string) bool {
	if len(value) >= maxWord {
		return true
	}
	var letters, digits, others bool
	for _, r := range value {
		switch {
		case unicode.IsLetter(r):
			letters = true
		case unicode.IsDigit(r):
			digits = true
		case !strings.ContainsRune("-._/ ", r):
			others = true
		}
	}
	return others || letters && digits
}

// readable reports whether data is text that people write.
func readable(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	return !bytes.ContainsFunc(data, func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t'
	})
}
