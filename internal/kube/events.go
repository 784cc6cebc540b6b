package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// maxEvents is how many messages of one object are told.
const maxEvents = 20

// eventList is the part of a v1 EventList that tug reads.
type eventList struct {
	Items []eventItem `json:"items"`
}

type eventItem struct {
	Reason         string    `json:"reason"`
	Message        string    `json:"message"`
	Count          int       `json:"count"`
	FirstTimestamp time.Time `json:"firstTimestamp"`
	LastTimestamp  time.Time `json:"lastTimestamp"`
	EventTime      time.Time `json:"eventTime"`
	Series         struct {
		Count            int       `json:"count"`
		LastObservedTime time.Time `json:"lastObservedTime"`
	} `json:"series"`
	Metadata struct {
		CreationTimestamp time.Time `json:"creationTimestamp"`
	} `json:"metadata"`
}

// Events gives the messages of recent events about one object, newest last:
// "Reason: message", with "(5 times)" where it was repeated. Events of
// cluster-scoped objects stand in the namespace default.
func (c *Client) Events(ctx context.Context, namespace, uid string) ([]string, error) {
	what := subject{verb: "list", text: "events in namespace " + cmp.Or(namespace, "default")}
	if err := checkSegment(what, "namespace", cmp.Or(namespace, "default")); err != nil {
		return nil, err
	}
	body, err := c.do(ctx, call{
		method: http.MethodGet,
		path:   "/api/v1/namespaces/" + cmp.Or(namespace, "default") + "/events",
		params: map[string]string{"fieldSelector": "involvedObject.uid=" + uid},
		what:   what,
	})
	if err != nil {
		return nil, err
	}
	var list eventList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, badAnswer(what, err)
	}
	slices.SortStableFunc(list.Items, func(a, b eventItem) int { return a.last().Compare(b.last()) })
	var texts []string
	for _, e := range list.Items[max(0, len(list.Items)-maxEvents):] {
		texts = append(texts, e.String())
	}
	return texts, nil
}

// last is when the event was seen last; the two generations of the API keep
// it in different fields.
func (e eventItem) last() time.Time {
	latest := e.Metadata.CreationTimestamp
	for _, t := range []time.Time{e.FirstTimestamp, e.LastTimestamp, e.EventTime, e.Series.LastObservedTime} {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

// String is the event in one line.
func (e eventItem) String() string {
	text := e.Message
	if e.Reason != "" {
		text = e.Reason + ": " + e.Message
	}
	if n := max(e.Count, e.Series.Count); n > 1 {
		text += fmt.Sprintf(" (%d times)", n)
	}
	return text
}
