package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/tugops/tug/internal/build/dockerfile"
)

func TestBases(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		args map[string]string
		want string
	}{
		"one":         {"FROM busybox:latest\nADD index.html /www/\n", nil, "busybox:latest"},
		"stages":      {"FROM golang:1.26 AS build\nRUN x\nFROM build AS test\nfrom alpine\nCOPY --from=build /x /x\n", nil, "golang:1.26 alpine"},
		"scratch":     {"FROM scratch\n", nil, ""},
		"platform":    {"FROM --platform=$BUILDPLATFORM alpine:3 as a\n", nil, "alpine:3"},
		"default":     {"ARG V=3.9\nFROM alpine:${V}\n", nil, "alpine:3.9"},
		"argument":    {"ARG V=3.9\nFROM alpine:$V\n", map[string]string{"V": "3.20"}, "alpine:3.20"},
		"fallback":    {"FROM alpine:${V:-edge}\n", nil, "alpine:edge"},
		"no value":    {"ARG V\nFROM alpine:$V\n", nil, ""},
		"later ARG":   {"FROM alpine\nARG V=1\nFROM busybox:$V\n", nil, "alpine"},
		"continued":   {"# syntax=x\nFROM \\\n  # a comment\n  alpine\n", nil, "alpine"},
		"twice":       {"FROM alpine\nFROM alpine\n", nil, "alpine"},
		"nothing":     {"FROM\nFROM --platform=x\n", nil, ""},
		"lone dollar": {"FROM a$\nFROM b${\n", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(dockerfile.Bases([]byte(tc.text), tc.args), " "); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzBases(f *testing.F) {
	f.Add("ARG V=1\nFROM alpine:${V:-3} AS x\nFROM x\n", "2")
	f.Add("FROM $\nFROM ${\n\\\n", "")
	f.Fuzz(func(t *testing.T, text, value string) {
		for _, ref := range dockerfile.Bases([]byte(text), map[string]string{"V": value}) {
			if ref == "" || strings.EqualFold(ref, "scratch") {
				t.Errorf("%q is no image to build upon", ref)
			}
		}
	})
}
