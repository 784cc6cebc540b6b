package report_test

import (
	"encoding/json"
	"encoding/xml"
	"net/url"
	"regexp"
	"slices"
	"testing"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/check/report"
	"github.com/tugops/tug/internal/object"
)

func result() *check.Result {
	ref := object.Ref{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	return &check.Result{Apps: 1, Objects: 2, Findings: []check.Finding{
		{Severity: "error", Rule: "schema-type", File: "charts/a b/templates/x#y.yaml", Line: 7, App: "web", Environments: []string{"dev", "prod"},
			Object: &ref, Path: "spec.replicas", Message: `replicas is "many"`, Hint: "put < & > in", Fingerprint: "0123456789abcdef0123456789abcdef"},
		{Severity: "warning", Rule: "random-value", File: "x.yaml", Message: "a", Fingerprint: "1"},
		{Severity: "info", Rule: "schema-missing", Message: "b", Object: &ref, Fingerprint: "2"},
		{Severity: "warning", Rule: "exception-expired", Message: "nowhere", Fingerprint: "3"},
	}}
}

// TestSARIF holds the log to what the schema of SARIF 2.1.0 demands: required
// properties, enumerations, minima, and references that lead somewhere.
func TestSARIF(t *testing.T) {
	t.Parallel()
	data, err := report.SARIF(result(), "0.3.0")
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string `json:"version"`
		Schema  string `json:"$schema"`
		Runs    []struct {
			ColumnKind string         `json:"columnKind"`
			BaseIDs    map[string]any `json:"originalUriBaseIds"`
			Tool       struct {
				Driver struct {
					Name  string `json:"name"`
					Rules []struct {
						ID      string                 `json:"id"`
						HelpURI string                 `json:"helpUri"`
						Short   struct{ Text string }  `json:"shortDescription"`
						Default struct{ Level string } `json:"defaultConfiguration"`
					} `json:"rules"`
				} `json:"driver"`
			} `json:"tool"`
			Results []struct {
				RuleID    string                `json:"ruleId"`
				RuleIndex *int                  `json:"ruleIndex"`
				Level     string                `json:"level"`
				Message   struct{ Text string } `json:"message"`
				Locations []struct {
					Physical *struct {
						Artifact struct {
							URI  string `json:"uri"`
							Base string `json:"uriBaseId"`
						} `json:"artifactLocation"`
						Region *struct {
							StartLine int `json:"startLine"`
						} `json:"region"`
					} `json:"physicalLocation"`
					Logical []struct {
						Name string `json:"fullyQualifiedName"`
					} `json:"logicalLocations"`
				} `json:"locations"`
				Fingerprints map[string]string `json:"partialFingerprints"`
			} `json:"results"`
		} `json:"runs"`
	}
	if err := json.Unmarshal(data, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || log.Schema == "" || len(log.Runs) != 1 {
		t.Fatalf("head: %q %q, %d runs", log.Version, log.Schema, len(log.Runs))
	}
	run := log.Runs[0]
	levels := []string{"none", "note", "warning", "error"}
	if run.Tool.Driver.Name == "" || !slices.Contains([]string{"utf16CodeUnits", "unicodeCodePoints"}, run.ColumnKind) {
		t.Errorf("driver %q, column kind %q", run.Tool.Driver.Name, run.ColumnKind)
	}
	seen := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		if r.ID == "" || seen[r.ID] || r.Short.Text == "" || !slices.Contains(levels, r.Default.Level) {
			t.Errorf("rule %+v", r)
		}
		if u, err := url.Parse(r.HelpURI); err != nil || !u.IsAbs() {
			t.Errorf("help of %s: %q", r.ID, r.HelpURI)
		}
		seen[r.ID] = true
	}
	if len(run.Results) != len(result().Findings) {
		t.Fatalf("%d results", len(run.Results))
	}
	for i, r := range run.Results {
		if r.Message.Text == "" || !slices.Contains(levels, r.Level) || len(r.Fingerprints) != 1 {
			t.Errorf("result %d: %+v", i, r)
		}
		if r.RuleIndex == nil || run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID {
			t.Errorf("result %d: index of %s", i, r.RuleID)
		}
		for _, l := range r.Locations {
			if p := l.Physical; p != nil {
				if u, err := url.Parse(p.Artifact.URI); err != nil || u.IsAbs() || u.Fragment != "" || run.BaseIDs[p.Artifact.Base] == nil {
					t.Errorf("result %d: artifact %+v", i, p.Artifact)
				}
				if p.Region != nil && p.Region.StartLine < 1 {
					t.Errorf("result %d: line %d", i, p.Region.StartLine)
				}
			}
		}
	}
	if got := run.Results[0].Locations[0].Physical; got.Artifact.URI != "charts/a%20b/templates/x%23y.yaml" || got.Region.StartLine != 7 {
		t.Errorf("place %+v", got)
	}
	if !regexp.MustCompile(`Deployment shop/web \(web/dev, web/prod\): replicas is "many"`).MatchString(run.Results[0].Message.Text) {
		t.Errorf("message %q", run.Results[0].Message.Text)
	}
}

func TestSARIFWithoutFindingsHasAListOfResults(t *testing.T) {
	t.Parallel()
	data, err := report.SARIF(&check.Result{}, "1")
	if err != nil || !regexp.MustCompile(`"results": \[\]`).Match(data) {
		t.Errorf("%v", err)
	}
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	data, err := report.JUnit(result(), "warning")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Class   string `xml:"classname,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	tests, failures, skipped := 0, 0, 0
	for _, s := range all.Suites {
		if s.Tests != len(s.Cases) || s.Name == "" {
			t.Errorf("suite %s: %d tests, %d cases", s.Name, s.Tests, len(s.Cases))
		}
		for _, c := range s.Cases {
			tests++
			if c.Failure != nil {
				failures++
			}
			if c.Skipped != nil {
				skipped++
			}
			if c.Class != s.Name {
				t.Errorf("case %q has class %q", c.Name, c.Class)
			}
		}
	}
	if tests != all.Tests || failures != all.Failures || failures != 3 || skipped != all.Skipped || skipped != 1 || len(all.Suites) != len(check.Rules()) {
		t.Errorf("%d of %d tests, %d of %d failures, %d skipped, %d suites", tests, all.Tests, failures, all.Failures, skipped, len(all.Suites))
	}
}
