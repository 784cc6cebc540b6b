package git

import (
	"bytes"
	"regexp"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/tugops/tug/internal/fault"
)

// Commit is what is said of a commit to people and records.
type Commit struct {
	Hash string    // all 40 hex digits
	Time time.Time // when it was committed, in UTC
	// Message is the first line, Trailers the "Key: value" lines at the end
	// (Signed-off-by and its like), each on one line.
	Message  string
	Trailers []string
	// Ref is what led here: for Working the branch, or HEAD when it is
	// detached; for At the revision as it was given.
	Ref string
}

// IsZero tells that there is no commit (a repository just made).
func (c Commit) IsZero() bool { return c.Hash == "" }

func commitOf(c *object.Commit, ref string) Commit {
	title, _, _ := strings.Cut(strings.TrimLeft(c.Message, "\n"), "\n")
	return Commit{
		Hash:     c.Hash.String(),
		Time:     c.Committer.When.UTC(),
		Message:  strings.TrimSpace(title),
		Trailers: trailers(c.Message),
		Ref:      ref,
	}
}

// commit reads the commit that h is, or that the tag h names.
func (s *store) commit(h plumbing.Hash) (*object.Commit, error) {
	const maxTags = 16 // tags of tags
	for range maxTags {
		data, kind, err := s.read(h, maxMeta)
		if err != nil {
			return nil, err
		}
		switch kind {
		case plumbing.CommitObject:
			return decodeCommit(data)
		case plumbing.TagObject:
			line, _, _ := bytes.Cut(data, []byte("\n"))
			target, ok := strings.CutPrefix(string(line), "object ")
			if !ok || !plumbing.IsHash(target) {
				return nil, fault.New(fault.Invalid, "tag %s is damaged", h)
			}
			h = plumbing.NewHash(target)
		default:
			return nil, fault.New(fault.Invalid, "object %s is a %s, not a commit", h, kind).
				Hint("name a branch, a tag or a commit")
		}
	}
	return nil, fault.New(fault.Invalid, "tag %s names a tag of a tag, more than %d deep", h, maxTags)
}

func decodeCommit(data []byte) (*object.Commit, error) {
	var memory plumbing.MemoryObject
	memory.SetType(plumbing.CommitObject)
	if _, err := memory.Write(data); err != nil {
		return nil, err
	}
	var c object.Commit
	if err := c.Decode(&memory); err != nil {
		return nil, fault.New(fault.Invalid, "commit %s is damaged: %w", memory.Hash(), err).Hint("git fsck says more")
	}
	return &c, nil
}

var (
	trailerLine = regexp.MustCompile(`\A[A-Za-z0-9-]+[ \t]*:`)
	gitMade     = regexp.MustCompile(`\A(Signed-off-by: |\(cherry picked from commit )`)
)

// trailers finds the last paragraph of a message if it is one of trailers, by
// the rules of git-interpret-trailers(1): all lines are, or one is of those
// that Git makes itself and at least a quarter are.
func trailers(message string) []string {
	body := strings.TrimRight(strings.ReplaceAll(message, "\r\n", "\n"), "\n \t")
	at := strings.LastIndex(body, "\n\n")
	if at < 0 {
		return nil
	}
	var found []string
	lines, others, made := 0, 0, false
	for line := range strings.SplitSeq(body[at+2:], "\n") {
		switch {
		case trailerLine.MatchString(line) || gitMade.MatchString(line):
			lines++
			made = made || gitMade.MatchString(line)
			if !strings.HasPrefix(line, "(") {
				found = append(found, strings.TrimSpace(line))
			}
		case len(found) > 0 && strings.TrimLeft(line, " \t") != line:
			found[len(found)-1] += " " + strings.TrimSpace(line)
		default:
			others++
		}
	}
	if others == 0 || made && lines*3 >= others {
		return found
	}
	return nil
}
