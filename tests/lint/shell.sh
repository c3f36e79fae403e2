#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every script passes shellcheck (TAP).
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
		xargs -r shellcheck -x -f gcc -e SC1091 -P "$1" 2>&1
}

clean_tree "shellcheck finds nothing"
planted "an unquoted argument" SC2086 tests/run <<'END'
#!/bin/sh
rm -r $1
END
finish
