#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Replay every stored corpus through its harness, each input twice (TAP). A
# harness without a corpus and a corpus without a harness are failures.
n=0
result() {
	n=$((n + 1))
	echo "$1 $n - $2"
}

# shellcheck disable=SC2154 # the makefile exports what it built
for prog in $fuzzers; do
	name=${prog##*/fuzz-}
	dir=$top_srcdir/tests/fuzz/corpus-$name
	set -- "$dir"/*
	if [ ! -f "$1" ]; then
		result "not ok" "$name: no seeds in tests/fuzz/corpus-$name"
	elif ! "$top_builddir/$prog" "$@" "$@" >"fuzz-$name.out" 2>&1; then
		tail -40 "fuzz-$name.out" | sed 's/^/# /'
		result "not ok" "$name"
	else
		result ok "$name: $# inputs"
	fi
	rm -f "fuzz-$name.out"
done
for dir in "$top_srcdir"/tests/fuzz/corpus-*; do
	[ -d "$dir" ] || continue
	name=${dir##*/corpus-}
	case " $fuzzers " in
	*"/fuzz-$name "*) ;;
	*) result "not ok" "$name: a corpus without a harness" ;;
	esac
done
[ "$n" -gt 0 ] || result ok "no harness yet # SKIP nothing to replay"
echo "1..$n"
