#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How fast Quoin is: a table for people, and bench.json in the build. What is
# compared is measured in turns, in one run, and medians are told. Called by
# `make bench`, as root.
#
# shellcheck disable=SC2317 # functions are called by name
usage() {
	cat <<'TEXT'
usage: tests/bench/run.sh [--quick | --smoke | --results]
  --quick    about a minute: smaller stores, fewer turns
  --smoke    a few seconds: no more than that everything works
  --results  the whole, and put the table into tests/bench/results.md
Runs in the build tree; what it writes below $TMPDIR (/var/tmp) should be on
a disk of the kind that counts.
TEXT
}

# seconds of a signature case; turns of those; store sizes; turns of
# handshakes and enrolments; operations of each; seconds of polls
sig_seconds=2 sig_turns=3 sizes=(1000 1000000 10000000) turns=3 each=2500
poll_seconds=3 list_seconds=1.5 seeds=50000 crl_entries=1000000
mongo_turns=3 mongo_each=300 core_sizes=(1 1000)
# batches, devices in them, devices revoked, seconds of each kind of answer
web_batches=200 web_devices=1000000 web_changes=20000 web_seconds=3
results=no json=bench.json
while [ $# -gt 0 ]; do
	case $1 in
	--quick) sig_seconds=0.7 sig_turns=1 sizes=(1000 100000) turns=3 each=1000 poll_seconds=2 list_seconds=1 crl_entries=100000 mongo_turns=1 core_sizes=(1 300) web_devices=100000 web_changes=3000 web_seconds=0.5 ;;
	--smoke) json=bench-smoke.json sig_seconds=0.1 sig_turns=1 sizes=(100 1000) turns=1 each=64 poll_seconds=1 list_seconds=0.2 seeds=1000 crl_entries=1000 mongo_turns=1 mongo_each=20 core_sizes=(1 20) web_batches=3 web_devices=600 web_changes=20 web_seconds=0.1 ;;
	--results) results=yes ;;
	-h | --help) usage; exit 0 ;;
	*) usage >&2; exit 64 ;;
	esac
	shift
done
export TMPDIR=${TMPDIR:-/var/tmp}
[ "$(id -u)" = 0 ] || { echo "bench: wants root: daemons have users" >&2; exit 77; }
# shellcheck source=tests/integration/lib.sh
. "$(cd "$(dirname "$0")/../integration" && pwd)/lib.sh"
# shellcheck source=tests/bench/core.sh
. "$top_srcdir/tests/bench/core.sh"
# shellcheck source=tests/bench/web.sh
. "$top_srcdir/tests/bench/web.sh"
started=$SECONDS
bench=$top_builddir/tests/bench
slow=$bench/slow-fdatasync.so
parallel=32
lines=$scratch/lines
cpus=0-$(($(nproc --all) - 1))
shm=$(mktemp -d /dev/shm/quoin-bench.XXXXXX)
chmod 0755 "$shm"
trap 'rm -rf "$shm"; lib_end' EXIT

die() {
	echo "bench: $*" | tee "$scratch/why" >&2
	exit 1
}

say() {
	printf '%4d s  %s\n' $((SECONDS - started)) "$*" >&2
}

# note KIND JSON: a figure for the end.
note() {
	[ -n "$2" ] || die "nothing was measured: $1"
	printf '{"kind":"%s","v":%s}\n' "$1" "$2" >>"$lines"
}

# absent WHAT WHY: what could not be measured.
absent() {
	say "not measured: $1: $2"
	note absent "$(jq -nc --arg what "$1" --arg why "$2" '{$what, $why}')"
}

# part WHAT COMMAND...: in a process of its own. What fails there is told in
# the table, and the rest goes on.
part() {
	local what=$1
	shift
	say "$what"
	rm -f "$scratch/why"
	if ! ("$@") >"$scratch/said" || grep -q '# SKIP' "$scratch/said"; then
		absent "$what" "$(cat "$scratch/why" 2>/dev/null ||
			tail -n 1 "$scratch/said")"
	fi
}

# --- several appliances, one of them at hand ---------------------------------

