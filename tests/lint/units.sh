#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The systemd units are what systemd understands, and fence each daemon in
# (TAP). 1.5 of 10 is what `systemd-analyze security` may find missing.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
need systemd-analyze

# Print what is wrong with a unit file; its program need not be installed.
check_unit() {
	local copy=$scratch/copy/${1##*/}

	mkdir -p "$scratch/copy"
	sed 's,^ExecStart=.*,ExecStart=/bin/true,' "$1" >"$copy"
	systemd-analyze verify --man=no --recursive-errors=no "$copy" 2>&1
	systemd-analyze security --offline=true --threshold=15 \
		--no-pager "$copy" >"$scratch/security" 2>&1 ||
		tail -n 1 "$scratch/security"
}

# shellcheck disable=SC2154 # the makefile exports what it made
for unit in $units; do
	out=$(check_unit "$top_builddir/$unit")
	[ -z "$out" ] || printf '%s\n' "$out" | sed 's/^/# /'
	result "$([ -z "$out" ] && echo ok || echo not ok)" "${unit##*/}"
done

cat >"$scratch/planted.service" <<'END'
[Service]
ExecStart=/bin/true
NoSuchOption=yes
END
case $(check_unit "$scratch/planted.service") in
*NoSuchOption*UNSAFE*) result ok "finds an unknown option and no fence" ;;
*) result "not ok" "finds an unknown option and no fence" ;;
esac
finish
