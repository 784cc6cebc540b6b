package metrics

// Agent are the metrics of the agent. Names and labels are API.
type Agent struct {
	*Registry

	Build, Leader, Apps                         Gauge
	AppReady, AppSuspended, AppDrift            Gauge
	AppRelease, AppDeployed                     Gauge
	Deploys, Heals, Fights                      Counter
	DeployTime, CommitTime, HealTime            Histogram
	Renders                                     Counter
	RenderTime                                  Histogram
	SourceReady, SourceFetched                  Gauge
	SourceFetches, Webhooks                     Counter
	Queue, Watches                              Gauge
	WatchRestarts, Requests                     Counter
	Notifications                               Counter
	NotifyTime                                  Histogram
	APIRequests                                 Counter
	APITime                                     Histogram
	APIStreams, Goroutines, HeapBytes, CacheUse Gauge
}

// long and quick are buckets in seconds.
func long() []float64  { return []float64{0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800} }
func quick() []float64 { return []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10} }

// New makes the metrics of an agent.
func New() *Agent {
	r := &Registry{}
	gauge := func(name, help string, labels ...string) Gauge {
		return Gauge{r.add(Family{Name: name, Help: help, Kind: GaugeKind, Labels: labels})}
	}
	counter := func(name, help string, labels ...string) Counter {
		return Counter{r.add(Family{Name: name, Help: help, Kind: CounterKind, Labels: labels})}
	}
	histogram := func(name, help string, buckets []float64, labels ...string) Histogram {
		return Histogram{r.add(Family{Name: name, Help: help, Kind: HistogramKind, Labels: labels, Buckets: buckets})}
	}
	app := []string{"app", "environment", "namespace"}
	return &Agent{
		Registry: r,

		Build:  gauge("tug_build_info", "1, with the version of tug.", "version"),
		Leader: gauge("tug_leader", "1 where this replica does the work."),
		Apps:   gauge("tug_apps", "Apps by health: ready, progressing, failed, unknown.", "health"),

		AppReady:     gauge("tug_app_ready", "1 where all objects of the app are ready.", app...),
		AppSuspended: gauge("tug_app_suspended", "1 where a person took the app from the agent.", app...),
		AppDrift:     gauge("tug_app_drifted_objects", "Objects that differ from the repository and are left so.", app...),
		AppRelease:   gauge("tug_app_release", "Number of the release that runs.", app...),
		AppDeployed:  gauge("tug_app_deployed_timestamp_seconds", "When the release that runs was deployed.", app...),

		Deploys:    counter("tug_deploys_total", "Deploys by result: deployed, failed, blocked, rolled-back.", append(app, "result")...),
		DeployTime: histogram("tug_deploy_duration_seconds", "From the plan to ready.", long()),
		CommitTime: histogram("tug_commit_to_deployed_seconds", "From the time of the commit to ready.", long()),
		Heals:      counter("tug_heals_total", "Drift that was put back.", app...),
		HealTime:   histogram("tug_heal_duration_seconds", "From the edit, as the cluster dates it, to healed.", quick()),
		Fights:     counter("tug_fights_total", "Heals that were undone until the agent stopped, by who undid them.", append(app, "manager")...),

		Renders:    counter("tug_renders_total", "Renders by result: rendered, cached, failed.", "result"),
		RenderTime: histogram("tug_render_duration_seconds", "Renders that were made.", quick()),

		SourceReady:   gauge("tug_source_ready", "1 where the repository can be read and is trusted.", "repository"),
		SourceFetched: gauge("tug_source_fetched_timestamp_seconds", "When the repository was last read.", "repository"),
		SourceFetches: counter("tug_source_fetches_total", "Reads of repositories by result: changed, unchanged, failed.", "repository", "result"),
		Webhooks:      counter("tug_webhooks_total", "Webhooks by result: accepted, ignored, refused.", "result"),

		Queue:         gauge("tug_queue_length", "Apps that wait for a worker."),
		Watches:       gauge("tug_watches", "Watches that are open."),
		WatchRestarts: counter("tug_watch_restarts_total", "Watches that were opened again, by why: expired, closed, error.", "reason"),
		Requests:      counter("tug_kubernetes_requests_total", "Requests to the API server.", "verb", "code"),

		Notifications: counter("tug_notifications_total", "Messages by result: sent, failed.", "channel", "result"),
		NotifyTime:    histogram("tug_notification_duration_seconds", "From taking a message to its delivery, waits included.", long(), "channel"),

		APIRequests: counter("tug_api_requests_total", "Requests to the HTTP API.", "route", "code"),
		APITime:     histogram("tug_api_request_duration_seconds", "Requests to the HTTP API, streams left out.", quick(), "route"),
		APIStreams:  gauge("tug_api_streams", "Event streams that are open."),

		Goroutines: gauge("tug_goroutines", "Goroutines."),
		HeapBytes:  gauge("tug_heap_bytes", "Memory of the heap that is in use."),
		CacheUse:   gauge("tug_cache_bytes", "Size of the disk cache."),
	}
}
