#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# alone
# timeout: 600
# What a token may do wrong, by a PKCS #11 module of ours that does it on
# purpose: every CK_RV of the specification into every call on the way to a
# signature, hangs, crashes, delays, wrong signatures, other keys' handles.
# No request hangs, nothing wrong leaves, the service is back by itself, and
# the journal tells the truth. With tests/run --soak each value is tried with
# each kind of request, and in the making of keys, too.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/lib-faults.sh
. "$(dirname "$0")/lib-faults.sh"

all=()
[ -z "${QUOIN_SOAK-}" ] || all=(all)

# lane NAME [rsa] COMMAND...: these commands, at an appliance of their own.
lane() {
	local rsa=() name=$1 command words
	shift
	if [ "$1" = rsa ]; then
		rsa=(rsa)
		shift
	fi
	shim_appliance "$scratch/$name" "${rsa[@]}"
	for command; do
		read -ra words <<<"$command"
		case $command in
		pins) pins ;;
		tries) tries ;;
		orphans) orphans ;;
		matrix*) faults_run "${words[@]}" "${all[@]}" ;;
		*) faults_run "${words[@]}" ;;
		esac
	done
	shim_done "$name"
}

logins() {
	faults calls C_Login
}

# The PIN is tried once for each time that somebody says it is right,
# whatever is started again; and not at all when the token is about to lock.
pins() {
	local before flag

	faults set C_Login -1 rv 0xa0
	before=$(logins)
	crash_worker
	ok "a wrong PIN is told" within 10 says_pin
	sleep 1
	is "$(logins)" $((before + 1)) "and was tried once"
	restart KILL
	tap_result $? "signd is started again"
	sleep 1.5
	is "$(logins)" $((before + 1)) "which does not try it again"
	restart TERM
	tap_result $? "and again"
	sleep 1.5
	is "$(logins)" $((before + 1)) "which does not, either"
	like "$(signd_says reason)" PIN "it says why"
	kill -HUP "${daemon_pid[signd]}"
	within 5 logged_in $((before + 2))
	sleep 1
	is "$(logins)" $((before + 2)) "SIGHUP: once more"
	faults clear
	kill -HUP "${daemon_pid[signd]}"
	ok "SIGHUP with a PIN that is right: service" within 10 signd_is_ready
	for flag in 0x10000 0x20000 0x40000; do
		before=$(logins)
		faults set C_GetTokenInfo -1 flags $flag
		crash_worker
		ok "token flag $flag: no service" within 10 signd_waits
		sleep 1
		is "$(logins)" "$before" "and C_Login is not called"
		like "$(signd_says reason)" 'PIN|lock' "it says why"
		faults clear
		kill -HUP "${daemon_pid[signd]}"
		ok "back after SIGHUP" within 10 signd_is_ready
	done
}

# Only of SoftHSM is it known that CKR_GENERAL_ERROR of C_Login passes.
tries() {
	local before begun

	faults set C_Login -1 rv 0x5
	before=$(logins) begun=$(faults calls C_Initialize)
	crash_worker
	ok "a login that fails without a reason" within 10 begun_again \
		$((begun + 2))
	[ "$(logins)" -ge $((before + 6)) ]
	tap_result $? "is tried several times with SoftHSM"
	faults clear
	ok "back" within 10 signd_is_ready
	faults set C_GetInfo -1 maker 0
	faults set C_Login -1 rv 0x5
	before=$(logins) begun=$(faults calls C_Initialize)
	crash_worker
	ok "with another maker's" within 10 begun_again $((begun + 2))
	[ $(($(logins) - before)) -le \
		$(($(faults calls C_Initialize) - begun)) ]
	tap_result $? "once"
	faults clear
	ok "back" within 10 signd_is_ready
}
begun_again() {
	[ "$(faults calls C_Initialize)" -ge "$1" ]
}

# Keys that were made and not used are found and deleted.
orphans() {
	ok "no key is left over in the token" within 30 no_orphans
}
no_orphans() {
	[ "$(signd_says orphans)" = 0 ]
}

crash_worker() {
	local pid
	pid=$(worker_pid) && kill -KILL "$pid"
}
says_pin() {
	signd_says reason | grep -q PIN
}
logged_in() {
	[ "$(logins)" -ge "$1" ]
}
restart() {
	daemon_stop signd "$1"
	daemon_start signd
	within 10 asks status
}

# Together, since each is mostly waiting.
lanes=()
begin() { # NAME [rsa] COMMAND...
	lanes+=("$1")
	(lane "$@") >"$scratch/$1.tap" 2>&1 &
}
begin signing "matrix sign" "matrix seal"
begin looking "matrix find" "matrix login"
begin ways "special ways"
begin token rsa "special wrong" "special token" "special late"
# Keys take longer to make; what fails at the start is faster tried.
FAULTS_DEADLINE=2000
begin keys "matrix keys" orphans
FAULTS_DEADLINE=150
begin initialize "matrix initialize"
begin slots "matrix slots"
begin info "matrix info"
FAULTS_DEADLINE=300
wait
# By itself: it counts logins.
begin pins pins tries
wait
for name in "${lanes[@]}"; do
	while IFS= read -r line; do
		case $line in
		"ok "*) tap_result 0 "${line#ok * - }" ;;
		"not ok "*) tap_result 1 "${line#not ok * - }" ;;
		"#"* | "Bail out!"*) echo "$line" ;;
		*) tap_note "$line" ;;
		esac
	done <"$scratch/$name.tap"
	grep -q "^ok .*$name: the journal verifies" "$scratch/$name.tap"
	tap_result $? "$name: came to its end"
done
tap_done
