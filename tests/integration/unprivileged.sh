#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# sanitize
# Every process runs under a user of its own, without capabilities, behind
# its sandbox, and reaches nothing of the others'.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

tmp=$(mktemp -d)
chmod 755 "$tmp"
appliance_start "$tmp/appliance" signd recordd enrold
# shellcheck disable=SC2154
signd=${daemon_pid[signd]} dir=$appliance
token=$(pgrep -P "$signd" quoin-token)
launcher=$(pgrep -P "$signd" quoin-signd)

field() { # field PID NAME
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}
declare -A user=()
check() { # check NAME PID
	local uid sandbox=2
	# The sanitizers' own system calls rule lists of allowed ones out; the
	# worker has a list of forbidden ones.
	! grep -q __asan_init "$appliance/app/quoin-signd" ||
		[ "$1" = token ] || sandbox=0
	read -r uid _ <<<"$(field "$2" Uid)"
	is "$(field "$2" Uid)" "$uid	$uid	$uid	$uid" "$1: one user id, $uid"
	ok "$1: which is not root" test "$uid" != 0
	is "$(field "$2" CapEff)$(field "$2" CapPrm)$(field "$2" CapBnd)" \
		"$(printf '%048d' 0)" "$1: no capability, none to be had"
	is "$(field "$2" NoNewPrivs)" 1 "$1: can gain none"
	is "$(field "$2" Groups | tr -d ' ')" "" "$1: no further groups"
	if [ "$1" != launcher ]; then
		is "$(field "$2" Seccomp)" $sandbox "$1: system calls are filtered"
	fi
	user[$1]=$uid
}
check signd "$signd"
check launcher "$launcher"
check token "$token"
check recordd "${daemon_pid[recordd]}"
check enrold "${daemon_pid[enrold]}"
ok "signd, recordd and enrold are three users" test \
	"$(printf '%s\n' "${user[signd]}" "${user[recordd]}" "${user[enrold]}" |
		sort -u | wc -l)" = 3

pin=$(cat "$dir/pin")
for name in signd launcher token recordd enrold; do
	case $name in
	launcher) pid=$launcher ;;
	token) pid=$token ;;
	*) pid=${daemon_pid[$name]} ;;
	esac
	exits 1 "$name: no PIN in arguments or environment" \
		grep -aq "$pin" "/proc/$pid/cmdline" "/proc/$pid/environ"
done

# Whose folders are whose: what each of the others sees of them.
closed() { # closed DAEMON FOLDER...
	local who=$1 f
	shift
	for f; do
		exits 2 "$who cannot list $f" as "$who" ls "$dir/$f"
	done
}
closed enrold token signd journal records
closed recordd token signd journal enrold
closed signd records enrold
for who in recordd enrold; do
	exits 1 "$who cannot read the PIN" as "$who" cat "$dir/pin"
	exits 1 "$who cannot put a socket in signd's place" \
		as "$who" touch "$dir/run/signd/x"
done
exits 1 "enrold cannot put a socket in recordd's place" \
	as enrold touch "$dir/run/recordd/x"

# What they hold open: no regular file or folder that is another's.
foreign() { # foreign PID PATTERN: descriptors that match
	find "/proc/$1/fd" -type l -printf '%l\n' | grep -E "^$dir/($2)" || :
}
is "$(foreign "${daemon_pid[enrold]}" 'token|signd/|journal|records|pin')" "" \
	"enrold holds no file of the others"
is "$(foreign "${daemon_pid[recordd]}" 'token|signd/|journal|enrold/|pin')" "" \
	"recordd holds no file of the others"
is "$(foreign "$token" 'signd/|journal|records|enrold')" "" \
	"the token worker holds no file of the others"
tap_done
