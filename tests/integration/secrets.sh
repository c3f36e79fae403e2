#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 240
# While an appliance makes its PKI, loads a batch and enrols a fleet, no
# private key is to be found outside the token: in no file, no database, no
# packet, no message between the daemons. The search first proves itself by
# finding planted ones; it knows the token's keys, which a module of the
# test's imports.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
for tool in tcpdump strace sqlite3 python3; do
	command -v $tool >/dev/null || skip_all "$tool is missing"
done

tmp=$(mktemp -d)
chmod 755 "$tmp"
seen=$tmp/seen plant=$tmp/plant dir=$tmp/appliance
mkdir "$seen" "$plant"
keys=$dir/token/softhsm2.conf.keys
tracers=()

ok "a module that imports the keys it is asked to make" \
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -fPIC -shared -I"$top_builddir" \
	"$top_srcdir/tests/fakes/known-keys.c" -lcrypto -o "$tmp/known-keys.so"

trace() { # trace NAME PID [CALLS]: what it sends and receives
	strace -f -xx -s 200000 -o "$seen/$1.strace" -p "$2" \
		-e "trace=sendmsg,recvmsg,sendto,recvfrom${3-}" 2>/dev/null &
	tracers+=($!)
	within 5 test -e "$seen/$1.strace"
}

capture() { # capture FILE FILTER: packets of the loopback interface
	rm -f "$tmp/tcpdump.log" # or the last one's would do
	tcpdump -i lo -s 0 -U --immediate-mode -w "$1" "$2" >/dev/null 2>"$tmp/tcpdump.log" &
	dump=$!
	within 10 grep -q listening "$tmp/tcpdump.log"
}

stop() {
	[ $# -gt 0 ] || return
	kill -INT "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}

end() {
	stop "${tracers[@]}"
	appliance_stop
	rm -rf "$tmp"
}
# shellcheck disable=SC2034
APPLIANCE_CONF="token.module = $tmp/known-keys.so"
appliance_start "$dir" signd recordd
trap end EXIT
# shellcheck disable=SC2154
trace signd "${daemon_pid[signd]}" ,read,write
trace token "$(pgrep -P "${daemon_pid[signd]}" quoin-token)"
trace recordd "${daemon_pid[recordd]}" ,read,write
filter="tcp port $(conf device.port)"
if [ -n "${mongo_host-}" ]; then
	filter="$filter or tcp port ${mongo_host#*:}"
fi
capture "$seen/loopback.pcap" "$filter"
appliance_start "$dir" enrold
trap end EXIT
trace enrold "${daemon_pid[enrold]}" ,read,write

agent=$appliance/app/quoin-agent
ok "policy" ctl policy create p --device-lifetime 1d --issuing-lifetime 30d --autorenew
ok "fleet" "$agent" --fleet "$tmp/fleet" --count 5 --make
ok "batch" ctl batch create b --policy p --devices "$tmp/fleet/fleet.json"
ctl hsm root --pem >"$tmp/root.pem"
ok "enrolment" "$agent" --fleet "$tmp/fleet" --root "$tmp/root.pem" \
	--server "127.0.0.1:$(conf device.port)" --once --timeout 60
stop "$dump" "${tracers[@]}"
tracers=()

n=$(grep -c '^EC' "$keys")
ok "the values of the token's $n EC keys are known" test "$n" -ge 4
ok "and of its AES key" grep -q '^AES' "$keys"

search() {
	python3 "$top_srcdir/tests/integration/secrets.py" "$keys" "$@"
}
finds() { # finds WHAT: exactly what was planted is found
	exits 1 "finds a planted key: $1" search "$plant"
	rm -f "$plant"/*
}
value=$(sed -n 's/^EC //p' "$keys" | head -n 1)
escaped=$(printf %s "$value" | sed 's/../\\x&/g')

printf 'x%by' "$escaped" >"$plant/file"
finds "bytes in a file"
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$plant/file" 2>/dev/null
finds "PEM in a file"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 \
	-outform DER -out "$plant/file" 2>/dev/null
finds "DER in a file"
for db in "$dir"/records/quoin.db "$dir"/mongo/data/*.sqlite; do
	[ -f "$db" ] || continue
	cp "$db" "$plant/copy.db"
	sqlite3 "$plant/copy.db" "CREATE TABLE planted(doc BLOB);
		INSERT INTO planted VALUES (x'0102${value}03');"
	finds "a row of ${db##*/}"
done
capture "$plant/planted.pcap" "udp port 9"
# One datagram: printf makes several if a line ends inside, and nobody listens.
printf 'k%by' "$escaped" >"$plant/datagram"
cat "$plant/datagram" >/dev/udp/127.0.0.1/9
captured() {
	[ "$(stat -c %s "$plant/planted.pcap")" -gt 60 ]
}
within 10 captured
rm "$plant/datagram"
stop "$dump"
finds "a packet"
strace -xx -s 1000 -e trace=write -o "$plant/planted.strace" \
	/usr/bin/printf 'k%by' "$escaped" >/dev/null
finds "a message"

everything=("$seen")
for f in "$dir"/*; do
	case $f in */token | */app) ;; *) everything+=("$f") ;; esac
done
ok "no private key in files, database, packets and messages" \
	search "${everything[@]}"
for f in loopback.pcap signd.strace token.strace recordd.strace enrold.strace; do
	size=$(stat -c %s "$seen/$f")
	ok "$f was seen: $size bytes" test "$size" -gt 5000
done
tap_done
