# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# An appliance whose token worker has the shim of tests/fakes/p11-shim.c
# between itself and SoftHSM. To be sourced after lib.sh.

FAULTS_DEADLINE=${FAULTS_DEADLINE-300}
softhsm=/usr/lib/softhsm/libsofthsm2.so
client=$top_builddir/tests/integration/faults-client
asks=$top_builddir/tests/integration/signd-client

# shim_appliance DIR [rsa]: signd alone, with a PKI and the policy "faults".
# Uses $QUOIN_SHIM from here on. A call may take $FAULTS_DEADLINE ms, but for
# the making of the PKI.
shim_appliance() {
	export QUOIN_SHIM=$1/shim QUOIN_SHIM_MODULE=$softhsm
	APPLIANCE_CONF="token.module = $1/app/p11-shim.so
token.deadline_ms = 20000" appliance_make "$1"
	install -m 0644 "$top_builddir/tests/fakes/p11-shim.so" "$1/app/"
	faults clear
	chown "${daemon_uid[signd]}" "$QUOIN_SHIM"
	daemon_start signd
	daemon_ready signd
	asks pki localhost 127.0.0.1 ${2:+"$2"} >/dev/null &&
		asks issuing faults 86400000 86400 a >/dev/null ||
		bail "no PKI: $(tail -n 5 "$1/signd.log")"
	daemon_stop signd
	sed -i "s/^token.deadline_ms.*/token.deadline_ms = $FAULTS_DEADLINE/" \
		"$1/quoin.conf"
	daemon_start signd
	within 20 signd_is_ready || bail "signd did not come up"
}

# The client of signd-client.c as root, and that of faults-client.c.
asks() {
	"$asks" -c "$appliance/quoin.conf" "$@"
}
faults() {
	"$client" -c "$appliance/quoin.conf" -s "$QUOIN_SHIM" \
		${daemon_pid[signd]+-p "${daemon_pid[signd]}"} "$@"
}

# signd's own word about its token, and the worker's process.
signd_says() {
	asks status | sed -n "s/^$1=//p"
}
signd_is_ready() {
	[ "$(signd_says ready)" = 1 ]
}
signd_waits() {
	[ "$(signd_says ready)" = 0 ]
}
worker_pid() {
	pgrep -P "${daemon_pid[signd]}" -x quoin-token
}

# shim_done TEXT: signd ends, and its journal is whole.
shim_done() {
	daemon_stop signd
	out=$(ctl journal verify 2>&1)
	tap_result $? "$1: the journal verifies" || tap_note "$out"
}

# Runs COMMAND of faults-client; its lines become ours.
faults_run() {
	local line status=0
	faults "$@" >"$appliance/out" 2>"$appliance/err" || status=$?
	while IFS= read -r line; do
		case $line in
		"ok - "*) tap_result 0 "${line#ok - }" ;;
		"not ok - "*) tap_result 1 "${line#not ok - }" ;;
		*=*[0-9]) ;;
		*) echo "$line" ;;
		esac
	done <"$appliance/out"
	grep -q '^tests=' "$appliance/out"
	tap_result $? "faults-client $* came to its end (status $status)" ||
		tap_note "$(cat "$appliance/err")"
}
