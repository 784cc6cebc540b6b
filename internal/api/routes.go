package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// route is one path.
type route struct {
	path, summary string
	// open needs no token; stream has no time limit.
	open, stream bool
	query        []parameter
	// answer is the type of the JSON answer.
	answer reflect.Type
	handle func(ctx context.Context, c *caller, r *http.Request) (any, error)
	raw    http.HandlerFunc // instead of handle
}

// parameter is a parameter of the query.
type parameter struct {
	name, doc string
	integer   bool
	required  bool
}

func (s *Server) routes() []route {
	const app = "/api/v1/apps/{namespace}/{app}"
	return []route{
		{
			path: "/api/v1/apps", summary: "All apps that the caller may see", answer: reflect.TypeFor[List[App]](), handle: s.apps,
			query: []parameter{{name: "namespace", doc: "Only those of this namespace."}},
		},
		{path: app, summary: "One app", answer: reflect.TypeFor[App](), handle: s.app},
		{path: app + "/tree", summary: "What the app owns, and what controllers made of it", answer: reflect.TypeFor[List[Node]](), handle: s.tree},
		{path: app + "/plan", summary: "What would change now", answer: reflect.TypeFor[Plan](), handle: s.plan},
		{path: app + "/drift", summary: "Objects that differ from what was deployed", answer: reflect.TypeFor[List[Drifted]](), handle: s.drift},
		{path: app + "/releases", summary: "Releases, newest first", answer: reflect.TypeFor[List[Release]](), handle: s.releases},
		{
			path: app + "/diff", summary: "What changed between two releases", answer: reflect.TypeFor[List[Change]](), handle: s.diff,
			query: []parameter{{"from", "Number of the older release.", true, true}, {"to", "Number of the newer release.", true, true}},
		},
		{
			path: "/api/v1/events", summary: "Events as they happen (text/event-stream; each has an id, for Last-Event-ID)", stream: true,
			answer: reflect.TypeFor[event.Fact](), raw: s.events,
			query: []parameter{{name: "namespace", doc: "Only those of this namespace."}, {name: "app", doc: "Only those of the app of this name."}},
		},
		{path: "/openapi.json", summary: "This document", open: true, raw: s.openapi},
		{path: "/healthz", summary: "200 while the process works", open: true, raw: s.healthz},
		{path: "/readyz", summary: "200 when the agent is ready, 503 with the reason when not", open: true, raw: s.readyz},
	}
}

// keyOf is the app that a path names.
func keyOf(r *http.Request) Key { return Key{r.PathValue("namespace"), r.PathValue("app")} }

func (s *Server) apps(ctx context.Context, c *caller, r *http.Request) (any, error) {
	all, err := s.config.State.Apps(ctx)
	if err != nil {
		return nil, err
	}
	only := r.URL.Query().Get("namespace")
	all = slices.DeleteFunc(slices.Clone(all), func(a App) bool { return only != "" && a.Namespace != only })
	wanted := []object.Access{pods(only)} // a token is looked at also where there is no app
	for _, a := range all {
		if !slices.Contains(wanted, pods(a.Namespace)) {
			wanted = append(wanted, pods(a.Namespace))
		}
	}
	if err := c.may(ctx, wanted); err != nil {
		return nil, err
	}
	out := List[App]{Items: []App{}}
	for _, a := range all {
		if c.known[pods(a.Namespace)] {
			out.Items = append(out.Items, a)
		}
	}
	return out, nil
}

func (s *Server) app(ctx context.Context, c *caller, r *http.Request) (any, error) {
	return s.find(ctx, c, keyOf(r))
}

// find is an app that the caller may see. One that is not there and one that
// is not shown are the same to a caller.
func (s *Server) find(ctx context.Context, c *caller, k Key) (App, error) {
	if ok, err := c.sees(ctx, k.Namespace); err != nil || !ok {
		return App{}, orHidden(err, k)
	}
	all, err := s.config.State.Apps(ctx)
	if err != nil {
		return App{}, err
	}
	for _, a := range all {
		if a.Key() == k {
			return a, nil
		}
	}
	return App{}, orHidden(nil, k)
}

func orHidden(err error, k Key) error {
	if err != nil {
		return err
	}
	return fault.New(fault.NotFound, "there is no app %s in namespace %s that you may see", k.Name, k.Namespace).
		Hint("an app is shown to those who may list pods in its namespace")
}

func (s *Server) tree(ctx context.Context, c *caller, r *http.Request) (any, error) {
	if _, err := s.find(ctx, c, keyOf(r)); err != nil {
		return nil, err
	}
	nodes, err := s.config.State.Tree(ctx, keyOf(r))
	if err != nil {
		return nil, err
	}
	shown, left, err := c.nodes(ctx, nodes)
	return List[Node]{shown, left}, err
}

func (s *Server) plan(ctx context.Context, c *caller, r *http.Request) (any, error) {
	if _, err := s.find(ctx, c, keyOf(r)); err != nil {
		return nil, err
	}
	p, err := s.config.State.Plan(ctx, keyOf(r))
	if err != nil {
		return nil, err
	}
	p.Changes, p.Left, err = filter(ctx, c, p.Changes, func(x Change) object.Ref { return x.Ref })
	return p, err
}

func (s *Server) drift(ctx context.Context, c *caller, r *http.Request) (any, error) {
	if _, err := s.find(ctx, c, keyOf(r)); err != nil {
		return nil, err
	}
	list, err := s.config.State.Drift(ctx, keyOf(r))
	if err != nil {
		return nil, err
	}
	shown, left, err := filter(ctx, c, list, func(x Drifted) object.Ref { return x.Ref })
	return List[Drifted]{shown, left}, err
}

func (s *Server) releases(ctx context.Context, c *caller, r *http.Request) (any, error) {
	if _, err := s.find(ctx, c, keyOf(r)); err != nil {
		return nil, err
	}
	list, err := s.config.State.Releases(ctx, keyOf(r))
	return List[Release]{Items: append([]Release{}, list...)}, err
}

func (s *Server) diff(ctx context.Context, c *caller, r *http.Request) (any, error) {
	if _, err := s.find(ctx, c, keyOf(r)); err != nil {
		return nil, err
	}
	from, fromErr := strconv.Atoi(r.URL.Query().Get("from"))
	to, toErr := strconv.Atoi(r.URL.Query().Get("to"))
	if fromErr != nil || toErr != nil || from < 1 || to < 1 {
		return nil, fault.New(fault.Usage, "from and to are not numbers of releases").Hint("for example ?from=3&to=4")
	}
	list, err := s.config.State.Diff(ctx, keyOf(r), from, to)
	if err != nil {
		return nil, err
	}
	shown, left, err := filter(ctx, c, list, func(x Change) object.Ref { return x.Ref })
	return List[Change]{shown, left}, err
}