at_hand=
use() {
	local d
	[ "$1" != "$at_hand" ] || return 0
	for d in signd recordd enrold webd; do
		[ -z "$at_hand" ] ||
			daemon_pid[$at_hand/$d]=${daemon_pid[$d]-}
		unset "daemon_pid[$d]"
		[ -z "${daemon_pid[$1/$d]-}" ] ||
			daemon_pid[$d]=${daemon_pid[$1/$d]}
		unset "daemon_pid[$1/$d]"
	done
	at_hand=$1 appliance=$scratch/$1
}

appliance_new() {
	use "$1"
	appliance_start "$scratch/$1" signd recordd enrold
	install -m 0755 "$bench/bench-signd" "$slow" "$appliance/app/"
	ctl hsm root --pem >"$appliance/root.pem" || die "no root"
	ctl policy create bench --device-lifetime 30d --issuing-lifetime 5y \
		--autorenew >/dev/null || die "no policy"
}

# restart DAEMON [PRELOAD]
restart() {
	daemon_stop "$1"
	if [ -n "${2-}" ]; then
		LD_PRELOAD=$appliance/app/${2##*/} daemon_start "$1"
	else
		daemon_start "$1"
	fi
	daemon_ready "$1"
}

# Process of a daemon, or of signd's children: the token worker, and who starts
# it outside of signd's sandbox.
pid_of() {
	local p name
	case $1 in
	token) name=quoin-token ;;
	launcher) name=quoin-signd ;;
	*)
		echo "${daemon_pid[$1]}"
		return
		;;
	esac
	cat /proc/"${daemon_pid[signd]}"/task/*/children | tr ' ' '\n' |
		while read -r p; do
			[ "$(cat "/proc/$p/comm")" != $name ] || echo "$p"
		done
}

# --- signatures --------------------------------------------------------------

pin() {
	local d
	for d in signd token; do
		taskset -acp "$1" "$(pid_of "$d")" >/dev/null
	done
}

# signatures OP JOURNAL IN_FLIGHT PINNED
signatures() {
	local user=enrold out cpu=$cpus n=$3 depth=
	# Through signd the 16 are on four connections.
	if [ "$1" = direct ]; then
		user=signd
	elif [ "$3" = 16 ]; then
		n=4 depth=4
	fi
	[ "$4" = false ] || cpu=0
	[ "$1" = direct ] || pin "$cpu"
	# shellcheck disable=SC2086 # no depth, no argument
	out=$(as "$user" taskset -c "$cpu" "$appliance/app/bench-signd" "$1" \
		"$appliance/quoin.conf" "$sig_seconds" "$n" $depth) ||
		die "bench-signd $1"
	note signatures "$(jq -c --arg op "$1" --arg journal "$2" \
		--argjson n "$3" --argjson pinned "$4" '{$op, $journal,
		in_flight: $n, $pinned, per_second, p50_us, p99_us}' \
		<<<"$out")"
}

# Ways to ask, for each operation given: signatures_all JOURNAL OP...
signatures_all() {
	local op journal=$1
	shift
	for op; do
		signatures "$op" "$journal" 1 false
		signatures "$op" "$journal" 1 true
		signatures "$op" "$journal" 16 false
	done
}

# journal_to FOLDER: an empty place, so that nothing is replayed.
journal_to() {
	install -d -m 0700 -o "${daemon_uid[signd]}" "$1"
	mv "$appliance/journal" "$appliance/journal.disk"
	ln -s "$1" "$appliance/journal"
	chown -h "${daemon_uid[signd]}" "$appliance/journal"
}

bench_signatures() {
	local i
	say "signatures"
	appliance_new sig
	daemon_stop enrold
	for ((i = 0; i < sig_turns; i++)); do
		daemon_stop signd
		signatures_all none direct
		daemon_start signd
		daemon_ready signd
		signatures_all disk tls issue
	done
	say "signatures, 5 ms more for each fdatasync"
	restart signd "$slow"
	signatures_all "disk + 5 ms" tls issue
	say "signatures, journal on tmpfs"
	daemon_stop signd
	cp -a "$appliance/journal" "$shm/copy"
	journal_to "$shm/journal"
	cp -a "$shm/copy/." "$shm/journal/"
	restart signd
	signatures_all tmpfs tls issue
	appliance_stop
}

# --- enrolments --------------------------------------------------------------

now() {
	local t=${EPOCHREALTIME/[.,]/}
	REPLY=$t
}

load_devices() {
	local from
	say "loading $1 DeviceIDs"
	"$bench/bench-lists" ids "$1" >"$scratch/ids.json" || die "no list"
	now
	from=$REPLY
	ctl batch create crowd --policy bench --devices "$scratch/ids.json" \
		>/dev/null || return
	now
	note load "$(jq -nc --argjson devices "$1" \
		--argjson us $((REPLY - from)) \
		'{$devices, seconds: ($us / 1e6)}')"
	rm "$scratch/ids.json"
}

fleets() {
	local i
	say "making $((turns + 1)) x $each devices"
	for ((i = 0; i <= turns; i++)); do
		"$appliance/app/quoin-agent" --fleet "$scratch/fleet-$i" \
			--count "$each" --make >/dev/null || die "no fleet"
	done
}

# Clock ticks of each daemon, as JSON.
ticks() {
	local d sep=
	printf '{'
	for d in enrold signd token recordd; do
		printf '%s"%s":%s' "$sep" "$d" "$(awk '{ print $14 + $15 }' \
			/proc/"$(pid_of "$d")"/stat)"
		sep=,
	done
	printf '}'
}

# load KIND DEVICES DISK LOADGEN-OPTION...
load() {
	local kind=$1 devices=$2 disk=$3 before after out
	shift 3
	before=$(ticks)
	out=$("$bench/loadgen" --mode "$kind" --parallel $parallel \
		--server "127.0.0.1:$(conf device.port)" \
		--root "$appliance/root.pem" --seconds 8 "$@") ||
		die "loadgen $kind: $out"
	after=$(ticks)
	# Processor time of each for one operation, in milliseconds.
	note "$kind" "$(jq -c --argjson b "$before" --argjson a "$after" \
		--argjson hz "$(getconf CLK_TCK)" --argjson devices "$devices" \
		--arg disk "$disk" '.count as $n | .cpu_seconds as $own |
		{$devices, $disk, per_second: .rate, p50_ms, p99_ms,
		cpu_ms: ($a | with_entries(.value =
			(.value - $b[.key]) / $hz * 1000 / $n)
			+ {loadgen: ($own * 1000 / $n)})}' <<<"$out")"
}

turn() {
	load handshake "$2" "$3" --generate 64 --count "$each"
	load enrol "$2" "$3" --fleet "$scratch/fleet-$1" --count "$each"
}

memory() {
	local d pss
	for d in enrold signd launcher token recordd; do
		pss=$(awk '/^Pss:/ { print $2 }' \
			/proc/"$(pid_of "$d")"/smaps_rollup)
		note memory "{\"devices\":$1,\"daemon\":\"$d\",\"pss_kib\":$pss}"
	done
}

# Without the room that the largest store takes it is left out: 1 KiB each,
# with the log of what was written last.
fit_sizes() {
	local room n=${sizes[-1]}
	room=$(df --output=avail -k "$scratch" | tail -n 1)
	[ "$room" -lt "$n" ] || return 0
	absent "$n devices" "no room: $((room / 1024)) MiB in $TMPDIR"
	unset 'sizes[-1]'
}

bench_enrolments() {
	local n i loaded=()
	fit_sizes
	for n in "${sizes[@]}"; do
		appliance_new "$n"
		[ -d "$scratch/fleet-0" ] || fleets
		if ! load_devices "$n"; then
			absent "$n devices" "they could not be loaded"
			appliance_stop
			continue
		fi
		loaded+=("$n")
		for ((i = 0; i <= turns; i++)); do
			ctl batch create "fleet-$i" --policy bench --devices \
				"$scratch/fleet-$i/fleet.json" >/dev/null ||
				die "batch create"
		done
	done
	sizes=("${loaded[@]}")
	for ((i = 0; i < turns; i++)); do
		say "handshakes and enrolments, turn $((i + 1)) of $turns"
		for n in "${sizes[@]}"; do
			use "$n"
			turn "$i" "$n" disk
		done
	done
	for n in "${sizes[@]}"; do
		use "$n"
		memory "$n"
	done
	say "the same, 5 ms more for each fdatasync"
	use "${sizes[0]}"
	restart signd "$slow"
	restart recordd "$slow"
	turn "$turns" "${sizes[0]}" "disk + 5 ms"
}

# poll WHAT GENERATOR...: how many a second, and the processor's microseconds
# that each daemon takes for one.
poll() {
	local what=$1 before after out
	shift
	before=$(ticks)
	out=$("$@" --seconds $poll_seconds) || die "$what: $out"
	after=$(ticks)
	note poll "$(jq -c --argjson b "$before" --argjson a "$after" \
		--argjson hz "$(getconf CLK_TCK)" --arg what "$what" \
		'.count as $n | .cpu_seconds as $own | {$what,
		per_second: .rate, p50_ms, p99_ms,
		cpu_us: ($a | with_entries(.value =
			(.value - $b[.key]) / $hz * 1e6 / $n)
			+ {loadgen: ($own * 1e6 / $n)})}' <<<"$out")"
}

# Of a fleet that is enrolled; the largest store is at hand.
bench_polls() {
	local i fleet=$scratch/polled to ca ocsp f
	say "status polls, OCSP"
	use "${sizes[-1]}"
	to=(--server "127.0.0.1:$(conf device.port)"
		--root "$appliance/root.pem" --fleet "$fleet")
	"$appliance/app/quoin-agent" --fleet "$fleet" --count 64 --make \
		>/dev/null || die "no fleet"
	ctl batch create polled --policy bench --devices "$fleet/fleet.json" \
		>/dev/null || die "batch create"
	"$appliance/app/quoin-agent" "${to[@]}" --once --parallel 8 \
		>/dev/null || die "fleet did not enrol"
	ca=$(ctl --json hsm certs | jq -r '[.certs[] |
		select(.purpose == "issuing")][0].id')
	curl -sSf "http://127.0.0.1:$(conf crl.port)/ca/$ca.cer" |
		openssl x509 -inform DER -out "$scratch/ca.pem" || die "no CA"
	for f in "$fleet"/*/generation-*/certificate.pem; do
		openssl x509 -in "$f" -noout -serial | cut -d= -f2
	done >"$scratch/serials"
	ocsp=("$bench/ocspgen" --server "127.0.0.1:$(conf crl.port)"
		--issuer "$scratch/ca.pem" --serials "$scratch/serials")
	for ((i = 0; i < turns; i++)); do
		poll "GET of a CA certificate, plain, kept" "$bench/pollgen" \
			--plain "$(conf crl.port)" --path "/ca/$ca.cer"
		poll "status, TLS, kept" "$bench/pollgen" "${to[@]}"
		poll "status, TLS, resumed" "$bench/loadgen" "${to[@]}" \
			--mode status --enrolled --count 1000000 --resume
		poll "status, TLS, fresh" "$bench/loadgen" "${to[@]}" \
			--mode status --enrolled --count 1000000
		poll "OCSP, kept answers (GET)" "${ocsp[@]}" --get
		poll "OCSP, kept answers (POST)" "${ocsp[@]}"
		poll "OCSP, signed when asked (nonce)" "${ocsp[@]}" --nonce \
			--parallel 48
	done
}

