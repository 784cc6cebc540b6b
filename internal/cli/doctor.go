package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
)

func newDoctorCommand(env *Env) *cobra.Command {
	var in input
	cmd := &cobra.Command{
		Use: "doctor [PATH]", GroupID: "look", Short: "Say what is missing or too broad: credentials, rights, tools, connections",
		Long: `Looks at what tug would use here: the credentials that are present and which
pipeline they belong to, whether the project can be read, the tools that some
commands run, the cluster of every environment with the rights that a deploy
needs, and the forge with what its token may do. It changes nothing.

Exit code 5 says that something is missing.

Credentials: whatever there is; they are only tried, and never shown.`,
		Example: `  tug doctor
  tug doctor -e prod
  tug doctor --output json`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.take(args)
			return runDoctor(cmd.Context(), env, in)
		},
	}
	in.chooseFlags(env, cmd)
	return cmd
}

// verdict says how well something is.
type verdict string

const (
	verdictOK      verdict = "ok"
	verdictNote    verdict = "note"    // worth knowing
	verdictBroad   verdict = "broad"   // more than is needed
	verdictMissing verdict = "missing" // something will fail
)

// diagnosis is one thing that doctor looked at. Its JSON form is API.
type diagnosis struct {
	About   string   `json:"about"` // credentials, project, tools, cluster, forge
	Verdict verdict  `json:"verdict"`
	Text    string   `json:"text"`
	Hints   []string `json:"hints,omitempty"`
}

func diagnose(about string, v verdict, format string, args ...any) diagnosis {
	return diagnosis{About: about, Verdict: v, Text: fmt.Sprintf(format, args...)}
}

// hint adds a way out.
func (d diagnosis) hint(format string, args ...any) diagnosis {
	d.Hints = append(d.Hints, fmt.Sprintf(format, args...))
	return d
}

// failed is an error as a diagnosis, with its hints.
func failed(about string, err error) diagnosis {
	return diagnosis{About: about, Verdict: verdictMissing, Text: err.Error(), Hints: fault.HintsOf(err)}
}

func runDoctor(ctx context.Context, env *Env, in input) error {
	found := env.examine(ctx, in)
	if err := ctx.Err(); err != nil {
		return err
	}
	var err error
	if env.Global.JSON() {
		err = env.writeJSON("", struct {
			Diagnoses []diagnosis `json:"diagnoses"`
		}{found})
	} else {
		err = env.write("", []byte(diagnosesText(env.style(env.OutTTY), found)))
	}
	if err != nil {
		return err
	}
	missing := 0
	for _, d := range found {
		if d.Verdict == verdictMissing {
			missing++
		}
	}
	if missing == 0 {
		return nil
	}
	return fault.New(fault.Findings, "%s missing or broken", plural(missing, "thing")).Hint("each has its way out above")
}

func diagnosesText(st style, found []diagnosis) string {
	var b strings.Builder
	about := ""
	for _, d := range found {
		if d.About != about {
			if about != "" {
				b.WriteByte('\n')
			}
			about = d.About
			b.WriteString(st.head(about) + "\n")
		}
		word := fmt.Sprintf("%-7s", d.Verdict)
		switch d.Verdict {
		case verdictOK:
			word = st.good(word)
		case verdictMissing:
			word = st.bad(word)
		case verdictBroad, verdictNote:
			word = st.note(word)
		}
		fmt.Fprintf(&b, "  %s  %s\n", word, strings.ReplaceAll(d.Text, "\n", "\n           "))
		for _, h := range d.Hints {
			fmt.Fprintf(&b, "           %s %s\n", st.note("hint:"), h)
		}
	}
	return b.String()
}
