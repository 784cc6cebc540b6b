#!/usr/bin/env bash
# Builds labcluster to the file given as the only argument, unless that file is
# newer than everything it is made of. The version must be stamped: without it
# the API server reports one that clients cannot parse.
set -euo pipefail

out=${1:?usage: build.sh OUT}
case $out in /*) ;; *) out=$PWD/$out ;; esac
cd "$(dirname "$0")"

if [ -x "$out" ] && [ -z "$(find . -type f ! -name '*_test.go' ! -name '*.md' -newer "$out" -print -quit)" ]; then
	exit 0
fi

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
major=${version#v}
minor=${major#*.}
package=k8s.io/component-base/version
mkdir -p "$(dirname "$out")"
temporary=$out.$$
trap 'rm -f "$temporary"' EXIT
echo "building the lab's control plane (4-6 minutes with a cold cache)" >&2
../../hack/go-build.sh labcluster -o "$temporary" -ldflags "-s -w \
	-X $package.gitVersion=$version \
	-X $package.gitMajor=${major%%.*} \
	-X $package.gitMinor=${minor%%.*}" .
mv -f "$temporary" "$out"
