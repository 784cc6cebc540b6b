#!/usr/bin/env bash
# The gate that needs no cluster: formatting, vet, tidy modules, architecture,
# linters (built once from their module, some minutes with a cold cache).
set -euo pipefail
cd "$(dirname "$0")/.."
fail=0
unformatted=$(git ls-files -z '*.go' | xargs -0 gofmt -l)
if [ -n "$unformatted" ]; then echo "not formatted:"; echo "$unformatted"; fail=1; fi
for module in . lab/cluster lab/forge lab/pipelines bench bench/checks bench/kubescore hack/schemas; do
  (cd "$module" && go vet ./... && go mod tidy -diff) || fail=1
done
go test ./internal/archtest || fail=1
version=v2.12.2
lint=.cache/lint/$version/golangci-lint
[ -x "$lint" ] || GOBIN=$PWD/.cache/lint/$version go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version" || fail=1
"$lint" run ./... || fail=1
exit $fail
