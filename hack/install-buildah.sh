#!/usr/bin/env bash
# install-buildah.sh: Debian's buildah, which builds Dockerfiles without a
# daemon. Needs root and apt. Does nothing when it is there; several at once
# wait for each other.
set -euo pipefail
command -v buildah >/dev/null && exit 0
exec 9>"${TMPDIR:-/tmp}/tug-install-buildah.lock"
flock 9
command -v buildah >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >&2
apt-get install -qy --no-install-recommends buildah >&2
