package kube

import (
	"context"
	"encoding/json"
	"net/http"
)

// Version is the server's version, "v1.36.1".
func (c *Client) Version(ctx context.Context) (string, error) {
	what := subject{text: "server version"}
	body, err := c.do(ctx, call{method: http.MethodGet, path: "/version", what: what})
	if err != nil {
		return "", err
	}
	var v struct{ GitVersion string }
	if err := json.Unmarshal(body, &v); err != nil {
		return "", badAnswer(what, err)
	}
	return v.GitVersion, nil
}

// Identity is the user name as the cluster sees it, "" when it does not say
// (SelfSubjectReview, Kubernetes 1.28).
func (c *Client) Identity(ctx context.Context) string {
	var answer struct {
		Status struct {
			UserInfo struct{ Username string }
		}
	}
	err := c.review(ctx, "authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews", nil, &answer)
	if err != nil {
		return ""
	}
	return answer.Status.UserInfo.Username
}

// review posts one of the review kinds and reads its answer. Kinds without a
// spec get none: the API server warns of fields that it does not know.
func (c *Client) review(ctx context.Context, apiVersion, kind, resource string, spec, answer any) error {
	what := subject{text: kind}
	question := map[string]any{"apiVersion": apiVersion, "kind": kind}
	if spec != nil {
		question["spec"] = spec
	}
	body, err := json.Marshal(question)
	if err != nil {
		return badAnswer(what, err)
	}
	r := call{method: http.MethodPost, path: "/apis/" + apiVersion + "/" + resource, body: body, send: typeJSON, what: what}
	reply, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(reply, answer); err != nil {
		return badAnswer(what, err)
	}
	return nil
}
