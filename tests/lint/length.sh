#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Functions up to 60 lines and 6 parameters, files up to 600 lines (TAP).
# tests/lint/length-exceptions names what may be more, and why.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need ctags
ctags --version 2>/dev/null | grep -q Universal ||
	skip_all "ctags is not Universal Ctags"

functions() {
	sources "$1" '*.c' '*.h' | ctags -L - --languages=C \
		--langmap=C:.c.h --kinds-C=f --fields=neS --sort=no -f - |
		awk -F '\t' '
	function params(sig,   i, c, depth, n) {
		if (sig ~ /^\((void)?\)$/)
			return 0
		for (i = 1; i <= length(sig); i++) {
			c = substr(sig, i, 1)
			depth += (c == "(") - (c == ")")
			n += c == "," && depth == 1
		}
		return n + 1
	}
	{
		line = end = 0
		sig = ""
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) line = substr($i, 6)
			if ($i ~ /^end:/) end = substr($i, 5)
			if ($i ~ /^signature:/) sig = substr($i, 11)
		}
		if (end - line + 1 > 60)
			print $2 ": " $1 "() is " end - line + 1 " lines"
		if (params(sig) > 6)
			print $2 ": " $1 "() has " params(sig) " parameters"
	}'
}

check() {
	{
		functions "$1"
		sources "$1" '*.c' '*.h' | while read -r file; do
			lines=$(wc -l <"$file")
			[ "$lines" -le 600 ] ||
				echo "$file: the file is $lines lines"
		done
	} | sed "s,^$1/,," |
		awk -v table="$top_srcdir/tests/lint/length-exceptions" \
			-v real="$([ "$1" = "$top_srcdir" ] && echo 1)" '
	BEGIN {
		while ((getline line < table) > 0) {
			if (line ~ /^(#|$)/)
				continue
			split(line, word, " ")
			if (word[3] == "")
				print word[1] " " word[2] ": no reason given"
			allowed[word[1] ": " word[2]] = 1
		}
	}
	{
		what = $2
		sub(/\(\)$/, "", what)
		if ($2 == "the")
			what = "-"
		key = $1 " " what
		if (key in allowed)
			used[key] = 1
		else
			print
	}
	END {
		for (key in allowed)
			if (real && !(key in used))
				print key ": is an exception for nothing"
	}'
}

body() {
	local i

	echo "$1"
	echo "{"
	for ((i = 0; i < $2; i++)); do echo "	g();"; done
	echo "}"
}

clean_tree "functions and files keep to their size"
planted "a long function" "f() is 63 lines" appliance/base/x.c \
	< <(body "static int f(void)" 60)
planted "seven parameters" "f() has 7 parameters" tests/unit/x.c < <(
	body "int f(int a, int (*b)(int, int), int c, int d, int e, int h,
	int i)" 1)
planted "a long file" "is 601 lines" web/http/x.h < <(yes '' | head -n 601)
finish
