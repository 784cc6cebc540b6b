// Package registry fetches from where charts and images are published: images
// (Images) by the protocol of OCI distribution, and charts (Charts) from there,
// from chart repositories over HTTP (ChartMuseum, Nexus and whatever else
// serves an index.yaml) and from buckets of S3, Google Cloud Storage and Azure.
//
// It is bounded in time, size and repetitions, checks what it gets against the
// digest that goes with it, and sends credentials only where they belong.
package registry
