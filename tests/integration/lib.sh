# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What integration tests share: TAP, and a whole appliance in a folder of its
# own, with its own token, ports and users without a name. To be sourced.
#
#	. "$(dirname "$0")/lib.sh"
#	appliance_start "$scratch/a"	or: appliance_start "$scratch/a" signd
#	ok "what" command arg...	is GOT WANT "what"	like GOT RE "what"
#	exits 65 "what" command arg...	(its output is in $out)
#	tap_done
#
# A script with "# stores: both" among its first lines is run for each store.
set -u
export LC_ALL=C
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
top_builddir=${top_builddir:-$PWD}

# A folder that every user can enter; removed at the end, unless KEEP is set.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/quoin-test.XXXXXX")
chmod 0755 "$scratch"
trap lib_end EXIT

lib_end() {
	local status=$? d
	trap - EXIT
	for d in "${!daemon_pid[@]}"; do daemon_stop "$d"; done
	if [ -n "${KEEP-}" ]; then
		tap_note "kept: $scratch"
	else
		rm -rf "$scratch"
	fi
	exit $status
}

# --- TAP -------------------------------------------------------------------

tap_n=0 tap_bad=0 out=

tap_result() {
	tap_n=$((tap_n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_n - $2"
	else
		tap_bad=$((tap_bad + 1))
		echo "not ok $tap_n - $2"
		return 1
	fi
}

tap_note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# ok WHAT COMMAND...: the command succeeds; its output is in $out.
ok() {
	exits 0 "$@"
}

# exits STATUS WHAT COMMAND...
exits() {
	local want=$1 what=$2 got=0
	shift 2
	out=$("$@" 2>&1) || got=$?
	[ "$got" = "$want" ]
	tap_result $? "$what" && return
	tap_note "exit status $got, not $want: $*"
	tap_note "$(head -c 4000 <<<"$out")"
	return 1
}

is() {
	[ "$1" = "$2" ]
	tap_result $? "$3" && return
	tap_note "got:  $1"
	tap_note "want: $2"
	return 1
}

# like TEXT EXTENDED-REGEX WHAT
like() {
	grep -Eq -- "$2" <<<"$1"
	tap_result $? "$3" && return
	tap_note "no match for $2 in:"
	tap_note "$1"
	return 1
}

unlike() {
	! grep -Eq -- "$2" <<<"$1"
	tap_result $? "$3" && return
	tap_note "there is a match for $2 in:"
	tap_note "$1"
	return 1
}

# relay COMMAND...: its lines "ok WHAT" and "not ok WHAT" as results.
relay() {
	local line status before=$tap_bad
	while IFS= read -r line; do
		case $line in
		"ok "*) tap_result 0 "${line#ok }" ;;
		"not ok "*) tap_result 1 "${line#not ok }" ;;
		*) tap_note "$line" ;;
		esac
	done < <("$@" 2>&1; echo "status $?" >"$scratch/status")
	read -r _ status <"$scratch/status"
	# A result that was bad is told already.
	[ "$status" = 0 ] || { [ "$status" = 1 ] && [ "$tap_bad" -gt "$before" ]; }
	tap_result $? "${1##*/} came to its end ($status)"
}

tap_done() {
	echo "1..$tap_n"
	[ "$tap_bad" = 0 ]
	exit
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

bail() {
	echo "Bail out! $*"
	exit 99
}

# within SECONDS COMMAND...: until it succeeds.
within() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.05
	done
}

# --- programs --------------------------------------------------------------

# program NAME: where the build or the installation has it.
program() {
	local p
	for p in "${QUOIN_PROGRAMS:-/nonexistent}"/{bin,libexec/quoin}/"$1" \
		"$top_builddir/$1"; do
		if [ -x "$p" ]; then
			echo "$p"
			return
		fi
	done
	return 1
}

# key_values FILE KIND: the private numbers of a key, for secrets.py.
key_values() {
	openssl pkey -in "$1" -noout -text | awk -v kind="$2" '
		/^[^ ]/ { on = /^(priv|privateExponent|prime[12]|exponent[12]|coefficient):/
			if (out != "") print kind, out
			out = "" }
		/^ / && on { gsub(/[ :]/, ""); out = out $0 }
		END { if (out != "") print kind, out }' | sed 's/ 00/ /'
}

port_open() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A TCP port that nobody has; below the range that connections are made from.
port_taken=' '
free_port() {
	local port
	while :; do
		port=$((10000 + RANDOM % 20000))
		case $port_taken in *" $port "*) continue ;; esac
		port_open "$port" || break
	done
	port_taken="$port_taken$port "
	REPLY=$port
}

# --- an appliance ----------------------------------------------------------

# One user each, by number, so that no test makes system users.
declare -A daemon_uid=([signd]=61001 [recordd]=61002 [enrold]=61003
	[webd]=61004 [mongo]=61020)
declare -A daemon_pid=()
appliance=

# as DAEMON COMMAND...: under the daemon's user.
as() {
	(run_as "$@")
}

# The same in place of this (sub)shell, so that in the background the process
# id is the command's own.
run_as() {
	local uid=${daemon_uid[$1]}
	shift
	exec setpriv --reuid "$uid" --regid "$uid" --clear-groups \
		--no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
}

ctl() {
	"$appliance/app/quoinctl" --state "$appliance" "$@"
}

# Value of a key of the appliance's configuration.
conf() {
	sed -n "s/^$1 = //p" "$appliance/quoin.conf"
}

