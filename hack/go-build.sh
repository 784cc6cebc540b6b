#!/usr/bin/env bash
# go-build.sh NAME ARG...: go build with progress, since a cold build takes
# minutes. On a terminal it counts packages in place, in a log now and then;
# a build with a warm cache says nothing.
set -euo pipefail
name=$1
shift
tty=0
[ -t 2 ] && tty=1
go build -v "$@" 2>&1 | awk -v name="$name" -v tty="$tty" '
  # A line without blanks is a package that was compiled; anything else is an error.
  /^[^ #]+$/ {
    n++
    if (tty) { printf "\r%s: %d packages compiled", name, n > "/dev/stderr" }
    else if (n == 1 || n % 250 == 0) { printf "%s: %d packages compiled\n", name, n > "/dev/stderr" }
    next
  }
  { if (tty && n) { printf "\n" > "/dev/stderr" } print > "/dev/stderr" }
  END { if (tty && n) { printf "\n" > "/dev/stderr" } }'
