#!/usr/bin/env bash
# Runs a command with TUG_LAB_KUBECONFIG set to a fresh lab cluster, and stops
# the cluster afterwards. A cluster that TUG_LAB_KUBECONFIG names already is
# used as it is.
set -euo pipefail
if [ -n "${TUG_LAB_KUBECONFIG:-}" ]; then exec "$@"; fi
: "${LABCLUSTER:?}" "${LAB_DIR:?}"
"$LABCLUSTER" down --dir "$LAB_DIR" >&2 || true
rm -rf "$LAB_DIR"
trap '"$LABCLUSTER" down --dir "$LAB_DIR" >&2' EXIT
"$LABCLUSTER" up --dir "$LAB_DIR" --kubeconfig "$LAB_DIR/kubeconfig" >/dev/null
TUG_LAB_KUBECONFIG="$LAB_DIR/kubeconfig" "$@"
