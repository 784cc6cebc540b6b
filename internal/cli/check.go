package cli

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/check/report"
	"github.com/tugops/tug/internal/fault"
)

type checkOptions struct {
	input
	output        string
	out           string
	config        string
	baseline      string
	writeBaseline string
	failOn        string
	only, skip    []string
	crds          []string
	cluster       bool
	info          bool
	printConfig   bool
}

func newCheckCommand(env *Env) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use: "check [PATH]", GroupID: "look", Short: "Find what is wrong before a cluster does",
		Long: `Renders all apps of all environments (narrowed by -e and -a) and compares them
with the schemas of the environment's Kubernetes version and of the
CustomResourceDefinitions in the repository, looks for references, selectors,
ports and names that cannot work, for secrets in plain text, images without a
lock, and gives the advice of kube-score. Findings have the file and line of the
source: the template, overlay or manifest that a person would edit.

Rules, severities, exceptions and thresholds are set in .tug-check.yaml;
--print-config shows what holds. Findings that are known are left out by a
baseline. On an object, the annotation tug.dev/check-ignore lists rules that do
not look at it; in a file, a comment "# tug:ignore RULE" on the line or above it.

No network is used, but with --cluster. The command exits with 5 when there are
findings of --fail-on or worse.

Credentials: none, and no secret keys: encrypted files stay as they are. With
--cluster, it reads the CustomResourceDefinitions of the environment's cluster.`,
		Example: `  tug check
  tug check -e prod -a shop --info
  tug check --output sarif -o findings.sarif
  tug check --write-baseline .tug-check-baseline.json`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runCheck(cmd.Context(), env, o)
		},
	}
	o.flags(env, cmd)
	f := cmd.Flags()
	f.StringVar(&o.output, "output", "human", "`FORM` of the findings: human, json, sarif or junit")
	f.StringVarP(&o.out, "out", "o", "", "write the findings to `FILE`")
	f.StringVar(&o.config, "config", "", "configuration `FILE` (default: "+check.ConfigFile+" beside tug.yaml)")
	f.StringVar(&o.baseline, "baseline", "", "leave out the findings of `FILE` (default: "+check.BaselineFile+" beside tug.yaml, if there)")
	f.StringVar(&o.writeBaseline, "write-baseline", "", "write all findings to `FILE` and be done")
	f.StringVar(&o.failOn, "fail-on", "", "fail from this `SEVERITY` on: "+strings.Join(check.FailWords(), ", ")+" (default: the configuration's, else error)")
	f.StringSliceVar(&o.only, "rule", nil, "look for this `RULE` only (repeatable)")
	f.StringSliceVar(&o.skip, "skip", nil, "do not look for this `RULE` (repeatable)")
	f.StringArrayVar(&o.crds, "crds", nil, "more CustomResourceDefinitions, from `FILE` or folder (repeatable)")
	f.BoolVar(&o.cluster, "cluster", false, "take CustomResourceDefinitions from the environment's cluster, too")
	f.BoolVar(&o.info, "info", false, "show findings of severity info, too (other forms always have them)")
	f.BoolVar(&o.printConfig, "print-config", false, "print the configuration that holds, with every rule, and do nothing else")
	oneOf(cmd, "output", checkForms()...)
	oneOf(cmd, "fail-on", check.FailWords()...)
	rules := make([]string, 0, len(check.Rules()))
	for _, r := range check.Rules() {
		rules = append(rules, r.ID+"\t"+r.Title)
	}
	oneOf(cmd, "rule", rules...)
	oneOf(cmd, "skip", rules...)
	for _, name := range []string{"config", "baseline", "write-baseline", "crds", "out"} {
		_ = cmd.MarkFlagFilename(name)
	}
	return cmd
}

func checkForms() []string { return []string{"human", "json", "sarif", "junit"} }

func runCheck(ctx context.Context, env *Env, o checkOptions) error {
	if err := o.refuse(); err != nil {
		return err
	}
	if o.output == "json" {
		env.Global.Output = "json" // errors and warnings, too
	}
	in, src, err := o.read(env)
	if err != nil {
		return err
	}
	if o.printConfig {
		text, err := in.Config.YAML()
		if err != nil {
			return err
		}
		return env.write(o.out, text)
	}
	result, err := o.look(ctx, env, src, in)
	if err != nil {
		return err
	}
	return o.finish(env, &result, in.Config.FailOn)
}

// read opens the project and reads what is configured.
func (o *checkOptions) read(env *Env) (in check.Input, src *source, err error) {
	o.noDecrypt = true
	if src, err = env.openProject(o.input); err != nil {
		return in, nil, err
	}
	in = check.Input{Only: o.only, Skip: o.skip, Now: time.Now(), Plain: plainSecrets, Encrypted: encryptedFile, Progress: env.checkProgress()}
	in.Config, err = o.readConfig(src)
	return in, src, err
}

