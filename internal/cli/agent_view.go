package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/tugops/tug/internal/event"
)

// factView writes facts to stdout as they come.
type factView struct {
	env *Env
	mu  sync.Mutex
}

func (e *Env) newFactView() *factView { return &factView{env: e} }

func (v *factView) tell(f event.Fact) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.env.Global.JSON() {
		data, err := json.Marshal(f)
		if err != nil {
			data, _ = json.Marshal(map[string]string{"kind": string(f.Kind), "message": f.Message})
		}
		fmt.Fprintln(v.env.Stdout, string(data))
		return
	}
	fmt.Fprintf(v.env.Stdout, "%s %s: %s%s\n", f.Time.Local().Format("15:04:05"), f.Kind, f.Message, what(f))
	for line := range strings.Lines(f.Cause) {
		fmt.Fprintf(v.env.Stdout, "    %s\n", strings.TrimRight(line, "\n"))
	}
	if f.Kind == event.KindDeployed {
		return // its objects are counted
	}
	for _, o := range f.Objects {
		fmt.Fprintf(v.env.Stdout, "    %s%s\n", o.Ref, who(o))
		for _, field := range o.Fields {
			fmt.Fprintf(v.env.Stdout, "        %s: %s -> %s\n", field.Path, shown(field.From), shown(field.To))
		}
	}
}

// what counts what was done.
func what(f event.Fact) string {
	if f.Changes == "" {
		return ""
	}
	return fmt.Sprintf(" as release %d: %s", f.Release, f.Changes)
}

// who says by which manager an object was changed.
func who(o event.Touched) string {
	text := ""
	if o.Action != "" {
		text = " " + o.Action
	}
	if o.Manager != "" {
		text += ", changed by " + o.Manager
		if o.Subresource != "" {
			text += " (" + o.Subresource + ")"
		}
	}
	return text
}

// shown is a value of a field in one line.
func shown(v any) string {
	if v == nil {
		return "(none)"
	}
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
