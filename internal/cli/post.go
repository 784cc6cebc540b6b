package cli

import (
	"context"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/preview"
)

// postOptions say what becomes of a diff beyond this process.
type postOptions struct {
	post    bool
	number  int
	report  string
	noCheck bool
}

func (o *postOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.post, "post", false, "write it to the pull request: one comment, updated in place, and a status of its head")
	f.IntVar(&o.number, "pr", 0, "`NUMBER` of the pull request (default: the job's, else the open one of the head commit)")
	f.StringVar(&o.report, "report", "", "write the whole report, as Markdown with findings, to `FILE`")
	f.BoolVar(&o.noCheck, "no-check", false, "leave the findings of tug check out of --post and --report")
	_ = cmd.MarkFlagFilename("report")
}

func (o *postOptions) posts() bool { return o.post || o.report != "" }

// poster writes to one pull request.
type poster struct {
	forge forge.Forge
	pr    forge.PullRequest
	name  string // of the comment, and of the status below "tug/"
}

// openPost finds the pull request, and sees that it is about what was compared:
// commit is the head of the diff.
func (e *Env) openPost(ctx context.Context, o diffOptions, d *diff) (*poster, error) {
	src := d.head.source
	commit := src.revision.Commit
	if o.head == "" {
		return nil, fault.New(fault.Usage, "--post compares two commits, and the working tree is none").
			Hint("name the head: tug diff origin/main...HEAD --post")
	}
	f, err := e.forge(src.repo.RemoteURL())
	if err != nil {
		return nil, err
	}
	p := &poster{forge: f, name: commentName(d)}
	if p.pr, err = e.pullRequest(ctx, f, o.number, commit); err != nil {
		return nil, err
	}
	// CI systems check out the merge of a pull request, which has its head
	// behind it.
	behind, err := src.repo.Ancestor(p.pr.HeadCommit, commit)
	if err != nil {
		return nil, err
	}
	if !behind {
		return nil, fault.New(fault.Conflict, "pull request %d is at %.12s, and %.12s was compared", p.pr.Number, p.pr.HeadCommit, commit).
			Hint("it has moved on: the run for its new head will say more").Hint("in a shallow clone, fetch the history: git fetch --unshallow")
	}
	return p, nil
}

// pullRequest is the one given, that of the CI job, or the open one of a commit.
func (e *Env) pullRequest(ctx context.Context, f forge.Forge, number int, commit string) (forge.PullRequest, error) {
	if number == 0 {
		number = e.jobPullRequest()
	}
	if number != 0 {
		return f.PullRequest(ctx, number)
	}
	all, err := f.PullRequestsOf(ctx, commit)
	if err != nil {
		return forge.PullRequest{}, err
	}
	for _, pr := range all {
		if pr.State == forge.Open {
			return pr, nil
		}
	}
	return forge.PullRequest{}, fault.New(fault.NotFound, "%.12s is in no open pull request", commit).Hint("name it with --pr NUMBER")
}

var mergeRef = regexp.MustCompile(`\Arefs/pull/(\d+)/(merge|head)\z`)

// jobPullRequest is the number that CI systems tell their jobs; 0 without one.
func (e *Env) jobPullRequest() int {
	texts := []string{e.Getenv("TUG_PULL_REQUEST"), e.Getenv("CI_MERGE_REQUEST_IID"), e.Getenv("CHANGE_ID")}
	if m := mergeRef.FindStringSubmatch(e.Getenv("GITHUB_REF")); m != nil {
		texts = append(texts, m[1])
	}
	for _, text := range texts {
		if n, err := strconv.Atoi(text); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._]+`)

// commentName tells the comments of a pull request apart: one for each part
// of a repository that is compared by itself.
func commentName(d *diff) string {
	name := "preview"
	for _, part := range []string{d.head.source.project.Root, d.in.Env, d.in.App} {
		if part = notInNames.ReplaceAllString(part, "-"); part != "" && part != "." && part != "-" {
			name += "/" + part
		}
	}
	return name
}

// room is kept for the hidden marker of a comment.
const room = 300

// write updates the comment and sets the status.
func (p *poster) write(ctx context.Context, c preview.Comment, state forge.StatusState) (forge.Posted, bool, error) {
	text, cut := c.Markdown(p.forge.Kind().Limits().Comment - room)
	posted, err := p.forge.UpsertComment(ctx, p.pr.Number, forge.Comment{Name: p.name, Body: text})
	if err != nil {
		return posted, cut, err
	}
	return posted, cut, p.status(ctx, state, c.Verdict(), posted.URL)
}

func (p *poster) status(ctx context.Context, state forge.StatusState, text, url string) error {
	return p.forge.SetStatus(ctx, p.pr.HeadCommit, forge.Status{Context: "tug/" + p.name, State: state, Description: text, URL: url})
}