# Pages of the smallest store and of the largest, at random places.
bench_lists() {
	local n
	for n in "${sizes[0]}" "${sizes[-1]}"; do
		use "$n"
		"$bench/bench-lists" "$appliance/run/recordd/recordd.sock" \
			crowd "$seeds" "$list_seconds" >"$scratch/pages" ||
			die "bench-lists: $n devices"
		note pages "$(jq -sc --argjson devices "$n" --argjson bytes \
			"$(du -sb "$appliance/records" | cut -f1)" \
			'{$devices, $bytes, pages: .}' "$scratch/pages")"
	done
}

bench_crl() {
	local out i
	use "${sizes[-1]}"
	install -m 0755 "$bench/bench-crl" "$appliance/app/"
	for ((i = 0; i < 3; i++)); do
		out=$(as enrold "$appliance/app/bench-crl" \
			"$appliance/quoin.conf" "$crl_entries" 2>&1) ||
			die "$out"
		note crl "$out"
	done
}

# enrol_into NAME DEVICES FLEET: into the appliance at hand.
enrol_into() {
	local out
	out=$("$bench/loadgen" --mode enrol --parallel $parallel \
		--server "127.0.0.1:$(conf device.port)" \
		--root "$appliance/root.pem" --seconds 10 --fleet "$3" \
		--count $mongo_each) || die "loadgen: $1: $out"
	note store "$(jq -c --arg store "$1" --argjson devices "$2" \
		'{$store, $devices, per_second: .rate, p50_ms, p99_ms}' \
		<<<"$out")"
}

