#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# sanitize
# The journal: what somebody does to it is found, by the chain, by the heads
# that the token signed, and by heads that were kept outside; and what it
# says is held against the records.
export APPLIANCE_CONF='journal.head_records = 20
journal.head_seconds = 1'
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/device.sh
. "$(dirname "$0")/device.sh"
here=$(dirname "$0")
dev=$scratch/dev copy=$scratch/copy
mkdir "$dev"
appliance_start "$scratch/a" signd recordd enrold
journal=$appliance/journal
client=$appliance/app/signd-client
install -m 0755 "$top_builddir"/tests/integration/{signd,recordd}-client \
	"$appliance/app/"
ctl hsm root --pem >"$dev/root.pem"
ok "a policy" ctl policy create p --device-lifetime 1h --issuing-lifetime 5y
for n in one two lost; do dev_make $n; done
fleet_json one two >"$dev/fleet.json"
ok "a batch" ctl batch create b --policy p --devices "$dev/fleet.json"
for n in one two; do
	as_self $n
	enrol $n
	is "$code" 200 "$n enrols"
done
ok "a codesign key" ctl hsm key create code --purpose codesign --users 0
signed() {
	ctl hsm sign "$@" >"$scratch/signed"
}
echo text >"$scratch/text"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$scratch/import.pem" 2>/dev/null
ok "an imported one" ctl hsm key import old "$scratch/import.pem" \
	--purpose firmware
ok "a signature" signed code "$scratch/text"
exits 77 "a use that is refused" setpriv --reuid 61999 --regid 61999 \
	--clear-groups "$client" -c "$appliance/quoin.conf" certs

# --- heads -------------------------------------------------------------------

heads() {
	grep -c 'journal head' "$appliance/signd.log"
}
quiet() {
	local n
	n=$(heads)
	sleep 2.5
	[ "$(heads)" = "$n" ]
}
within 20 grep -q 'journal head' "$appliance/signd.log"
tap_result $? "heads are in the log"
# Nobody asks for anything: counted uses may still come once.
within 20 quiet
tap_result $? "a head is no news for the next one"
ok "a head to keep" ctl journal export "$scratch/heads"
ok "and again" ctl journal export "$scratch/heads"
is "$(wc -l <"$scratch/heads")" 1 "nothing new, nothing appended"
read -r _ _ number hash wall key next spki signature <"$scratch/heads"
printf 'quoin journal head 1\nnumber: %s\nhash: %s\nwall: %s\nkey: %s\nnext: %s\n' \
	"$number" "$hash" "$wall" "$key" "$next" >"$scratch/statement"
base64 -d <<<"$spki" >"$scratch/spki"
base64 -d <<<"$signature" >"$scratch/signature"
ok "openssl verifies it" openssl dgst -sha256 -verify "$scratch/spki" \
	-keyform DER -signature "$scratch/signature" "$scratch/statement"
ok "verify" ctl --json journal verify --heads "$scratch/heads"
is "$(jq -c '[.ok, .daemon_agrees, .outside, .first]' <<<"$out")" \
	'[true,true,1,1]' "the daemon and the head outside agree"
ok "the log is such a file" ctl journal verify --heads "$appliance/signd.log"
exits 65 "a file without heads" ctl journal verify --heads "$scratch/text"
sed 's/journal head \([0-9]*\)/journal head \19/' "$scratch/heads" \
	>"$scratch/forged"
exits 65 "a head that somebody changed" \
	ctl journal verify --heads "$scratch/forged"

# --- what it says ------------------------------------------------------------

