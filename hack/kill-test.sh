#!/usr/bin/env bash
# Kills tug at random moments on a lab cluster, deploys again, deletes, and
# looks for what is left (bench/soak says how). Calls for TUG and
# TUG_LAB_KUBECONFIG; SOAK_RUNS (50) deploys are killed, SOAK_SEED repeats a
# sequence, SOAK_ONLY=N one run of it. The logs of failed runs are kept, in
# SOAK_LOGS.
set -euo pipefail
: "${TUG:?}" "${TUG_LAB_KUBECONFIG:?}"
TUG=$(realpath "$TUG")
TUG_LAB_KUBECONFIG=$(realpath "$TUG_LAB_KUBECONFIG")
export TUG TUG_LAB_KUBECONFIG
cd "$(dirname "$0")/../bench"
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
go build -o "$program/soak" ./soak
"$program/soak"
