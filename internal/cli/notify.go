package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/project"
)

type notifyOptions struct {
	input
	channel string
	event   string
	dryRun  bool
}

func newNotifyCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "notify COMMAND", GroupID: "more", Short: "Try out who hears of what",
		Long: `tug.yaml says under "notify" which channels hear of which events. Deploys tell
them by those routes, from a pipeline as from the agent. "tug notify test" sends
an example.

Credentials: the secrets that the channels name.`,
		Example: "  tug notify test\n  tug notify test team --event drift-healed --dry-run",
		Args:    unknownNotifyCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddGroup(&cobra.Group{ID: "notify", Title: "Commands:"})
	cmd.AddCommand(newNotifyTestCommand(env))
	return cmd
}

func unknownNotifyCommand(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "unknown command %q of tug notify", args[0]).Hint("there is: test")
}

func newNotifyTestCommand(env *Env) *cobra.Command {
	var o notifyOptions
	cmd := &cobra.Command{
		Use: "test [CHANNEL]", GroupID: "notify", Short: "Send an example message",
		Long: `Sends an example, once, and says what each service answered. Without CHANNEL it
goes where the routes lead for that event, app and environment; an event "test"
without routes of its own goes to every channel. With --dry-run nothing is sent:
the messages are shown.

Credentials: the secrets that the channels name (none with --dry-run).`,
		Example: "  tug notify test\n  tug notify test -e prod -a shop --event degraded\n  tug notify test team --event drift-healed --dry-run",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fault.New(fault.Usage, "tug notify test takes one CHANNEL, got %d", len(args)).Hint("leave it out for all that the routes lead to")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Path = "."
			if len(args) == 1 {
				o.channel = args[0]
			}
			return runNotifyTest(cmd.Context(), env, o)
		},
	}
	o.chooseFlags(env, cmd)
	f := cmd.Flags()
	f.StringVar(&o.event, "event", string(notify.KindTest), "which `KIND` of event to show an example of")
	f.BoolVar(&o.dryRun, "dry-run", false, "show the messages, and send nothing")
	_ = cmd.RegisterFlagCompletionFunc("event", cobra.FixedCompletions(notify.Kinds(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// sent is the result for one channel.
type sent struct {
	Channel string       `json:"channel"`
	Type    string       `json:"type"`
	Sent    bool         `json:"sent"`
	Error   string       `json:"error,omitempty"`
	Title   string       `json:"title"`
	Text    string       `json:"text,omitempty"`
	Rows    []notify.Row `json:"rows,omitempty"`
}

func runNotifyTest(ctx context.Context, env *Env, o notifyOptions) error {
	if !slices.Contains(notify.Kinds(), o.event) {
		e := fault.New(fault.Usage, "event %q is not known", o.event)
		for _, near := range fault.Nearest(o.event, notify.Kinds(), 1) {
			e.Hint("did you mean %q?", near)
		}
		return e.Hint("there are: %s", strings.Join(notify.Kinds(), ", "))
	}
	s, err := env.openProject(o.input)
	if err != nil {
		return err
	}
	example, client, err := env.notifyExample(ctx, s, o)
	if err != nil {
		return err
	}
	names, err := chosenChannels(s.project.Notify, o.channel, example)
	if err != nil {
		return err
	}
	list, err := env.channels(s.project.Notify, client)
	if err != nil {
		return err
	}
	var results []sent
	for _, c := range list {
		if slices.Contains(names, c.Name) {
			results = append(results, env.sendExample(ctx, c, s.project.Notify, example, o.dryRun))
		}
	}
	return env.showSent(results, o.dryRun)
}

// chosenChannels are the channels that hear of the example.
func chosenChannels(n project.Notify, channel string, example event.Fact) ([]string, error) {
	all := slices.Sorted(maps.Keys(n.Channels))
	if len(all) == 0 {
		return nil, fault.New(fault.NotFound, "tug.yaml names no channel").Hint("add one under notify: channels:, see docs/notify.md")
	}
	if channel != "" {
		if slices.Contains(all, channel) {
			return []string{channel}, nil
		}
		e := fault.New(fault.NotFound, "channel %q is not in tug.yaml", channel)
		for _, near := range fault.Nearest(channel, all, 1) {
			e.Hint("did you mean %q?", near)
		}
		return nil, e.Hint("there are: %s", strings.Join(all, ", "))
	}
	names := notify.Channels(routes(n), example)
	if len(names) == 0 && example.Kind == notify.KindTest {
		names = all
	}
	if len(names) == 0 {
		return nil, fault.New(fault.NotFound, "no route takes the event %s", example.Kind).
			Hint("choose app and environment with -a and -e, or name a CHANNEL to see the message")
	}
	return names, nil
}

// sendExample sends once: somebody is waiting for the answer.
func (e *Env) sendExample(ctx context.Context, c channel, n project.Notify, example event.Fact, dry bool) sent {
	m := notify.Compose(c.Name, example, e.sensitive, c.Templates, templates(n.Templates))
	result := sent{Channel: c.Name, Type: c.kind, Title: m.Title, Text: m.Text, Rows: m.Rows}
	if dry {
		return result
	}
	err := c.err
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, tellingTakes)
		err = c.Notifier.Send(ctx, m)
		cancel()
	}
	if err == nil {
		result.Sent = true
		return result
	}
	result.Error = e.sensitive.Mask(err.Error())
	if retry, ok := errors.AsType[*notify.Retry](err); ok && retry.After > 0 {
		result.Error += fmt.Sprintf(" (it asks to wait %s)", retry.After.Round(time.Second))
	}
	for _, hint := range fault.HintsOf(err) {
		result.Error += "; " + hint
	}
	return result
}

// showSent says what became of the examples, and fails when one was not sent.
func (e *Env) showSent(results []sent, dry bool) error {
	failed := 0
	for _, r := range results {
		if !r.Sent && !dry {
			failed++
		}
	}
	if e.Global.JSON() {
		if err := e.writeJSON("", results); err != nil {
			return err
		}
	} else {
		e.showSentHuman(results, dry)
	}
	if failed > 0 {
		return fault.New(fault.Unavailable, "%d of %d messages were not sent", failed, len(results))
	}
	return nil
}

func (e *Env) showSentHuman(results []sent, dry bool) {
	for i, r := range results {
		switch {
		case dry:
			if i > 0 {
				fmt.Fprintln(e.Stdout)
			}
			m := notify.Message{Title: r.Title, Text: r.Text, Rows: r.Rows}
			fmt.Fprintf(e.Stdout, "--- %s (%s)\n%s\n", r.Channel, r.Type, m.Plain())
		case r.Sent:
			fmt.Fprintf(e.Stdout, "%s (%s): sent\n", r.Channel, r.Type)
		default:
			fmt.Fprintf(e.Stdout, "%s (%s): not sent: %s\n", r.Channel, r.Type, r.Error)
		}
	}
}

// notifyExample is the example, and a client where a channel needs one.
func (e *Env) notifyExample(ctx context.Context, s *source, o notifyOptions) (event.Fact, *kube.Client, error) {
	in, err := e.exampleApp(s, o.input)
	if err != nil {
		return event.Fact{}, nil, err
	}
	f := example(event.Kind(o.event), time.Now())
	f.App, f.Env, f.Namespace = in.App, in.Env, in.Namespace
	for i := range f.Objects {
		f.Objects[i].Ref.Namespace = in.Namespace
	}
	f.Repository, f.Ref, f.Commit, f.Subject = s.revision.Repository, s.revision.Ref, s.revision.Commit, s.revision.Message
	needs := false
	for _, c := range s.project.Notify.Channels {
		needs = needs || c.Type == kubernetesEvents
	}
	if !needs || o.dryRun {
		return f, nil, nil
	}
	client, err := e.connect(s.project.Environments[in.Env].Cluster)
	return f, client, err
}

// exampleApp is the app that the flags choose, or the first one.
func (e *Env) exampleApp(s *source, in input) (input, error) {
	specs, err := s.places(in)
	if err == nil {
		in.App, in.Env, in.Namespace = specs[0].App, specs[0].Env, specs[0].Namespace
		return in, nil
	}
	if in.Env != "" || in.App != "" {
		return in, err
	}
	// Several environments and none chosen: an example needs only a name.
	if names := slices.Sorted(maps.Keys(s.project.Apps)); len(names) > 0 {
		in.App = names[0]
	}
	return in, nil
}
