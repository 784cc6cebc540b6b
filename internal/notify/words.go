package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tugops/tug/internal/event"
)

// placeholders are what a fact has for templates.
func placeholders(f event.Fact) map[string]string {
	values := map[string]string{
		"app": f.App, "env": f.Env, "name": name(f), "namespace": f.Namespace, "cluster": f.Cluster,
		"event": string(f.Kind), "severity": string(f.Severity), "message": f.Message, "cause": f.Cause,
		"repository": f.Repository, "ref": f.Ref, "commit": short(f.Commit), "subject": f.Subject, "release": "",
		"plan": f.Plan, "changes": f.Changes, "identity": f.Identity, "took": "",
		"object": objects(f), "manager": strings.Join(managers(f), ", "), "by": "", "fields": fieldLines(f),
		"time": f.Time.UTC().Format("2006-01-02 15:04:05 MST"),
	}
	if f.Release > 0 {
		values["release"] = strconv.Itoa(f.Release)
	}
	if f.Took > 0 {
		values["took"] = f.Took.Round(100 * time.Millisecond).String()
	}
	if values["manager"] != "" {
		values["by"] = " by " + values["manager"]
	}
	return values
}

// objects names the one object, or counts them.
func objects(f event.Fact) string {
	switch len(f.Objects) {
	case 0:
		return ""
	case 1:
		return f.Objects[0].Ref.String()
	}
	return fmt.Sprintf("%d objects", len(f.Objects))
}

// managers are the field managers that changed something, each once.
func managers(f event.Fact) []string {
	var all []string
	for _, t := range f.Objects {
		list := []string{t.Manager}
		for _, a := range t.Fields {
			list = append(list, a.Manager)
		}
		for _, m := range list {
			if m != "" && !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

// maxLines is how many objects and fields are listed.
const maxLines = 20

// fieldLines tells what was found in which field, and what is declared. With
// several objects each has a line of its own before its fields.
func fieldLines(f event.Fact) string {
	var lines []string
	for _, t := range f.Objects {
		if len(f.Objects) > 1 {
			lines = append(lines, t.Ref.String())
		}
		for _, a := range t.Fields {
			lines = append(lines, fieldLine(a))
		}
	}
	if len(lines) > maxLines {
		lines = append(lines[:maxLines], fmt.Sprintf("and %d more lines", len(lines)-maxLines))
	}
	return strings.Join(lines, "\n")
}

func fieldLine(a event.Altered) string {
	switch {
	case a.From == nil && a.To == nil:
		return a.Path
	case a.From == nil:
		return a.Path + ": missing, declared is " + said(a.To)
	case a.To == nil:
		return a.Path + ": " + said(a.From) + ", not declared"
	}
	return a.Path + ": " + said(a.From) + ", declared is " + said(a.To)
}

// said is a value as text.
func said(v any) string {
	text, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		if err != nil {
			return "(a value)"
		}
		text = string(data)
	}
	return clip(oneLine(text), maxValue)
}

// short is the beginning of a commit hash.
func short(commit string) string { return commit[:min(len(commit), 12)] }
