package notifytest

import "net/http"

// The replies below have the status codes and the form that the services
// document. Where a comment says so the words of a body are made up: what counts
// is the code, and where the wait stands.

func later(body string) Reply {
	return Reply{http.StatusTooManyRequests, map[string]string{"Retry-After": "7"}, body}
}

// Slack is the changelog of 2016-05-17, "Improving error conditions for Incoming
// Webhooks", and "Rate limits" for 429.
func Slack() map[Answer]Reply {
	return map[Answer]Reply{
		Works: {200, nil, "ok"}, Later: later("rate_limited"), Broken: {500, nil, "rollup_error"},
		Denies: {403, nil, "action_prohibited"},
	}
}

// Teams is a workflow of Power Automate, which accepts and says nothing. The
// bodies of its errors are made up.
func Teams() map[Answer]Reply {
	return map[Answer]Reply{
		Works: {202, nil, ""}, Later: later(`{"error":{"code":"WorkflowTriggerIsRateLimited","message":"Too many requests."}}`),
		Broken: {502, nil, `{"error":{"code":"NoResponse","message":"The server did not receive a response from an upstream server."}}`},
		Denies: {401, nil, `{"error":{"code":"DirectApiAuthorizationRequired","message":"The request must be authenticated by direct API authorization scheme."}}`},
	}
}

// Discord is docs.discord.com, "Execute Webhook" and "Rate Limits".
func Discord() map[Answer]Reply {
	return map[Answer]Reply{
		Works:  {204, nil, ""},
		Later:  {429, nil, `{"message":"You are being rate limited.","retry_after":7,"global":false}`},
		Broken: {502, nil, "<html>bad gateway</html>"}, Denies: {401, nil, `{"message":"Invalid Webhook Token","code":50027}`},
	}
}

// Mattermost is developers.mattermost.com, "Incoming webhooks": errors have id,
// message and status_code; the words are made up.
func Mattermost() map[Answer]Reply {
	return map[Answer]Reply{
		Works: {200, nil, "ok"}, Later: later("limit exceeded"),
		Broken: {500, nil, `{"id":"web.incoming_webhook.general.app_error","message":"Failed to handle the payload of media type application/json for incoming webhook.","status_code":500}`},
		Denies: {403, nil, `{"id":"api.context.permissions.app_error","message":"You do not have the appropriate permissions.","status_code":403}`},
	}
}

// Telegram is core.telegram.org/bots/api, "Making requests" and
// ResponseParameters.
func Telegram() map[Answer]Reply {
	return map[Answer]Reply{
		Works:  {200, nil, `{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":-100,"type":"supergroup"}}}`},
		Later:  {429, nil, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}`},
		Broken: {502, nil, `{"ok":false,"error_code":502,"description":"Bad Gateway"}`},
		Denies: {401, nil, `{"ok":false,"error_code":401,"description":"Unauthorized"}`},
	}
}

// Matrix is spec.matrix.org, client-server API, "API standards".
func Matrix() map[Answer]Reply {
	return map[Answer]Reply{
		Works:  {200, nil, `{"event_id":"$YUwRidLecu:example.com"}`},
		Later:  {429, nil, `{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":7000}`},
		Broken: {500, nil, `{"errcode":"M_UNKNOWN","error":"Internal server error"}`},
		Denies: {401, nil, `{"errcode":"M_UNKNOWN_TOKEN","error":"Unrecognised access token","soft_logout":false}`},
	}
}

// PagerDuty is developer.pagerduty.com, "Send an event to PagerDuty". A wrong
// key is a 400, as any other event that is not valid.
func PagerDuty() map[Answer]Reply {
	return map[Answer]Reply{
		Works: {202, nil, `{"status":"success","message":"Event processed","dedup_key":"samplekeyhere"}`},
		Later: later(""), Broken: {500, nil, ""},
		Denies: {400, nil, `{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}`},
	}
}

// Webhook is any receiver.
func Webhook() map[Answer]Reply {
	return map[Answer]Reply{Works: {204, nil, ""}, Later: later(""), Broken: {503, nil, "down"}, Denies: {401, nil, "who are you?"}}
}
