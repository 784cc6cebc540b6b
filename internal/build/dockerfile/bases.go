package dockerfile

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
)

// Bases lists the images that a Dockerfile builds upon, in their order and each
// once: what stands behind FROM, with build arguments filled in. Stages of the
// Dockerfile itself and scratch are none, and what has arguments without a
// value is left out.
func Bases(dockerfile []byte, args map[string]string) []string {
	values := map[string]string{}
	stages := map[string]bool{"scratch": true}
	var found []string
	for _, words := range instructions(dockerfile) {
		switch strings.ToUpper(words[0]) {
		case "ARG":
			for _, w := range words[1:] {
				name, value, given := strings.Cut(w, "=")
				if own, ok := args[name]; ok {
					values[name] = own
				} else if given && len(found) == 0 {
					values[name] = strings.Trim(value, `"'`)
				}
			}
		case "FROM":
			words = slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "--") })
			if len(words) == 0 {
				continue
			}
			ref, ok := expand(strings.Trim(words[0], `"'`), values)
			if ok && !stages[strings.ToLower(ref)] && !slices.Contains(found, ref) {
				found = append(found, ref)
			}
			if len(words) == 3 && strings.EqualFold(words[1], "AS") {
				stages[strings.ToLower(words[2])] = true
			}
		}
	}
	return found
}

// instructions are the lines of a Dockerfile as words, continued lines joined.
func instructions(dockerfile []byte) [][]string {
	var all [][]string
	var open string
	lines := bufio.NewScanner(bytes.NewReader(dockerfile))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "#") {
			continue
		}
		if before, more := strings.CutSuffix(line, `\`); more {
			open += before + " "
			continue
		}
		if words := strings.Fields(open + line); len(words) > 0 {
			all = append(all, words)
		}
		open = ""
	}
	return all
}

// expand fills in $NAME, ${NAME} and ${NAME:-default}; false when a value is
// missing.
func expand(text string, values map[string]string) (string, bool) {
	var out strings.Builder
	for text != "" {
		at := strings.IndexByte(text, '$')
		if at < 0 {
			break
		}
		out.WriteString(text[:at])
		text = text[at+1:]
		name, rest := variable(text)
		if name == "" {
			return "", false
		}
		name, fallback, _ := strings.Cut(name, ":-")
		value, ok := values[name]
		if !ok || value == "" {
			value = fallback
		}
		if value == "" {
			return "", false
		}
		out.WriteString(value)
		text = rest
	}
	return out.String() + text, true
}

// variable splits the name of a variable off, with its braces taken away.
func variable(text string) (name, rest string) {
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		name, rest, _ = strings.Cut(inner, "}")
		return name, rest
	}
	end := 0
	for end < len(text) && (text[end] == '_' || text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z' || text[end] >= '0' && text[end] <= '9') {
		end++
	}
	return text[:end], text[end:]
}
