#!/usr/bin/env bash
# Installs what the tests of generated pipelines need: groovy, which runs the
# Jenkins libraries (Debian's package, needs root), and GitLab's schema of CI
# files, out of the npm package gitlab-ci-local, into the folder given.
set -euo pipefail
into=${1:?usage: install-pipeline-tools.sh FOLDER}
version=4.61.0
if ! command -v groovy >/dev/null; then
  echo "installing groovy, which runs the pipelines of Jenkins" >&2
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends groovy default-jre-headless; } >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  rm -f "$log"
fi
schema=$into/gitlab-ci.schema.json
[ ! -s "$schema" ] || exit 0
mkdir -p "$into"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent "gitlab-ci-local@$version" >/dev/null
tar xzf "gitlab-ci-local-$version.tgz"
cp package/src/schema/schema.js schema.mjs
node --input-type=module -e "import {schema} from '$work/schema.mjs'; console.log(JSON.stringify(schema))" > schema.json
cd - >/dev/null
mv "$work/schema.json" "$schema"
