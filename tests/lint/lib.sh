# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the lints share. A lint defines check(), which reads the tree it is
# given and prints one line for each violation; self_test plants one of each
# kind in a scratch tree, so that a lint that sees nothing fails.
set -u
export LC_ALL=C
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
lint_n=0
lint_bad=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

result() {
	lint_n=$((lint_n + 1))
	[ "$1" = ok ] || lint_bad=1
	echo "$1 $lint_n - $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# need PROGRAM: without it the whole lint is skipped.
need() {
	command -v "$1" >/dev/null || skip_all "$1 is not installed"
}

# sources TREE NAME...: files of ours (find -name patterns), not build trees.
sources() {
	local tree=$1 dir expr=() dirs=()
	shift

	for dir in appliance pkcs11 web firmware-signer provisioner tests; do
		[ ! -d "$tree/$dir" ] || dirs+=("$tree/$dir")
	done
	[ ${#dirs[@]} -gt 0 ] || return 0
	while [ $# -gt 0 ]; do
		expr+=(-o -name "$1")
		shift
	done
	find "${dirs[@]}" \( -name node_modules -o -path '*/web/ui/dist' \) -prune \
		-o -type f \( "${expr[@]:1}" \) -print | sort
}

# clean_tree WHAT: the real tree must give no violation.
clean_tree() {
	local out

	out=$(check "$top_srcdir")
	[ -z "$out" ] && result ok "$1" && return
	printf '%s\n' "$out" | sed "s,$top_srcdir/,,g; s/^/# /"
	result "not ok" "$1"
}

# planted WHAT TEXT FILE: with standard input in FILE, check() says TEXT.
planted() {
	local tree=$scratch/planted out

	rm -rf "$tree"
	mkdir -p "$tree/$(dirname "$3")"
	cat >"$tree/$3"
	out=$(check "$tree")
	case $out in
	*"$2"*) result ok "finds $1" ;;
	*)
		printf '%s\n' "$out" | sed 's/^/# /'
		result "not ok" "finds $1"
		;;
	esac
}

finish() {
	echo "1..$lint_n"
	exit "$lint_bad"
}
