package forgetest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// timeout bounds one call.
const timeout = time.Minute

// Call asks the forge's API, /api/v1 + path, as somebody; body goes as JSON
// (nil: none) and the answer is read into out (nil: unread) when it is 2xx. It
// gives the status code, and the answer's text when it is another.
func (f *Forge) Call(who Login, method, path string, body, out any) (status int, text string) {
	f.t.Helper()
	return f.call("token "+who.Token, method, path, body, out)
}

// Must is Call that fails the test unless the answer is 2xx.
func (f *Forge) Must(who Login, method, path string, body, out any) {
	f.t.Helper()
	if status, text := f.Call(who, method, path, body, out); status/100 != 2 {
		f.t.Fatalf("%s %s as %s: status %d: %s", method, path, who.User, status, text)
	}
}

func (f *Forge) call(authorization, method, path string, body, out any) (int, string) {
	f.t.Helper()
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			f.t.Fatal(err)
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(f.t.Context(), method, f.URL+"/api/v1"+path, content)
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: timeout}).Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if response.StatusCode/100 != 2 {
		return response.StatusCode, string(answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			f.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return response.StatusCode, ""
}
