package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// atoms gives the values of names in conditions; ok is false for unknown ones.
type atoms func(name string) (value string, ok bool)

// conditionHolds evaluates a condition of a GitHub workflow or of a GitLab rule: atoms and
// texts in quotes, joined by ==, !=, && and ||, without brackets.
func conditionHolds(t *testing.T, condition string, value atoms) bool {
	t.Helper()
	for _, either := range strings.Split(condition, "||") {
		all := true
		for _, term := range strings.Split(either, "&&") {
			all = all && termHolds(t, strings.TrimSpace(term), value)
		}
		if all {
			return true
		}
	}
	return false
}

func termHolds(t *testing.T, term string, value atoms) bool {
	t.Helper()
	if a, b, ok := strings.Cut(term, "=="); ok {
		return atom(t, a, value) == atom(t, b, value)
	}
	if a, b, ok := strings.Cut(term, "!="); ok {
		return atom(t, a, value) != atom(t, b, value)
	}
	if term == "!cancelled()" {
		return true
	}
	return atom(t, term, value) != ""
}

func atom(t *testing.T, text string, value atoms) string {
	t.Helper()
	text = strings.TrimSpace(text)
	if quoted := strings.Trim(text, `"'`); len(quoted) == len(text)-2 {
		return quoted
	}
	v, ok := value(text)
	if !ok {
		t.Fatalf("a pipeline asks for %q, which is not known here", text)
	}
	return v
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// expandExpressions puts in the values of ${{ }}.
func expandExpressions(t *testing.T, text string, value atoms) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(m string) string { return atom(t, expression.FindStringSubmatch(m)[1], value) })
}

func TestConditions(t *testing.T) {
	t.Parallel()
	known := atoms(func(name string) (string, bool) {
		v, ok := map[string]string{"$A": "a", "$B": "", "x.y": "z"}[name]
		return v, ok
	})
	for condition, want := range map[string]bool{
		`$A`: true, `$B`: false, `$A == "a"`: true, `$A != "a"`: false, `$B || $A`: true, `$A && $B`: false,
		`$B && $A || $A == "a"`: true, `!cancelled() && x.y == 'z'`: true, `x.y != 'z' || $B`: false, `$A == $B`: false,
	} {
		if got := conditionHolds(t, condition, known); got != want {
			t.Errorf("%s is %v", condition, got)
		}
	}
	if got := expandExpressions(t, "a/${{ x.y }}/${{$A}}", known); got != "a/z/a" {
		t.Error(fmt.Sprintf("expanded to %q", got))
	}
}
