package kube_test

import (
	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/kube"
)

// The contract that the use cases build on.
var _ deploy.Cluster = (*kube.Client)(nil)