mongo_name() {
	case $mongo_kind in
	fake) echo "MongoDB store (FerretDB $(sed -n \
		's/.*FerretDB\/FerretDB v//p' \
		"$top_srcdir/tests/fakes/mongo-server/go.mod"))" ;;
	mongod) echo "MongoDB store (mongod $(mongod --version |
		sed -n 's/^db version v//p'))" ;;
	uri) echo "MongoDB store (server of QUOIN_TEST_MONGODB_URI)" ;;
	esac
}

mongo_end() {
	local status=$?
	use mongo
	appliance_stop
	use beside
	appliance_stop
	daemon_stop mongo
	exit $status
}

# The same fleets into both stores. FerretDB reads the whole collection for
# each update, so that there are few devices in both.
bench_mongo() {
	local i d name n=$((mongo_turns * mongo_each))
	trap mongo_end EXIT
	QUOIN_TEST_STORE=mongodb appliance_new mongo
	[ -n "$appliance_store" ] || die "no server"
	name=$(mongo_name)
	QUOIN_TEST_STORE=sqlite appliance_new beside
	for ((i = 0; i < mongo_turns; i++)); do
		"$appliance/app/quoin-agent" --fleet "$scratch/both-$i" \
			--count $mongo_each --make >/dev/null || die "no fleet"
		for d in mongo beside; do
			use $d
			ctl batch create "fleet-$i" --policy bench --devices \
				"$scratch/both-$i/fleet.json" >/dev/null ||
				die "batch create"
		done
	done
	for ((i = 0; i < mongo_turns; i++)); do
		use beside
		enrol_into SQLite $n "$scratch/both-$i"
		use mongo
		enrol_into "$name" $n "$scratch/both-$i"
	done
}

