package secret

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// token is a form that only a secret has.
type token struct {
	what string
	// literal is in every such secret: a cheap test before the expression.
	literal string
	form    *regexp.Regexp
}

// tokens are forms published by those who issue them. Each has a prefix and a
// length, so that ordinary text is never one.
var tokens = []token{
	{"an age private key", "AGE-SECRET-KEY-", regexp.MustCompile(`\bAGE-SECRET-KEY-(PQ-)?1[0-9A-Z]{50,}`)},
	{"an AWS access key", "AKIA", regexp.MustCompile(`\bAKIA[A-Z2-7]{16}\b`)},
	{"a GitHub token", "gh", regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36,}\b`)},
	{"a GitHub token", "github_pat_", regexp.MustCompile(`\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b`)},
	{"a GitLab token", "glpat-", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"a Slack token", "xox", regexp.MustCompile(`\bxox[abprs]-[0-9]{10,}-[A-Za-z0-9-]{20,}`)},
	{"a Slack webhook", "hooks.slack.com", regexp.MustCompile(`https://hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,}`)},
	{"a Google API key", "AIza", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}\b`)},
	{"a Stripe key", "k_live_", regexp.MustCompile(`\b[sr]k_live_[0-9a-zA-Z]{24,}\b`)},
	{"an npm token", "npm_", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"a Vault token", "hvs.", regexp.MustCompile(`\bhvs\.[A-Za-z0-9_-]{24,}`)},
	{"a SendGrid key", "SG.", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b`)},
	{"an Azure storage key", "AccountKey=", regexp.MustCompile(`AccountKey=[A-Za-z0-9+/]{86}==`)},
}

// privateKey is the first line of a PEM or PGP private key with key material
// after it, also within a JSON string.
var privateKey = regexp.MustCompile(`-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----(\s|\\n|\\r)+([^-]{0,400}?(\s|\\n))?[A-Za-z0-9+/=]{40}`)

// plainTokens finds secrets by their form.
func plainTokens(file string, data []byte) []Leak {
	var leaks []Leak
	add := func(at int, what string) {
		line := 1 + bytes.Count(data[:at], []byte("\n"))
		for _, l := range leaks {
			if l.Source.Line == line {
				return
			}
		}
		leaks = append(leaks, Leak{Source: object.Source{File: file, Line: line}, What: what})
	}
	if bytes.Contains(data, []byte("PRIVATE KEY")) {
		for _, at := range privateKey.FindAllIndex(data, -1) {
			if !strings.Contains(string(data[at[0]:at[1]]), "{{") {
				add(at[0], "a private key")
			}
		}
	}
	for _, t := range tokens {
		if !bytes.Contains(data, []byte(t.literal)) {
			continue
		}
		for _, at := range t.form.FindAllIndex(data, -1) {
			if varied(data[at[0]:at[1]]) {
				add(at[0], t.what)
			}
		}
	}
	return leaks
}

// varied tells random text from examples: documentation writes one letter over and over, and
// EXAMPLE.
func varied(text []byte) bool {
	if bytes.Contains(bytes.ToUpper(text), []byte("EXAMPLE")) {
		return false
	}
	tail := text[len(text)/3:]
	seen := map[byte]bool{}
	for _, c := range tail {
		seen[c] = true
	}
	return len(seen) >= 7
}
