// Package report writes findings in the forms that other tools read: SARIF for
// code hosts and editors, JUnit for CI servers.
package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/check/problem"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool                `json:"tool"`
	Results    []sarifResult            `json:"results"`
	BaseIDs    map[string]sarifArtifact `json:"originalUriBaseIds"`
	ColumnKind string                   `json:"columnKind"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name            string      `json:"name"`
	SemanticVersion string      `json:"semanticVersion,omitempty"`
	InformationURI  string      `json:"informationUri"`
	Rules           []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string       `json:"id"`
	ShortDescription sarifText    `json:"shortDescription"`
	HelpURI          string       `json:"helpUri"`
	Default          sarifDefault `json:"defaultConfiguration"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI       string     `json:"uri,omitempty"`
	URIBaseID string     `json:"uriBaseId,omitempty"`
	About     *sarifText `json:"description,omitempty"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

const (
	home     = "https://github.com/tugops/tug"
	docsBase = home + "/blob/main/"
	rootID   = "REPOSITORY"
)

// SARIF is a log of SARIF 2.1.0. Paths are relative to the repository.
func SARIF(r *check.Result, version string) ([]byte, error) {
	rules := check.Rules()
	index := map[string]int{}
	driver := sarifDriver{Name: "tug", SemanticVersion: version, InformationURI: home, Rules: make([]sarifRule, 0, len(rules))}
	for i, rule := range rules {
		index[rule.ID] = i
		driver.Rules = append(driver.Rules, sarifRule{
			ID: rule.ID, ShortDescription: sarifText{rule.Title}, HelpURI: docsBase + "docs/checks.md#" + rule.ID,
			Default: sarifDefault{level(rule.Severity)},
		})
	}
	run := sarifRun{
		Tool: sarifTool{driver}, Results: make([]sarifResult, 0, len(r.Findings)), ColumnKind: "unicodeCodePoints",
		BaseIDs: map[string]sarifArtifact{rootID: {About: &sarifText{"The root of the config repository."}}},
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: level(f.Severity), Message: sarifText{message(f)},
			Locations: locations(f), Fingerprints: map[string]string{"tugFinding/v1": f.Fingerprint},
		})
	}
	data, err := json.MarshalIndent(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}, "", "  ")
	return append(data, '\n'), err
}

func level(s problem.Severity) string {
	if s == problem.Info {
		return "note"
	}
	return string(s)
}

func locations(f *check.Finding) []sarifLocation {
	var l sarifLocation
	if f.File != "" {
		l.Physical = &sarifPhysical{Artifact: sarifArtifact{URI: (&url.URL{Path: f.File}).EscapedPath(), URIBaseID: rootID}}
		if f.Line > 0 {
			l.Physical.Region = &sarifRegion{f.Line}
		}
	}
	if f.Object != nil {
		l.Logical = []sarifLogical{{path.Join(f.App, f.Object.String(), f.Path), "object"}}
	}
	if l.Physical == nil && l.Logical == nil {
		return nil
	}
	return []sarifLocation{l}
}

// message is a finding without its place, as one text.
func message(f *check.Finding) string {
	text := f.Message
	if subject := f.Subject(); subject != "" {
		text = subject + ": " + text
	}
	for _, more := range []string{f.Hint, f.Fix} {
		if more != "" {
			text += ". " + strings.ToUpper(more[:1]) + more[1:]
		}
	}
	return text
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitFailure `xml:"failure"`
	Skipped *junitSkipped `xml:"skipped"`
}

type junitFailure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// JUnit has one suite per rule and one test per finding. Findings from failOn
// on are failures, others are skipped tests; a rule without findings is one
// test that passes.
func JUnit(r *check.Result, failOn check.FailOn) ([]byte, error) {
	byRule := map[string][]*check.Finding{}
	for i := range r.Findings {
		f := &r.Findings[i]
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	all := junitSuites{Name: "tug check"}
	for _, rule := range check.Rules() {
		suite := junitSuite{Name: rule.ID}
		for _, f := range byRule[rule.ID] {
			suite.add(f, failOn)
		}
		if len(suite.Cases) == 0 {
			suite.Cases = []junitCase{{Name: rule.Title, Class: rule.ID}}
		}
		suite.Tests = len(suite.Cases)
		all.Tests, all.Failures, all.Skipped = all.Tests+suite.Tests, all.Failures+suite.Failures, all.Skipped+suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	return append([]byte(xml.Header), append(data, '\n')...), err
}

func (s *junitSuite) add(f *check.Finding, failOn check.FailOn) {
	c := junitCase{Name: strings.TrimSpace(f.Subject() + " " + f.Path), Class: f.Rule, File: f.File, Line: f.Line}
	if c.Name == "" {
		c.Name = f.Where()
	}
	text := strings.TrimPrefix(fmt.Sprintf("%s: %s", f.Where(), message(f)), ": ")
	if failOn.Fails(f.Severity) {
		c.Failure = &junitFailure{Type: string(f.Severity), Message: f.Message, Text: text}
		s.Failures++
	} else {
		c.Skipped = &junitSkipped{Message: string(f.Severity) + ": " + text}
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}
