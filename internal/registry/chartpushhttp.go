package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// uploadTime bounds the upload of a chart.
const uploadTime = 5 * time.Minute

// upload sends an archive. taken says that the repository has the version.
func (c *Charts) upload(ctx context.Context, way, repository string, u ChartUpload) (taken bool, err error) {
	base, err := url.Parse(strings.TrimSuffix(repository, "/"))
	if err != nil {
		return false, badRepository(repository, "this is no URL")
	}
	method, targets := http.MethodPost, museumPlaces(base)
	if way == wayNexus {
		method, targets = http.MethodPut, []string{base.JoinPath(u.archive()).String()}
	}
	for i, target := range targets {
		status, text, err := c.send(ctx, method, target, u.Data)
		if err != nil {
			return false, err
		}
		if status == http.StatusNotFound && i+1 < len(targets) {
			continue
		}
		return uploaded(repository, u, status, text)
	}
	return false, nil
}

// museumPlaces are where ChartMuseum's API may be: below the repository, or,
// where the server keeps many of them, before its path.
func museumPlaces(base *url.URL) []string {
	places := []string{base.JoinPath("api", "charts").String()}
	if base.Path != "" {
		tenant := *base
		tenant.Path, tenant.RawPath = "/api"+base.Path+"/charts", ""
		places = append(places, tenant.String())
	}
	return places
}

// send makes one request. Servers take the kind of the body from its type: the
// form that curl --data-binary claims is an error for some.
func (c *Charts) send(ctx context.Context, method, target string, data []byte) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, uploadTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(data))
	if err != nil {
		return 0, "", badRepository(target, "this is no URL")
	}
	r.Header.Set("Content-Type", "application/gzip")
	res, err := c.options.HTTP.HTTP().Do(r)
	if err != nil {
		if own, ok := errors.AsType[*fault.Error](err); ok {
			return 0, "", own
		}
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return 0, "", fault.New(fault.Unavailable, "upload to %s: %w", outbound.Clean(target), err).Hint("is the repository reachable from here?")
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		answer = nil // the status says enough
	}
	return res.StatusCode, oneLine(string(answer)), nil
}

// uploaded says what an answer means.
func uploaded(repository string, u ChartUpload, status int, text string) (taken bool, err error) {
	at := outbound.Clean(repository)
	switch {
	case status >= 200 && status < 300:
		return false, nil
	case status == http.StatusConflict:
		return true, nil
	// Nexus' words for a version that is there, where replacing is off.
	case status == http.StatusBadRequest && strings.Contains(strings.ToLower(text), "updat"):
		return true, nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return false, fault.New(fault.Denied, "chart repository %s does not let this identity upload %s (status %d)", at, u.archive(), status).
			Hint("see docs/sources.md for the places of credentials; publishing needs the right to write")
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return false, fault.New(fault.NotFound, "chart repository %s takes no upload (status %d)", at, status).
			Hint("https://… is for ChartMuseum's API, nexus+https://… for Nexus, oci://… for registries")
	case status >= 500 || status == http.StatusTooManyRequests:
		return false, fault.New(fault.Unavailable, "chart repository %s: status %d for %s: %s", at, status, u.archive(), text).Hint("try again later")
	}
	return false, fault.New(fault.Invalid, "chart repository %s refuses %s: status %d: %s", at, u.archive(), status, text)
}
