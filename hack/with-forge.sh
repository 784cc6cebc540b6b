#!/usr/bin/env bash
# Runs a command with TUG_LAB_FORGE set to the folder of a fresh lab forge, and
# stops the forge afterwards. A forge that TUG_LAB_FORGE names already is used
# as it is.
set -euo pipefail
if [ -n "${TUG_LAB_FORGE:-}" ]; then exec "$@"; fi
: "${LABFORGE:?}" "${FORGE_DIR:?}"
"$LABFORGE" down --dir "$FORGE_DIR" >&2 || true
rm -rf "$FORGE_DIR"
trap '"$LABFORGE" down --dir "$FORGE_DIR" >&2' EXIT
"$LABFORGE" up --dir "$FORGE_DIR" >/dev/null
TUG_LAB_FORGE="$FORGE_DIR" "$@"
