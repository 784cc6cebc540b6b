#!/usr/bin/env bash
# Builds labforge to the file given as the only argument, and beside it gitea
# with the templates it reads and labsh, the shell of base images. What is there
# already stays: gitea while go.mod and this file are what it was built from, the
# others while they are newer than their sources. Needs gcc (for sqlite).
set -euo pipefail

out=${1:?usage: build.sh OUT}
case $out in /*) ;; *) out=$PWD/$out ;; esac
cd "$(dirname "$0")"
folder=$(dirname "$out")
build=$PWD/../../hack/go-build.sh
module=code.gitea.io/gitea
mkdir -p "$folder"
temporary=$out.$$
trap 'rm -rf "$temporary" "$temporary.static"' EXIT

# fresh FILE PATH...: whether FILE is newer than all files below the paths.
fresh() {
	local file=$1
	shift
	[ -x "$file" ] && [ -z "$(find "$@" -type f ! -name '*_test.go' ! -name '*.md' -newer "$file" -print -quit)" ]
}

gitea() {
	command -v gcc >/dev/null || { echo "labforge: gcc is missing, and Gitea's database needs it" >&2; exit 1; }
	local version source
	version=$(go list -m -f '{{.Version}}' $module)
	echo "building Gitea $version (2-6 minutes with a cold cache)" >&2
	CGO_ENABLED=1 "$build" gitea -trimpath -o "$temporary" -tags 'sqlite sqlite_unlock_notify' \
		-ldflags "-s -w -X main.Version=${version#v}" $module
	source=$(go list -m -f '{{.Dir}}' $module)
	mkdir "$temporary.static"
	cp -R "$source/templates" "$source/options" "$source/public" "$temporary.static/"
	chmod -R u+w "$temporary.static"
	rm -rf "$folder/static" "$folder/gitea.made"
	mv "$temporary.static" "$folder/static"
	mv -f "$temporary" "$folder/gitea"
	echo "$recipe" >"$folder/gitea.made"
}

# program NAME PACKAGE: a static program without the paths of this machine.
program() {
	CGO_ENABLED=0 "$build" "$1" -trimpath -o "$temporary" -ldflags '-s -w' "$2"
	mv -f "$temporary" "$folder/$1"
}

recipe=$(cat go.mod build.sh | sha256sum)
[ "$(cat "$folder/gitea.made" 2>/dev/null)" = "$recipe" ] || gitea
fresh "$folder/labsh" labsh go.mod || program labsh ./labsh
fresh "$out" . || program "$(basename "$out")" .