appliance_token() {
	local so pin log=$appliance/token.log
	so=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	pin=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	printf '%s' "$pin" >"$appliance/pin"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n%s\n' \
		"$appliance/token" 'log.level = ERROR' \
		>"$appliance/token/softhsm2.conf"
	chmod 0400 "$appliance/pin"
	chown "${daemon_uid[signd]}" "$appliance/pin" \
		"$appliance/token/softhsm2.conf"
	# The PINs of a test's token are no secret: softhsm2-util reads them
	# from a terminal or from its arguments only.
	SOFTHSM2_CONF=$appliance/token/softhsm2.conf as signd softhsm2-util \
		--init-token --free --label quoin --so-pin "$so" --pin "$pin" \
		>"$log" 2>&1 || bail "softhsm2-util: $(cat "$log")"
}

# The pages of the administration, as installed or as built.
ui_install() {
	local d
	for d in "${QUOIN_PROGRAMS:-/nonexistent}/share/quoin/ui" \
		"$top_builddir/web/ui/dist"; do
		[ -d "$d" ] || continue
		cp -rL "$d" "$appliance/app/ui"
		chmod -R a+rX "$appliance/app/ui"
		return
	done
}

# appliance_make DIR: folders, programs, token and configuration; lines of
# $APPLIANCE_CONF are added to it. Done once; later calls only choose DIR.
appliance_make() {
	local d p
	[ "$(id -u)" = 0 ] || skip_all "wants root: daemons have users"
	appliance=$1
	[ ! -f "$appliance/quoin.conf" ] || return 0
	mkdir -p "$appliance/app" "$appliance/run"
	chmod 0755 "$appliance" "$appliance/app" "$appliance/run"
	for p in quoin-{signd,token,recordd,enrold,webd,agent} quoinctl; do
		# As copies, since the users may not reach the build tree.
		! program "$p" >/dev/null ||
			install -m 0755 "$(program "$p")" "$appliance/app/"
	done
	ui_install
	for d in signd recordd; do
		install -d -m 0755 -o "${daemon_uid[$d]}" "$appliance/run/$d"
	done
	install -d -m 0700 -o "${daemon_uid[signd]}" \
		"$appliance"/{token,signd,journal}
	install -d -m 0700 -o "${daemon_uid[recordd]}" "$appliance/records"
	install -d -m 0700 -o "${daemon_uid[enrold]}" "$appliance/enrold"
	appliance_token
	appliance_store
	{
		echo "state = $appliance"
		echo "run = $appliance/run"
		echo "roles = root=admin ${daemon_uid[enrold]}=enrol" \
			"${daemon_uid[webd]}=web 61005=push 61006=data"
		echo "token.env = SOFTHSM2_CONF=$appliance/token/softhsm2.conf"
		echo "token.worker = $appliance/app/quoin-token"
		free_port
		echo "device.port = $REPLY"
		free_port
		echo "crl.port = $REPLY"
		free_port
		echo "admin.port = $REPLY"
		echo "admin.ui = $appliance/app/ui"
		[ -z "$appliance_store" ] || echo "store = $appliance_store"
		printf '%s' "${APPLIANCE_CONF:+$APPLIANCE_CONF$'\n'}"
	} >"$appliance/quoin.conf"
}

# The store that QUOIN_TEST_STORE wants: sqlite (where it is unless told
# otherwise), mongodb (a server of the appliance's own, as lib-mongo.sh has
# it) or an address.
appliance_store=
appliance_store() {
	case ${QUOIN_TEST_STORE-sqlite} in
	sqlite) appliance_store= ;;
	mongodb)
		# shellcheck source=tests/integration/lib-mongo.sh
		. "$top_srcdir/tests/integration/lib-mongo.sh"
		mongo_start "$appliance/mongo"
		appliance_store=$(mongo_uri quoin)
		;;
	*) appliance_store=$QUOIN_TEST_STORE ;;
	esac
}

# Start one daemon; its log is DIR/NAME.log.
daemon_start() {
	if [ "$1" = mongo ]; then
		mongo_spawn "$appliance/mongo"
		return
	fi
	run_as "$1" "$appliance/app/quoin-$1" -c "$appliance/quoin.conf" \
		</dev/null >>"$appliance/$1.log" 2>&1 &
	daemon_pid[$1]=$!
}

# End one daemon, by SIGTERM or the signal given, and wait for its end.
daemon_stop() {
	local pid=${daemon_pid[$1]-}
	[ -n "$pid" ] || return 0
	unset "daemon_pid[$1]"
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	within 10 daemon_gone "$pid" || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	return 0
}

daemon_gone() {
	! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" |
		cut -c1)" = Z ]
}

daemon_ready() {
	case $1 in
	signd) within 20 ctl hsm status ;;
	recordd) within 20 ctl batch list ;;
	mongo) within 20 port_open "${mongo_host##*:}" ;;
	enrold) within 20 port_open "$(conf device.port)" ;;
	webd) within 20 port_open "$(conf admin.port)" ;;
	esac && return
	tap_note "$(tail -n 20 "$appliance/$1.log")"
	bail "quoin-$1 did not come up"
}

# appliance_start DIR [DAEMON...]: signd and recordd unless told otherwise,
# ready when this returns. With enrold or webd the PKI is made first, since
# their ports need certificates.
appliance_start() {
	local d
	appliance_make "$1"
	shift
	[ $# -gt 0 ] || set -- signd recordd
	for d; do
		case $d in
		enrold | webd)
			ctl hsm init localhost,127.0.0.1 >/dev/null ||
				bail "quoinctl hsm init"
			;;
		esac
		daemon_start "$d"
		daemon_ready "$d"
	done
}

appliance_stop() {
	local d
	for d in webd enrold recordd signd; do daemon_stop "$d"; done
}
