# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Chromium by playwright-core, for what sources it after lib.sh.

# Put the programs of tests/browser and what they need into $tools, or say what
# is missing.
browser_tools() {
	local p
	for p in node npm chromium oathtool; do
		command -v $p >/dev/null || {
			echo "wants $p"
			return 1
		}
	done
	tools=$top_builddir/interop-tools/browser
	mkdir -p "$tools"
	cp "$top_srcdir"/tests/browser/{package.json,package-lock.json,*.mjs} \
		"$tools"
	[ -d "$tools/node_modules/playwright-core" ] ||
		(cd "$tools" && npm ci --no-audit --no-fund) \
			>"$tools/npm.log" 2>&1 || {
		echo "no playwright-core: $(tail -n 1 "$tools/npm.log")"
		return 1
	}
}
