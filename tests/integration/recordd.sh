#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# sanitize
# quoin-recordd, for real: roles, bulk load, hints, a full disk, and kill -9
# at any instant.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2154 # lib.sh has them
client=$top_builddir/tests/integration/recordd-client
fixtures=$top_srcdir/tests/fixtures
T=$scratch sqlite=yes many=1000000 some=9000 big=5000
if [ "${QUOIN_TEST_STORE-sqlite}" != sqlite ]; then
	# The test server reads all of a collection for every write.
	sqlite=no many=500 some=120 big=200
fi
appliance_make "$T"
install -m 0755 "$client" "$T/app/client"

c() {
	"$T/app/client" "$T/quoin.conf" "$@"
}
c_as() { # UID ARGUMENT...
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups \
		"$T/app/client" "$T/quoin.conf" "$@"
}
up() {
	daemon_start recordd
	within 10 c status || bail "$(tail "$T/recordd.log")"
}
# fleet N [FROM]: a file with N DeviceIDs
fleet() {
	awk -v n="$1" -v from="${2-0}" 'BEGIN {
		printf "{\"devices\":["
		for (i = 0; i < n; i++)
			printf "%s\"%08x%056x\"", i ? "," : "", from + i, 7
		print "]}" }'
}

# --- roles -----------------------------------------------------------------
sed -i 's/^roles = .*/& 61007=firmware 61008=provision 61009=broker/' \
	"$T/quoin.conf"
up
while read -r uid bit role; do
	ok "$role: every type and verb, as the tables say" \
		c_as "$uid" matrix "$bit"
	like "$out" "^112 tried, 0 wrong" "$role: all were tried"
done <<-END
	0 1 admin
	${daemon_uid[enrold]} 2 enrol
	61004 4 web
	61005 8 push
	61007 16 firmware
	61008 32 provision
	61006 64 data
	61009 128 broker
	61010 0 nobody
END

# --- bulk load -------------------------------------------------------------
ok "a batch" c make guide
exits 65 "the guide's file is refused" c load guide \
	"$fixtures/fleet-guide.json"
like "$out" "device 8, 28bf78524d2b76b251e2925c896320e3ca9eb5d4d792fb5af92bd6\
53ad58eb4: has 63 characters" "the ID with 63 digits is named"
is "$(grep -c '^device' <<<"$out")" 1 "and no other"
is "$(c count guide)" "0 0 0" "nothing was loaded"
ok "the mended file is taken" c load guide "$fixtures/fleet-mended.json"
is "$(c list guide)" "$(grep -o '[0-9a-f]\{64\}' \
	"$fixtures/fleet-mended.json" | sort)" "and lists back the same"
is "$(c count guide)" "9 9 0" "and is counted"

fleet $big >"$T/big"
fleet 10 $((big - 5)) >"$T/10"
ok "another batch" c make big
ok "a load of several frames" c load big "$T/big"
is "$(c count big)" "$big $big 0" "all of it"
ok "a third batch" c make late
exits 73 "IDs that are elsewhere" c load late "$T/10"
is "$(grep -c '^device .* is already in batch big' <<<"$out")" 5 "each is named"
like "$out" "^device 1, $(printf %08x $((big - 5))).*batch big" "by its position"
is "$(c count late)" "0 0 0" "the others were taken back"
last=$(printf %08x $((big + 4)))
sed 's/,"'"$last"'[0-9a-f]*"/&&/' "$T/10" >"$T/doubled"
exits 65 "an ID given twice" c load late "$T/doubled"
like "$out" "^device 11, $last.* is also device 10" "both positions"
exits 66 "no such batch" c load nowhere "$T/10"

# --- a loader that dies ----------------------------------------------------
fleet $some 100000 >"$T/some"
ok "one device before" c insert late 1
exits 99 "the loader dies on its way" c load late "$T/some" $((some / 3))
is "$(c list late | wc -l)" 1 "what it loaded does not count"
exits 75 "nobody takes back what may be alive" c undo late
exits 75 "nor loads beside it" c load late "$T/some"
ok "a minute later" c age late
ok "it is taken back" c undo late
is "$(c count late)" "1 1 0" "all of it"
exits 99 "it dies again" c load late "$T/some" $((some / 3))
ok "a minute later" c age late
ok "the next load takes it back by itself" c load late "$T/some"
is "$(c count late)" "$((some + 1)) $((some + 1)) 0" "and is complete"

fleet $many 10000000 >"$T/million"
ok "a batch for $many" c make million
begin=$(date +%s%N)
ok "$many IDs load" c load million "$T/million"
tap_note "in $((($(date +%s%N) - begin) / 1000000)) ms with the file"
is "$(c count million)" "$many $many 0" "all of them"

# --- hints -----------------------------------------------------------------
ok "who watches a type is told" c hints late 2
[ $sqlite = no ] ||
	ok "who does not read is cut off, and holds up nobody" c deaf late 3000
exits 77 "who may not read may not watch" c_as 61005 hints late 3

# --- restart, and no space -------------------------------------------------
daemon_stop recordd
is "$(tail -n 1 "$T/recordd.log" | grep -c 'signal 15')" 1 "a clean end"
[ ! -s "$T/records/quoin.db-wal" ]
tap_result $? "which leaves no log behind"
# The limit stands for a full disk: write(2) fails. It can be raised.
trap '' XFSZ
up
trap - XFSZ
is "$(c count million)" "$many $many 0" "all there after a restart"
no_space() {
	as recordd prlimit --pid "${daemon_pid[recordd]}" --fsize=2000:unlimited
	exits 69 "no space: unavailable" c fill late 20
	like "$out" "UNAVAIL: store:" "in plain words"
	exits 69 "still none" c insert late 3
	like "$(c status)" "sqlite store: " "status says so"
	ok "reads go on" c count late
	as recordd prlimit --pid "${daemon_pid[recordd]}" --fsize=unlimited:unlimited
	ok "space again: it works by itself" c insert late 3
	like "$(c status)" "sqlite ok" "status says so"
	n=$(c list late | wc -l)
	is "$(c count late)" "$n $n 0" "counters are exact"
}
# For MongoDB cut.sh does it.
[ $sqlite = no ] || no_space
daemon_stop recordd

# --- kill -9 ---------------------------------------------------------------
# For MongoDB kill.sh does it.
[ $sqlite = yes ] || tap_done
chown -R 0 "$T/records" "$T/run/recordd"
out=$(c hammer "$T/app/quoin-recordd" "${KILLS:-100}" 2>"$T/hammer.err")
tap_result $? "killed ${KILLS:-100} times, every answered write is there"
tap_note "$out"
tap_note "$(grep -v serving "$T/hammer.err")"

tap_done
