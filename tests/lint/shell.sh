#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every script passes shellcheck (TAP), its matters of taste aside.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need shellcheck

check() {
	{
		sources "$1" '*'
		find "$1/autotools" "$1/.ci" -maxdepth 1 -type f 2>/dev/null |
			grep -vE '/(ar-lib|compile|config\.(guess|sub)|depcomp|install-sh|missing|t[a-z]*-driver(\.sh)?)$'
	} | xargs -r awk '
		FNR == 1 && /^#!.*(\/|env )(ba|da)?sh/ { print FILENAME }
		{ nextfile }' |
		xargs -r shellcheck -x -S info -f gcc -P "$1" \
			-e SC1091,SC2015,SC2119,SC2120,SC2154,SC2317 2>&1
}

clean_tree "shellcheck finds nothing"
planted "an unquoted argument" SC2086 tests/run <<'END'
#!/bin/sh
rm -r $1
END
finish
