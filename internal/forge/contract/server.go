package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Page cuts a list as page and per_page ask, and sets the Link header in the
// form that GitHub and GitLab share. most is the largest page.
func Page[T any](w http.ResponseWriter, r *http.Request, list []T, most int) []T {
	size, err := strconv.Atoi(r.URL.Query().Get("per_page"))
	if err != nil || size < 1 || size > most {
		size = min(30, most)
	}
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	last := max(1, (len(list)+size-1)/size)
	var links []string
	for _, l := range []struct {
		rel    string
		number int
	}{{"prev", page - 1}, {"next", page + 1}, {"last", last}, {"first", 1}} {
		if l.number < 1 || l.number > last || l.number == page {
			continue
		}
		u := url.URL{Scheme: "https", Host: "forge.example", Path: "/another/path", RawQuery: with(r.URL.Query(), "page", strconv.Itoa(l.number))}
		links = append(links, fmt.Sprintf("<%s>; rel=%q", u.String(), l.rel))
	}
	if len(links) > 0 {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
	from := min((page-1)*size, len(list))
	return list[from:min(from+size, len(list))]
}

func with(q url.Values, name, value string) string {
	q.Set(name, value)
	return q.Encode()
}

// JSON answers.
func JSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
}

// Read decodes a request.
func Read[T any](r *http.Request) T {
	var body T
	_ = json.NewDecoder(r.Body).Decode(&body)
	return body
}

// Number is a number in a path.
func Number(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.PathValue(name))
	if err != nil {
		return -1
	}
	return n
}
