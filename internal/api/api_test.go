package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tugops/tug/internal/api"
	"github.com/tugops/tug/internal/event"
)

var update = flag.Bool("update", false, "rewrite docs/openapi.json")

// everyone are the callers of these tests.
func everyone() callers {
	return callers{
		"viewer":  {"list pods one", "get deployments one", "get replicasets one", "get pods one"},
		"all":     {"list pods one", "list pods two", "get deployments one", "get secrets one", "get deployments two"},
		"nobody":  nil,
		"podless": {"get deployments one"},
	}
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, api.Config{Callers: everyone()})
	for _, tc := range []struct {
		token, path string
		code        int
		has, hasNot []string
	}{
		{"viewer", "/api/v1/apps", 200, []string{`"name":"shop"`}, []string{"till"}},
		{"all", "/api/v1/apps", 200, []string{`"name":"shop"`, `"name":"till"`}, nil},
		{"all", "/api/v1/apps?namespace=two", 200, []string{`"name":"till"`}, []string{"shop"}},
		{"nobody", "/api/v1/apps", 200, []string{`{"items":[]}`}, nil},
		{"podless", "/api/v1/apps", 200, []string{`{"items":[]}`}, nil},
		{"viewer", "/api/v1/apps/one/shop", 200, []string{`"health":"ready"`}, nil},
		{"viewer", "/api/v1/apps/two/till", 404, []string{"there is no app till in namespace two that you may see"}, nil},
		{"all", "/api/v1/apps/two/none", 404, []string{"there is no app none in namespace two that you may see"}, nil},
		{"nobody", "/api/v1/apps/one/shop/tree", 404, nil, []string{"Deployment"}},
		{"viewer", "/api/v1/apps/one/shop/tree", 200, []string{`"name":"web-1"`, `"kind":"Pod"`, `"left":2`}, []string{"Secret", "Gone"}},
		{"all", "/api/v1/apps/one/shop/tree", 200, []string{`"kind":"Secret"`, `"left":3`}, []string{"Pod", "ReplicaSet"}},
		{"viewer", "/api/v1/apps/one/shop/plan", 200, []string{`"hash":"abc"`, "spec.replicas", `"left":1`}, []string{"Secret"}},
		{"viewer", "/api/v1/apps/one/shop/drift", 200, []string{"kubectl-edit"}, []string{"left"}},
		{"viewer", "/api/v1/apps/one/shop/releases", 200, []string{`"number":3`}, nil},
		{"viewer", "/api/v1/apps/one/shop/diff?from=2&to=3", 200, []string{"spec.replicas", `"left":1`}, []string{"password"}},
		{"viewer", "/api/v1/apps/one/shop/diff?from=2&to=9", 404, []string{"there is no release 9"}, nil},
		{"viewer", "/api/v1/apps/one/shop/diff?from=x", 400, []string{"from and to are not numbers"}, nil},
		{"", "/api/v1/apps", 401, []string{"needs a Kubernetes token"}, nil},
		{"canary-1f2e3d", "/api/v1/apps", 401, []string{"does not take this token"}, []string{"canary"}},
		{"canary-1f2e3d", "/api/v1/events", 401, nil, []string{"canary"}},
		{"", "/api/v1/apps/one/shop/plan", 401, nil, nil},
		{"all", "/nowhere", 404, []string{"openapi.json"}, nil},
		{"", "/healthz", 200, []string{"ok"}, nil},
		{"", "/readyz", 200, []string{"ok"}, nil},
	} {
		res := get(t, server, tc.path, tc.token)
		text := body(t, res)
		if res.StatusCode != tc.code {
			t.Errorf("%s %s: %d, want %d: %s", tc.token, tc.path, res.StatusCode, tc.code, text)
		}
		for _, want := range tc.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s %s has no %s: %s", tc.token, tc.path, want, text)
			}
		}
		for _, not := range tc.hasNot {
			if strings.Contains(text, not) {
				t.Errorf("%s %s tells %s: %s", tc.token, tc.path, not, text)
			}
		}
	}
}

// TestTokenIsNowhere: the token of a request is in no answer and in no log,
// whatever happens.
func TestTokenIsNowhere(t *testing.T) {
	t.Parallel()
	const canary = "canary-9f3e71c2d4"
	who := everyone()
	who[canary] = []string{"list pods one"}
	server, log := serve(t, api.Config{Callers: who})
	for _, token := range []string{canary, canary + "-unknown"} {
		for _, path := range []string{"/api/v1/apps", "/api/v1/apps/one/shop/plan", "/api/v1/apps/two/x", "/nowhere", "/api/v1/apps/one/shop/diff"} {
			if text := body(t, get(t, server, path, token)); strings.Contains(text, canary) {
				t.Errorf("%s tells the token: %s", path, text)
			}
		}
	}
	if text := log.String(); strings.Contains(text, canary) || !strings.Contains(text, "/api/v1/apps") {
		t.Errorf("the log: %s", text)
	}
	// A token in the address would be in logs of others: it does not count.
	if res := get(t, server, "/api/v1/apps?token="+canary+"&access_token="+canary, ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token in the query: %d", res.StatusCode)
	}
}

func TestOnlyReads(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, api.Config{Callers: everyone(), Ready: func() error { return errors.New("no lease yet") }})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/api/v1/apps", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
	res := get(t, server, "/readyz", "")
	if text := body(t, res); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "no lease yet") {
		t.Errorf("not ready: %d %s", res.StatusCode, text)
	}
	if res := get(t, server, "/api/v1/apps?namespace="+strings.Repeat("x", 8<<10), "all"); res.StatusCode != http.StatusRequestURITooLong {
		t.Errorf("a long query: %d", res.StatusCode)
	}
	if got := get(t, server, "/api/v1/apps", "all").Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("answers may be kept: %q", got)
	}
}

