#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is installed is position independent, binds at start and has its
# relocations read-only (TAP).
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need readelf

# weak FILE...: print what each lacks.
weak() {
	local f h d

	for f in "$@"; do
		h=$(readelf -hW "$f")
		d=$(readelf -ldW "$f")
		[[ $h == *"DYN ("* ]] || echo "$f: not a PIE"
		[[ $d == *GNU_RELRO* ]] || echo "$f: no RELRO"
		[[ $d == *BIND_NOW* || $d == *" NOW"* ]] ||
			echo "$f: binds lazily"
	done
}

# shellcheck disable=SC2154 # the makefile exports what it installs
for program in $installed_programs; do
	out=$(weak "$top_builddir/$program")
	[ -z "$out" ] || echo "# $out"
	result "$([ -z "$out" ] && echo ok || echo not ok)" "$program"
done

echo 'int main(void) { return 0; }' >"$scratch/x.c"
# shellcheck disable=SC2154,SC2086 # CC may be more than a word
if $CC -no-pie -Wl,-z,norelro,-z,lazy -o "$scratch/x" "$scratch/x.c"; then
	out=$(weak "$scratch/x" | grep -c .)
	result "$([ "$out" -eq 3 ] && echo ok || echo not ok)" \
		"finds a program without any of it"
else
	result "not ok" "cannot build a weak program to find"
fi
finish
