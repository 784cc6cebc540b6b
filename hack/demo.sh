#!/usr/bin/env bash
# The main job of tug on a lab cluster, one printed command after the other.
# The cluster stays up afterwards, unless DEMO_KEEP=0.
set -euo pipefail
: "${TUG:?}" "${LABCLUSTER:?}" "${DEMO_DIR:?}"
here=$(cd "$(dirname "$0")" && pwd)
repo=$DEMO_DIR/config-repository
lock=app-locks/demo-service.kbld.lock.yml
bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true)

say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
# run prints a command and runs it; expect does so and wants one exit code.
run() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; "$@"; }
expect() {
  local want=$1 got=0
  shift
  run "$@" || got=$?
  [ "$got" = "$want" ] || { echo "demo: expected exit code $want, got $got" >&2; exit 1; }
  echo "(exit code $got, as expected)"
}
tug() { "$TUG" "$@"; }
lock_to() { # digest, message
  sed -i "s/@sha256:[0-9a-f]*/@sha256:$1/" "$lock"
  run git commit -q -am "$2"
}

"$LABCLUSTER" down --dir "$DEMO_DIR/cluster" >/dev/null 2>&1 || true
rm -rf "$DEMO_DIR"
mkdir -p "$DEMO_DIR"

say "A Kubernetes control plane: etcd, API server, controllers, scheduler, three nodes"
"$LABCLUSTER" up --dir "$DEMO_DIR/cluster" --kubeconfig "$DEMO_DIR/kubeconfig" >/dev/null
[ "${DEMO_KEEP:-1}" != 0 ] || trap '"$LABCLUSTER" down --dir "$DEMO_DIR/cluster"' EXIT
export KUBECONFIG=$DEMO_DIR/kubeconfig

say "A config repository: an umbrella chart with a vendored dependency, and image locks"
cp -r "$here/demo/config-repository" "$repo"
tar -C "$here/demo" --sort=name --owner=0 --group=0 --mtime=@0 -czf "$repo/umbrella-chart/charts/cache-1.2.0.tgz" cache
cd "$repo"
git init -q -b main .
git config user.name demo
git config user.email demo@example.com
git add -A
git commit -q -m "Everything that runs"
run git ls-files

say "What the commit says: rendered, every image that has a lock pinned to its digest, secrets masked"
run tug render -a shop -n shop -o "$DEMO_DIR/state.yaml"
run grep -n "image:" "$DEMO_DIR/state.yaml"

say "What would change"
run tug plan -a shop -n shop --create-namespace

say "Deploy: in order, waiting until everything is ready"
run tug deploy -a shop -n shop --create-namespace --yes

say "What runs"
run tug status -a shop -n shop
run tug tree -a shop -n shop

say "Again, without a change: nothing is written"
run tug deploy -a shop -n shop --yes

say "A build was promoted: a commit changes one image lock, and the plan shows just that"
lock_to 1111111111111111111111111111111111111111111111111111111111111111 "demo-service: 1.1.0"
expect 3 tug plan -a shop -n shop --exit-code
run tug deploy -a shop -n shop --yes

say "Somebody locks an image that cannot be pulled: the deploy says why it does not become ready"
lock_to 0000000000000000000000000000000000000000000000000000000000000000 "demo-service: 1.2.0, never pushed"
expect 6 tug deploy -a shop -n shop --yes --wait-timeout 15s

say "Back to the last good release"
run tug rollback -a shop -n shop --yes
run tug status -a shop -n shop
run tug logs -a shop -n shop --tail 1

say "What happened"
run tug history -a shop -n shop

say "Remove everything, and see it gone"
run tug delete -a shop -n shop --yes

say "Done"
if [ "${DEMO_KEEP:-1}" = 0 ]; then
  echo "The cluster is torn down."
  exit
fi
cat <<END
The cluster is still up, and so is the config repository. Try:

  export KUBECONFIG=$KUBECONFIG
  cd $repo
  git reset -q --hard HEAD~1
  $TUG deploy -a shop -n shop --create-namespace

Tear it down with: $LABCLUSTER down --dir $DEMO_DIR/cluster
END
