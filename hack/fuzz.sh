#!/usr/bin/env bash
# Runs every fuzz target for a bounded time: FUZZ_TIME each (default 10s), and
# FUZZ_PACKAGES of them (default all packages). New inputs stay in Go's cache;
# one that fails is written below testdata/fuzz and has to be committed with
# its fix.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZ_TIME:-10s}
targets=$(grep -rn --include='*_test.go' -oE '^func Fuzz[A-Za-z0-9_]+' ${FUZZ_PACKAGES:-internal cmd} | sed -E 's|/[^/]*_test.go:[0-9]+:func | |' | sort -u)
[ -n "$targets" ] || { echo "fuzz: no targets" >&2; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
count=0
# Go ends a target now and then with "context deadline exceeded" when its time
# is over; a finding names the input that fails.
fuzz() {
  go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 5s "./$1" >"$log" 2>&1
}
while read -r package name; do
  if ! fuzz "$package" "$name"; then
    if grep -q 'Failing input written' "$log" || ! grep -q 'context deadline exceeded' "$log" || ! fuzz "$package" "$name"; then
      cat "$log" >&2
      echo "fuzz: $package $name failed" >&2
      exit 1
    fi
  fi
  count=$((count + 1))
  echo "fuzz: $package $name: $(grep -oE 'execs: [0-9]+' "$log" | tail -1)" >&2
done <<< "$targets"
echo "fuzz: $count targets, $time each" >&2
