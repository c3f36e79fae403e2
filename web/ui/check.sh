#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The pages: types, unit tests, nothing that names another host (TAP).
set -uo pipefail
ui=${top_srcdir:?}/web/ui
npm=${top_builddir:?}/web/ui/npm
dist=$top_builddir/web/ui/dist
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0

# ok NAME COMMAND...: what the command prints is the diagnosis
ok() {
	local name=$1 result=ok

	shift
	n=$((n + 1))
	"$@" >"$tmp/log" 2>&1 || result='not ok'
	echo "$result $n - $name"
	[ "$result" = ok ] || sed 's/^/# /' "$tmp/log"
}

types() {
	(cd "$tmp/ui" && node "$npm/node_modules/typescript/bin/tsc" -p .)
}

# The type check bites: a planted error is found.
types_planted() {
	echo 'export const planted = "x".nothing();' >"$tmp/ui/lib/planted.js"
	! types >"$tmp/planted" && grep -q "'nothing' does not exist" \
		"$tmp/planted"
	local r=$?

	rm "$tmp/ui/lib/planted.js"
	return $r
}

unit_tests() {
	(cd "$ui" && node --test lib/*.test.js)
}

# Hosts are named by people in settings, never by the pages.
no_host() {
	! grep -rnE 'https?://' "$dist" --include='*.js' --include='*.css' \
		--include='*.html' | grep -vE 'http://www\.w3\.org/'
}

no_inline() {
	! grep -nE '<style|<script>| style=| on[a-z]+=' "$dist/index.html" &&
		! grep -rnE '[^.]\bstyle=|\beval\(|new Function' "$dist/lib" \
			"$dist/pages" "$dist/vendor" "$dist/app.js"
}

lock() {
	! grep -nE '"resolved"|registry\.' "$ui/package-lock.json" &&
		! grep -nE '"(\^|~|>|\*|latest)' "$ui/package.json"
}

cp -R "$ui" "$tmp/ui" && chmod -R u+w "$tmp/ui" &&
	ln -s "$npm/node_modules" "$tmp/ui/node_modules"
echo 1..6
ok 'the pages hold their types (tsc --checkJs --strict)' types
ok 'the type check finds a planted error' types_planted
ok 'unit tests (node --test)' unit_tests
ok 'the pages name no other host' no_host
ok 'no inline style or script, no eval' no_inline
ok 'exact versions, and a lock file without download addresses' lock
