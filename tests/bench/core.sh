#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The signing core beside what it is compared with. Part of run.sh, which
# sources it.
#
# shellcheck disable=SC2154 # what run.sh has

# core USER CPUS WHAT PROGRAM ARGUMENT...: a figure of one turn.
core() {
	local user=$1 cpu=$2 what=$3 out
	shift 3
	[ "$user" = root ] || set -- as "$user" "$@"
	out=$(taskset -cp "$cpu" "$BASHPID" >/dev/null && "$@") ||
		die "$what: $out"
	note core "$(jq -c --arg what "$what" '{$what, per_second, p50_us,
		p99_us, slowest, failed}' <<<"$out")"
}

# Where the token's signatures come from is on the same processor, too.
core_pinned() {
	pin 0
	core "$1" 0 "$2, 1 CPU" "${@:3}"
	pin "$cpus"
}

# p11-kit's server in front of the same token; the program signs by its
# client module as it does by the token's own.
core_p11kit() {
	local module socket=$appliance/run/signd/p11-kit.sock pid i
	module=$("$appliance/app/quoin-signd" -c "$appliance/quoin.conf" -T |
		sed -n 's/^token.module = //p')
	grep -v '^token.module' "$appliance/quoin.conf" \
		>"$appliance/p11-kit.conf"
	echo "token.module = $p11kit_client" >>"$appliance/p11-kit.conf"
	chmod 0644 "$appliance/p11-kit.conf"
	run_as signd env "$(conf token.env)" p11-kit server -f -n "$socket" \
		--provider "$module" "pkcs11:" >"$scratch/p11-kit.log" 2>&1 &
	pid=$!
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$socket" ] || break
		sleep 0.1
	done
	[ -S "$socket" ] || die "p11-kit server: $(cat "$scratch/p11-kit.log")"
	taskset -acp 0 "$pid" >/dev/null
	core signd 0 "p11-kit server, 1 in flight, 1 CPU" env \
		"P11_KIT_SERVER_ADDRESS=unix:path=$socket" \
		"$appliance/app/bench-signd" direct \
		"$appliance/p11-kit.conf" "$sig_seconds" 1
	taskset -acp "$cpus" "$pid" >/dev/null
	core signd "$cpus" "p11-kit server, 16 in flight" env \
		"P11_KIT_SERVER_ADDRESS=unix:path=$socket" \
		"$appliance/app/bench-signd" direct \
		"$appliance/p11-kit.conf" "$sig_seconds" 16
	kill "$pid"
	wait "$pid"
	rm -f "$socket"
}

core_direct() {
	core signd 0 "direct, 1 in flight, 1 CPU" \
		"$appliance/app/bench-signd" direct "$appliance/quoin.conf" \
		"$sig_seconds" 1
	core signd "$cpus" "direct, 16 in flight" \
		"$appliance/app/bench-signd" direct "$appliance/quoin.conf" \
		"$sig_seconds" 16
}

# core_run USER MODE WHAT THREADS [ARGUMENT...]
core_run() {
	core "$1" "$cpus" "$3" "$appliance/app/bench-core" "$2" \
		"$appliance/quoin.conf" "$sig_seconds" "${@:4}"
}

# The worker dies in the midst of it.
core_kill() {
	(
		sleep "$(awk "BEGIN { print $sig_seconds / 2 }")"
		kill -9 "$(pid_of token)"
	) &
	core_run enrold tls "16 clients, the worker killed" 16
	wait $!
}

core_turn() {
	daemon_stop signd
	core_direct
	core_p11kit
	daemon_start signd
	daemon_ready signd
	core_pinned enrold "TLS signatures, 1 in flight" \
		"$appliance/app/bench-core" tls "$appliance/quoin.conf" \
		"$sig_seconds" 1
	core_run enrold tls "TLS signatures, 16 clients" 16
	core_run enrold tls "TLS signatures, 200 clients" 200
	core_run root code "code signatures, verified, 1 client" 1 one
	core_run root code "code signatures, verified, 16 clients" 16 one
	core_run enrold local "handshakes, 64 threads, key here" 64
	core_run enrold provider "handshakes, 64 threads, key in the token" 64
	core_run enrold store "certificates issued and recorded" 32 stored \
		"$scratch/stored.json"
	core_kill
}

# As many P-256 signatures while others ask for RSA-3072.
core_lanes() {
	local pid
	core_run enrold tls "P-256, 8 clients, nothing beside" 8
	"$appliance/app/bench-core" rsa "$appliance/quoin.conf" \
		"$(awk "BEGIN { print $sig_seconds + 1 }")" 8 rsa \
		>"$scratch/rsa" &
	pid=$!
	sleep 0.5
	core_run enrold tls "P-256, 8 clients, beside RSA-3072" 8
	wait "$pid" || die "RSA signatures"
	note core "$(jq -c '{what: "RSA-3072, 8 clients, beside P-256",
		per_second, p50_us, p99_us, slowest, failed}' "$scratch/rsa")"
}

# The same key beside others, then another of them each time: what one costs
# that is used for the first time is in that.
core_keys() {
	local n from=1
	for n in "${core_sizes[@]}"; do
		"$appliance/app/bench-core" make "$appliance/quoin.conf" \
			"$((n - from))" "$from" many || die "$n keys"
		from=$n
		core_run root code "code signatures, one key of $n" 16 one
		[ "$n" = 1 ] || core_run root code \
			"code signatures, each of $n keys" 16 many
	done
}

core_end() {
	local status=$?
	use core
	appliance_stop
	exit $status
}

bench_core() {
	local i
	trap core_end EXIT
	p11kit_client=$(find /usr/lib -name p11-kit-client.so | head -n 1)
	[ -n "$p11kit_client" ] || die "no p11-kit-client.so"
	appliance_new core
	daemon_stop enrold
	install -m 0755 "$bench/bench-core" "$appliance/app/"
	"$bench/bench-core" store "$appliance/quoin.conf" ids 1 stored \
		"$scratch/stored.json" || die "no devices"
	chmod 0644 "$scratch"/stored.json*
	ctl batch create stored --policy bench --devices \
		"$scratch/stored.json" >/dev/null || die "batch create"
	if ! ctl hsm key create one --purpose codesign --users 0 ||
		! ctl hsm key create rsa --purpose codesign --kind RSA-3072 \
			--users 0; then
		die "no keys"
	fi >/dev/null
	for ((i = 0; i < sig_turns; i++)); do
		core_turn
		core_lanes
	done
	core_keys
}