serial=$(serial_of "$dev/one.pem")
row=$(ctl --json journal tail --limit 1000 | jq -c --arg s "$serial" '
	[.records[] | select(.type == "issued" and .body.serial == $s)][0]')
is "$(jq -r .body.device_id <<<"$row")" "$(dev_id one)" \
	"an issued certificate tells its device"
ok "show" ctl --json journal show "$(jq .seq <<<"$row")"
is "$(jq -r '[.key_is.purpose, .key_is.policy, .uid, .body.serial] |
	join(" ")' <<<"$out")" "issuing p 61003 $serial" \
	"purpose, policy, peer and serial"
like "$(ctl journal show 1)" 'type: start' "for people"
exits 66 "no such record" ctl journal show 99999
exits 64 "no number" ctl journal show x

# --- what was done to it -----------------------------------------------------

# A copy is a journal, too.
attack() {
	rm -rf "$copy"
	mkdir "$copy"
	cp "$journal"/*.qj "$copy"
	[ $# = 0 ] || python3 "$here/journal.py" "$1" "$copy" "${@:2}"
}
verify_copy() {
	ctl journal verify --dir "$copy" "$@"
}
attack
ok "a copy is whole" verify_copy --heads "$scratch/heads"
python3 "$here/journal.py" list "$copy" >"$scratch/list"
mapfile -t types < <(cut -d' ' -f2 "$scratch/list" | sort -nu)
for type in "${types[@]}"; do
	read -r n _ len < <(awk -v t="$type" '$2 == t' "$scratch/list")
	bad=0
	for at in 0 4 8 16 24 32 36 52 83 84 $((len / 2)) $((len - 33)) \
		$((len - 32)) $((len - 1)); do
		attack change "$n" $at
		verify_copy --heads "$scratch/heads" >/dev/null 2>&1
		[ $? = 65 ] || bad=$((bad + 1))
	done
	is "$bad" 0 "a record of type $type, changed anywhere"
done
attack drop 5
exits 65 "a record less" verify_copy
attack swap 5
exits 65 "two records swapped" verify_copy
attack double 5
exits 65 "a record twice" verify_copy
attack cut $((number - 1))
ok "cut off, the rest is whole" verify_copy
exits 65 "but not for who has a head" verify_copy --heads "$scratch/heads"
like "$out" "cut off: it ends with record $((number - 1))" "it says so"
attack cut $((number - 1)) 50
exits 65 "cut off within a record" verify_copy --heads "$scratch/heads"
attack cut "$number"
ok "what a head covers is there" verify_copy --heads "$scratch/heads"
attack anew 5
exits 65 "all hashes anew: heads do not fit" verify_copy
attack bare 5
ok "all anew without heads is a chain" verify_copy
exits 65 "but not for who has a head" verify_copy --heads "$scratch/heads"
like "$out" "written anew|cut off" "it says so"
attack
rm "$copy"/*.qj
exits 65 "no files at all" verify_copy --heads "$scratch/heads"

# --- another journal key -----------------------------------------------------

ok "the journal key is replaced" ctl --json journal renew
new=$(jq -r .key <<<"$out")
[ "$new" != "$key" ]
tap_result $? "it is another one"
ok "a head by it" ctl journal export "$scratch/heads"
is "$(tail -n 1 "$scratch/heads" | cut -d' ' -f6)" "$new" "by the new key"
ok "heads by both keys agree" ctl journal verify --heads "$scratch/heads"
within 20 sh -c "! $appliance/app/quoinctl --state $appliance --json \
	hsm keys | jq -e '.keys[] | select(.id == \"$key\")'"
tap_result $? "the old one is destroyed"

# --- started again -----------------------------------------------------------

daemon_stop signd KILL
daemon_start signd
daemon_ready signd
ok "killed: whole" ctl journal verify --heads "$scratch/heads"

# --- a full disk -------------------------------------------------------------

begin=$SECONDS
as signd prlimit --pid "${daemon_pid[signd]}" \
	--fsize="$(stat -c %s "$journal"/*.qj)":unlimited
exits 69 "a full disk: nothing is signed" signed code "$here/lib.sh"
exits 69 "nor made" ctl hsm key create more --purpose jwt
[ $((SECONDS - begin)) -lt 15 ]
tap_result $? "and it is told soon"
as signd prlimit --pid "${daemon_pid[signd]}" --fsize=unlimited:unlimited
ok "room again" signed code "$here/lib.sh"
ok "the journal is whole" ctl journal verify --heads "$scratch/heads"

# --- against the records -----------------------------------------------------

ok "reconcile" ctl --json journal reconcile --grace 1
is "$(jq -c '.differences' <<<"$out")" '[]' "no differences"
ok "a device goes" ctl device delete "$(dev_id two)"
ok "it is among the revoked" ctl journal reconcile --grace 1
ca=$(ctl --json hsm certs | jq -r '[.certs[] |
	select(.purpose == "issuing")][0].id')
ok "a certificate that is not recorded" as enrold "$client" \
	-c "$appliance/quoin.conf" issue p "$dev/lost.csr" \
	"$appliance/enrold/lost.der"
exits 0 "one that is recorded, and never was issued" as enrold \
	"$appliance/app/recordd-client" "$appliance/quoin.conf" revoked "$ca" \
	00112233445566778899aabbccddeeff 0
sleep 2
exits 75 "reconcile finds both" ctl --json journal reconcile --grace 1
is "$(jq -c '[.differences[] | [.difference, .device_id, .ca]] | sort' \
	< <(grep -v '^quoinctl: ' <<<"$out"))" "$(jq -nc --arg d "$(dev_id lost)" --arg ca "$ca" '
	[["issued, not recorded", $d, $ca], ["recorded, never issued",
	"0000000000000000000000000000000000000000000000000000000000000001",
	$ca]]')" "and names them"
tap_done