// look renders and checks.
func (o *checkOptions) look(ctx context.Context, env *Env, src *source, in check.Input) (r check.Result, err error) {
	if in.Baseline, err = o.readBaseline(src, in.Config.Baseline); err != nil {
		return r, err
	}
	if err := env.checkApps(ctx, *o, src, &in); err != nil {
		return r, err
	}
	return check.Run(ctx, in)
}

// refuse looks at the words of flags.
func (o *checkOptions) refuse() error {
	if !slices.Contains(checkForms(), o.output) {
		return fault.New(fault.Usage, "--output %q is none of %s", o.output, strings.Join(checkForms(), ", ")).Hint("sarif is for code hosts and editors, junit for CI servers")
	}
	if o.failOn != "" && !slices.Contains(check.FailWords(), o.failOn) {
		return fault.New(fault.Usage, "--fail-on %q is none of %s", o.failOn, strings.Join(check.FailWords(), ", ")).Hint("never always exits with 0")
	}
	ids := check.RuleIDs()
	for _, id := range slices.Concat(o.only, o.skip) {
		if slices.Contains(ids, id) {
			continue
		}
		f := fault.New(fault.Usage, "there is no rule %q", id)
		for _, near := range fault.Nearest(id, ids, 1) {
			f.Hint("did you mean %q?", near)
		}
		return f.Hint("\"tug check --print-config\" lists all rules")
	}
	return nil
}

// finish writes the findings and says whether they fail the command.
func (o *checkOptions) finish(env *Env, r *check.Result, failOn check.FailOn) error {
	if o.failOn != "" {
		failOn = check.FailOn(o.failOn)
	}
	if o.writeBaseline != "" {
		data, err := r.Baseline.JSON()
		if err != nil {
			return err
		}
		if err := replaceFile(o.writeBaseline, data); err != nil {
			return err
		}
		return env.write(o.out, fmt.Appendf(nil, "%s: %s\n", o.writeBaseline, plural(len(r.Baseline.Findings), "finding")))
	}
	if err := o.write(env, r, failOn); err != nil {
		return err
	}
	failed := 0
	for i := range r.Findings {
		if failOn.Fails(r.Findings[i].Severity) {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return fault.New(fault.Findings, "%s", plural(failed, "finding")+" to mend").
		Hint("every rule is explained in docs/checks.md; what must stay goes into %s with a reason", check.ConfigFile)
}

func (o *checkOptions) write(env *Env, r *check.Result, failOn check.FailOn) error {
	switch o.output {
	case "json":
		return env.writeJSON(o.out, r)
	case "sarif":
		data, err := report.SARIF(r, Release)
		if err != nil {
			return err
		}
		return env.write(o.out, data)
	case "junit":
		data, err := report.JUnit(r, failOn)
		if err != nil {
			return err
		}
		return env.write(o.out, data)
	}
	return env.write(o.out, []byte(findingsText(env.style(env.OutTTY && o.out == ""), r, o.info)))
}

// readConfig reads --config, else the file beside tug.yaml, if there is one.
func (o *checkOptions) readConfig(src *source) (check.Config, error) {
	if o.config != "" {
		data, err := readGiven(o.config)
		if err != nil {
			return check.Config{}, fault.New(fault.NotFound, "--config %s: %w", o.config, reason(err)).Hint("the path is relative to the current folder")
		}
		return check.ReadConfig(o.config, data)
	}
	file := path.Join(src.project.Root, check.ConfigFile)
	data, there, err := readIfThere(src.files, file)
	if err != nil || !there {
		return check.Config{}, err
	}
	return check.ReadConfig(file, data)
}

// readBaseline reads --baseline, else that of the configuration, else the file
// beside tug.yaml, if there is one.
func (o *checkOptions) readBaseline(src *source, configured string) (check.Baseline, error) {
	switch {
	case o.writeBaseline != "":
		return check.Baseline{}, nil
	case o.baseline != "":
		data, err := readGiven(o.baseline)
		if err != nil {
			return check.Baseline{}, fault.New(fault.NotFound, "--baseline %s: %w", o.baseline, reason(err)).Hint("write it with --write-baseline %s", o.baseline)
		}
		return check.ReadBaseline(o.baseline, data)
	}
	name := check.BaselineFile
	if configured != "" {
		name = configured
	}
	file := path.Join(src.project.Root, name)
	data, there, err := readIfThere(src.files, file)
	switch {
	case err != nil:
		return check.Baseline{}, err
	case !there && configured != "":
		return check.Baseline{}, fault.New(fault.NotFound, "baseline %s is not there", file).Hint("write it with --write-baseline %s", configured)
	case !there:
		return check.Baseline{}, nil
	}
	return check.ReadBaseline(file, data)
}
