// Package api is the part of Gitea's API that the lab's forge is furnished with.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client speaks for one account: by its token, or by its password where Gitea
// takes nothing else.
type Client struct {
	URL      string // root of the forge
	Token    string
	User     string
	Password string
}

// Error is an answer other than 2xx.
type Error struct {
	Call    string // method and path
	Status  int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: status %d: %s", e.Call, e.Status, e.Message) }

// Is reports whether err is an answer with one of the given status codes.
func Is(err error, status ...int) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, s := range status {
		if e.Status == s {
			return true
		}
	}
	return false
}

// timeout bounds one call; creating a repository on a busy machine is slow.
const timeout = time.Minute

// Call sends body as JSON (none when nil) to a path below /api/v1 and reads the
// answer into out (unread when nil).
func (c Client) Call(ctx context.Context, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode/100 != 2 {
		return &Error{Call: method + " " + path, Status: response.StatusCode, Message: string(bytes.TrimSpace(text))}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: answer: %w", method, path, err)
	}
	return nil
}

func (c Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+"/api/v1"+path, content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "token "+c.Token)
	} else if c.User != "" {
		request.SetBasicAuth(c.User, c.Password)
	}
	return request, nil
}
