package helm

import (
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"unicode/utf8"
)

// Bounds on what one call of a template function makes: a chart of a few bytes
// must not fill the memory. They are far beyond what real charts ask for. What
// many calls make together is for runaway.
const (
	maxText   = 16 << 20  // bytes
	maxUntil  = 1_000_000 // numbers
	maxRandom = 1 << 20   // characters
)

// addBounded replaces the functions of Sprig and of text/template that make
// much out of little.
func addBounded(f, sprig template.FuncMap) {
	f["repeat"] = func(count int, text string) (string, error) {
		if count < 0 {
			return "", fmt.Errorf("repeat: %d times", count)
		}
		return bounded("repeat", count, len(text), func() string { return strings.Repeat(text, count) })
	}
	addUntil(f, sprig)
	addBoundedText(f, sprig)
	addPrint(f)
}

// bounded makes a text of count times size bytes, when that is not too much.
func bounded(function string, count, size int, makes func() string) (string, error) {
	if count > 0 && size > maxText/count {
		return "", fmt.Errorf("%s: %d times %d bytes is more than %d MiB", function, count, size, maxText>>20)
	}
	return makes(), nil
}

// addBoundedText adds those that put a text in many places of another.
func addBoundedText(f, sprig template.FuncMap) {
	indent := sprig["indent"].(func(int, string) string)
	f["indent"] = func(spaces int, text string) (string, error) {
		return bounded("indent", strings.Count(text, "\n")+1, max(spaces, 0), func() string { return indent(spaces, text) })
	}
	f["nindent"] = func(spaces int, text string) (string, error) {
		return bounded("nindent", strings.Count(text, "\n")+1, max(spaces, 0), func() string { return "\n" + indent(spaces, text) })
	}
	f["replace"] = func(old, now, text string) (string, error) {
		return bounded("replace", strings.Count(text, old), len(now), func() string { return strings.ReplaceAll(text, old, now) })
	}
	wrap := sprig["wrapWith"].(func(int, string, string) string)
	f["wrapWith"] = func(width int, sep, text string) (string, error) {
		return bounded("wrapWith", utf8.RuneCountInString(text)/max(width, 1)+1, len(sep), func() string { return wrap(width, sep, text) })
	}
	join := sprig["join"].(func(string, any) string)
	f["join"] = func(sep string, list any) (string, error) {
		if size := joined(sep, list); size > maxText {
			return "", fmt.Errorf("join: %d bytes are more than %d MiB", size, maxText>>20)
		}
		return join(sep, list), nil
	}
	for _, name := range []string{"regexReplaceAll", "regexReplaceAllLiteral"} {
		replace := sprig[name].(func(string, string, string) string)
		f[name] = func(regex, text, now string) (string, error) {
			return bounded(name, len(text)+1, len(now)/16, func() string { return replace(regex, text, now) })
		}
		must := sprig["must"+strings.ToUpper(name[:1])+name[1:]].(func(string, string, string) (string, error))
		f["must"+strings.ToUpper(name[:1])+name[1:]] = func(regex, text, now string) (made string, err error) {
			_, tooMuch := bounded(name, len(text)+1, len(now)/16, func() string { made, err = must(regex, text, now); return "" })
			if tooMuch != nil {
				return "", tooMuch
			}
			return made, err
		}
	}
}

// joined is how long a list of texts becomes, or more; what is no text counts
// as none.
func joined(sep string, list any) int {
	items := reflect.ValueOf(list)
	if kind := items.Kind(); kind != reflect.Slice && kind != reflect.Array {
		return 0
	}
	size := 0
	for i := range items.Len() {
		size += len(sep)
		if text, ok := items.Index(i).Interface().(string); ok {
			size += len(text)
		}
	}
	return size
}

// addPrint adds the functions of text/template that put texts together: twice
// a text, and again, is soon more than any memory holds.
func addPrint(f template.FuncMap) {
	checked := func(text string) (string, error) {
		if len(text) > maxText {
			return "", fmt.Errorf("a text of %d bytes is more than %d MiB", len(text), maxText>>20)
		}
		return text, nil
	}
	f["print"] = func(args ...any) (string, error) { return checked(fmt.Sprint(args...)) }
	f["println"] = func(args ...any) (string, error) { return checked(fmt.Sprintln(args...)) }
	f["printf"] = func(format string, args ...any) (string, error) { return checked(fmt.Sprintf(format, args...)) }
}