bench_crypto() {
	local i
	for ((i = 0; i < sig_turns; i++)); do
		note crypto "$("$bench/bench-crypto" "$sig_seconds")"
	done
}

# --- the machine, and the end ------------------------------------------------

version_of() {
	dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo unknown
}

# Milliseconds of one small write that is on the disk when it ends.
sync_ms() {
	local from n=200
	now
	from=$REPLY
	dd if=/dev/zero of="$scratch/sync" bs=512 count=$n oflag=dsync \
		status=none
	now
	awk "BEGIN { printf \"%.3f\", ($REPLY - $from) / 1000 / $n }"
}

machine() {
	jq -nc --arg cpu "$(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo)" \
		--argjson cores "$(nproc)" --argjson kib "$(awk \
		'/^MemTotal/ { print $2 }' /proc/meminfo)" \
		--arg kernel "$(uname -r)" --arg debian \
		"$(cat /etc/debian_version)" --arg openssl \
		"$(version_of libssl3)" --arg softhsm \
		"$(version_of libsofthsm2)" --arg disk \
		"$(findmnt -no FSTYPE -T "$scratch")" --argjson sync_ms "$(sync_ms)" \
		--arg load "$(cut -d' ' -f1-3 /proc/loadavg)" --arg at \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" '{$cpu, $cores,
		memory_mib: ($kib / 1024 | floor), $kernel, $debian,
		$openssl, $softhsm, $disk, $sync_ms, load_before: $load, $at}'
}

echo "{\"kind\":\"machine\",\"v\":$(machine)}" >"$lines"
bench_crypto
bench_signatures
part "the signing core" bench_core
bench_enrolments
bench_polls
for n in "${sizes[@]}"; do
	use "$n"
	daemon_stop enrold
done
part "pages of devices" bench_lists
part "the web administration" bench_web
part "CRL of $crl_entries entries" bench_crl
part "enrolments on the MongoDB store" bench_mongo
note seconds $((SECONDS - started))
jq -s -f "$top_srcdir/tests/bench/summary.jq" "$lines" \
	>"$top_builddir/$json" || die "no summary"
table=$(jq -r -f "$top_srcdir/tests/bench/table.jq" \
	"$top_builddir/$json") || die "no table"
printf '%s\n' "$table"
[ $results = yes ] || exit 0
# The table is the last of that page, and the only thing there in a fence.
page=$top_srcdir/tests/bench/results.md
sed -i '/^```$/,$d' "$page"
# shellcheck disable=SC2016 # a fence
printf '```\n%s\n```\n' "$table" >>"$page"
