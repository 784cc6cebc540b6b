package cluster

import (
	"strings"
	"testing"
)

func TestSumOfWrites(t *testing.T) {
	t.Parallel()
	writing := func(line string) bool { return strings.HasPrefix(line, "apiserver_request_total{") && !restless(line) }
	got, err := sum([]byte(`# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="configmaps",scope="resource",verb="APPLY",version="v1"} 250
apiserver_request_total{code="201",resource="secrets",verb="POST"} 2
apiserver_request_total{code="200",resource="secrets",verb="LIST"} 70
apiserver_request_total{code="200",resource="leases",verb="PUT"} 1000
apiserver_request_duration_seconds_count{resource="secrets",verb="POST"} 2
`), writing)
	if err != nil || got != 252 {
		t.Errorf("%v, %v; want 252", got, err)
	}
	if _, err := sum([]byte(`apiserver_request_total{resource="secrets",verb="POST"} much`), writing); err == nil {
		t.Error("no error for a value that is no number")
	}
}
