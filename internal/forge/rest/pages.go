package rest

import (
	"context"
	"maps"
	"net/url"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// maxPages bounds a list: 200 pages of 50 or 100.
const maxPages = 200

// List reads a list page by page. each returns false to stop early. Pages
// follow the Link header; of its URLs only the query is used, so that a forge
// cannot send the token to another place.
func List[T any](ctx context.Context, c *Client, path string, query url.Values, each func(T) bool) error {
	query = maps.Clone(query)
	for range maxPages {
		var page []T
		answer, err := c.Get(ctx, path, query, &page)
		if err != nil {
			return err
		}
		for _, item := range page {
			if !each(item) {
				return nil
			}
		}
		next, ok := Next(answer)
		if !ok || next.Encode() == query.Encode() {
			return nil
		}
		query = next
	}
	return fault.New(fault.Invalid, "list %s: more than %d pages", path, maxPages)
}

var nextLink = regexp.MustCompile(`<([^<>]*)>\s*;[^,<]*\brel="?next"?`)

// Next is the query of the next page.
func Next(a Answer) (url.Values, bool) {
	m := nextLink.FindStringSubmatch(strings.Join(a.Header.Values("Link"), ","))
	if m == nil {
		return nil, false
	}
	u, err := url.Parse(m[1])
	if err != nil {
		return nil, false
	}
	return u.Query(), true
}