// TestAnswersAreAsTheDocumentSays holds every answer against the schema that is
// published.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, api.Config{Callers: everyone()})
	published := body(t, get(t, server, "/openapi.json", ""))
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(published))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	paths := doc.(map[string]any)["paths"].(map[string]any)
	looked := 0
	for path := range paths {
		for _, code := range []string{"200", "default"} {
			at := "openapi.json#/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(path) + "/get/responses/" + code + "/content/application~1json/schema"
			schema, err := compiler.Compile(at)
			if err != nil {
				if strings.HasPrefix(path, "/api/v1/apps") {
					t.Errorf("%s: %v", at, err)
				}
				continue // a stream, the document and probes
			}
			url, token := strings.NewReplacer("{namespace}", "one", "{app}", "shop").Replace(path), "all"
			switch {
			case code == "default" && strings.HasPrefix(path, "/api/v1"):
				token = ""
			case code == "default":
				continue // probes and the document do not fail
			case strings.HasSuffix(path, "/diff"):
				url += "?from=2&to=3"
			}
			answer, err := jsonschema.UnmarshalJSON(strings.NewReader(body(t, get(t, server, url, token))))
			if err == nil {
				err = schema.Validate(answer)
			}
			if err != nil {
				t.Errorf("%s %s: %v", path, code, err)
			}
			looked++
		}
	}
	if looked < 15 {
		t.Errorf("%d answers were looked at", looked)
	}
	fact, err := compiler.Compile("openapi.json#/components/schemas/Fact")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(event.Fact{Kind: event.KindDriftHealed, Time: at, Objects: []event.Touched{{Ref: ref("apps", "Deployment", "one", "web"), Fields: []event.Altered{{Path: "x", From: 1}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data)); err != nil || fact.Validate(v) != nil {
		t.Errorf("a fact: %v, %v", err, fact.Validate(v))
	}
	golden(t, published)
}

// golden holds the document against docs/openapi.json.
func golden(t *testing.T, published string) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(published), "", "  "); err != nil {
		t.Fatal(err)
	}
	const file = "../../docs/openapi.json"
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), pretty.String()); d != "" {
		t.Errorf("docs/openapi.json is not what is served; run the test with -update: %s", d)
	}
}

// next reads one event of a stream; comments are passed over.
func next(t *testing.T, in *bufio.Scanner) (id, data string) {
	t.Helper()
	for in.Scan() {
		switch name, value, _ := strings.Cut(in.Text(), ": "); name {
		case "id":
			id = value
		case "data":
			return id, value
		}
	}
	t.Fatalf("the stream ended: %v", in.Err())
	return "", ""
}

func TestEvents(t *testing.T) {
	t.Parallel()
	feed := api.NewFeed()
	who := everyone()
	server, _ := serve(t, api.Config{Callers: who, Feed: feed})
	tell := func(app, namespace string, objects ...event.Touched) {
		feed.Tell(event.Fact{Time: at, Kind: event.KindDriftHealed, App: app, Namespace: namespace, Objects: objects})
	}
	tell("shop", "one") // before the stream: not told again
	in := bufio.NewScanner(get(t, server, "/api/v1/events", "viewer").Body)
	in.Scan() // the stream has begun
	tell("till", "two")
	feed.Tell(event.Fact{Kind: event.KindSourceFailed, Repository: "https://git.example/x"})
	tell("shop", "one", event.Touched{Ref: ref("apps", "Deployment", "one", "web")}, event.Touched{Ref: ref("", "Secret", "one", "db")})
	id, data := next(t, in)
	if id != "4" || !strings.Contains(data, `"web"`) || strings.Contains(data, "Secret") {
		t.Errorf("event %s: %s", id, data)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/events?namespace=one&app=shop", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer all")
	r.Header.Set("Last-Event-ID", "1")
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if id, _ := next(t, bufio.NewScanner(res.Body)); id != "4" {
		t.Errorf("after event 1 of shop comes %s", id)
	}
}

// TestStreamEnds: a stream whose token is no longer taken ends, and there are
// only so many.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	who, gone := everyone(), make(chan struct{})
	server, _ := serve(t, api.Config{Callers: leaving{who, gone}, Recheck: 10 * time.Millisecond, Streams: 1})
	first := get(t, server, "/api/v1/events", "viewer")
	if res := get(t, server, "/api/v1/events", "viewer"); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a second stream: %d", res.StatusCode)
	}
	close(gone)
	if _, err := io.ReadAll(first.Body); err != nil {
		t.Errorf("the stream does not end well: %v", err)
	}
}

func TestFeedIsBounded(t *testing.T) {
	t.Parallel()
	feed := api.NewFeed()
	for i := range 5000 {
		feed.Tell(event.Fact{Release: i + 1})
	}
	facts, first, _ := feed.After(0)
	if len(facts) > 1000 || len(facts) < 500 || facts[0].Release != int(first) || facts[len(facts)-1].Release != 5000 {
		t.Errorf("%d facts from %d", len(facts), first)
	}
	if facts, first, _ := feed.After(4999); len(facts) != 1 || first != 5000 {
		t.Errorf("after the last but one: %d from %d", len(facts), first)
	}
	if facts, _, _ := feed.After(9_000_000); len(facts) == 0 {
		t.Error("an ID of another process gives nothing")
	}
}
