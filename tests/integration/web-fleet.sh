#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 480
# The pages of the fleet: policies, batches, lists of devices, devices, logs,
# the dashboard and what changes while one looks, by REST as the browser asks;
# real devices enrol meanwhile.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/device.sh
. "$(dirname "$0")/device.sh"
# shellcheck source=tests/integration/web.sh
. "$(dirname "$0")/web.sh"
appliance_start "$(mktemp -d)" signd recordd enrold webd
web=$appliance/web dev=$appliance/dev
mkdir "$web" "$dev"
ok "the first administrator" web_first ann
web_as ann
ok "a contributor" web_new carl contributor
cp "$web/root.pem" "$dev/root.pem"
sqlite=no
[ -n "$appliance_store" ] || sqlite=yes
# some NUMBER [FROM]: so many DeviceIDs, one a line.
some() {
	awk -v n="$1" -v from="${2-0}" \
		'BEGIN { while (i < n) printf "%064x\n", from + i++ }'
}
etag() {
	sed -n 's/^[Ee][Tt][Aa][Gg]: //p' "$web/head" | tr -d '\r'
}
# logged WHAT [MESSAGE]: the newest record of who asks.
logged() {
	web GET "/logs?limit=1&user=$web_user"
	has '.items[0].what' "$1" "... and it is in the log"
	[ $# -lt 2 ] || has '.items[0].message' "$2" "... in words"
}

# --- policies ----------------------------------------------------------------

web_as carl
policy=$(jq -nc '{name: "p", connection: "iot_hub", device_lifetime: 864000,
	issuing_lifetime: 86400000, autorenew: true}')
answers 400 "a CA that lives less than its devices" POST /policies \
	"$(jq -c '.issuing_lifetime = 86400' <<<"$policy")"
has '.errors[0].pointer' /issuing_lifetime "which the form is told"
answers 400 "no life time" POST /policies \
	"$(jq -c 'del(.device_lifetime)' <<<"$policy")"
has '.errors[0].pointer' /device_lifetime "which the form is told"
answers 400 "a name that is none" POST /policies \
	"$(jq -c '.name = "-p"' <<<"$policy")"
has '.errors[0].pointer' /name "which the form is told"
answers 201 "a policy" POST /policies "$policy"
has '[.used_by, .signature, .size, .issuing.name, .autorenew] | join(" ")' \
	"0 ECDSA 256 p 1 true" "as it was wanted, with its CA"
is "\"$(jq -r .etag <<<"$body")\"" "$(etag)" "its entity tag"
logged "policy create" "Policy p created by carl"
answers 409 "another of that name" POST /policies \
	"$(jq -c '.device_lifetime = 5' <<<"$policy")"
answers 200 "it is seen" GET /policies/p
old=$(etag)
answers 200 "and changed" PATCH /policies/p '{"device_lifetime":86400}' \
	-H "If-Match: $old"
has '[.device_lifetime, .issuing_lifetime] | join(" ")' "86400 86400000" \
	"what is not named stays"
logged "policy edit" "Policy p changed: device_lifetime 86400 by carl"
is "$(ctl --json policy show p | jq .device_lifetime)" 86400 \
	"the console sees it"
answers 412 "who saw the old one changes nothing" PATCH /policies/p \
	'{"device_lifetime":5}' -H "If-Match: $old"
has .status 412 "as a problem"
answers 201 "one more" POST /policies "$(jq -c '.name = "q" | .approve = true |
	.hub = "north"' <<<"$policy")"
answers 200 "all of them" GET /policies
has '[.items[] | .name + " " + .issuing.name] | join(",")' "p p 1,q q 1" \
	"each with its CA"
answers 200 "hubs" GET /hubs
has '[.items[] | .name + " " + .type] | join(",")' "north iot_hub" \
	"that policies name"

# --- batches -----------------------------------------------------------------

answers 201 "a batch" POST /batches \
	'{"name":"b","policy":"p","description":"the first one"}'
has '[.name, .policy, .counts.devices, (.filter | length)] | join(" ")' \
	"b p 0 0" "as it was wanted"
logged "batch create" "Batch b created by carl"
answers 409 "not twice" POST /batches '{"name":"b","policy":"p"}'
answers 400 "no such policy" POST /batches '{"name":"c","policy":"none"}'
has '.errors[0].pointer' /policy "which the form is told"
answers 400 "a name that is none" POST /batches '{"name":"a/b","policy":"p"}'
has '.errors[0].pointer' /name "which the form is told"
answers 400 "a member that nobody knows" POST /batches \
	'{"name":"c","policy":"p","x":1}'
answers 403 "a contributor chooses no firmware" POST /batches \
	'{"name":"c","policy":"p","firmware":"1.0"}'
answers 403 "nor a signing key" PATCH /batches/b '{"signing_key":"k"}'
web_as ann
answers 400 "a signing key that is not there" PATCH /batches/b \
	'{"signing_key":"k"}'
has '.errors[0].pointer' /signing_key "which the form is told"
ok "a key for files" ctl hsm key create files --purpose codesign
answers 400 "it signs no firmware" PATCH /batches/b '{"signing_key":"files"}'
web POST /keys '{"name":"k","type":"ecdsa"}'
answers 200 "one that does" PATCH /batches/b \
	'{"signing_key":"k","firmware":"fw","filter":[{"name":"v","value":"1"}]}'
has '[.signing_key, .firmware, .filter[0].name, .filter[0].value,
	.description] | join(" ")' "k fw v 1 the first one" "as it was wanted"
logged "batch edit"
web_as carl
answers 200 "a contributor may leave them as they are" PATCH /batches/b \
	'{"signing_key":"k","firmware":"fw","description":"mine"}'
answers 403 "and not take them away" PATCH /batches/b '{"signing_key":""}'
answers 200 "a look at it" GET /batches/b
old=$(etag)
web PATCH /batches/b '{"description":"again"}'
answers 412 "who saw the old one changes nothing" PATCH /batches/b \
	'{"description":"x"}' -H "If-Match: $old"
answers 412 "nor deletes it" DELETE /batches/b '' -H "If-Match: $old"
answers 400 "devices by hand, one of them wrong" POST /batches \
	"$(jq -nc --arg id "$(some 1)" '{name: "c", policy: "p",
	devices: [$id, "abc"]}')"
has '[.error_count, .errors[0].position, .errors[0].pointer] | join(" ")' \
	"1 2 /devices/1" "which one"
answers 404 "nothing was made" GET /batches/c
answers 201 "all of them right" POST /batches \
	"$(some 1500 4096 | jq -Rnc '{name: "c", policy: "q",
	devices: [inputs]}')"
has '.counts | "\(.devices) \(.not_enrolled)"' "1500 1500" "are loaded"
answers 403 "counted by no contributor" POST /batches/c/recount
web_as ann
answers 200 "counted anew" POST /batches/c/recount
has .wrong 0 "no counter was wrong"
logged "batch recount" "Devices of batch c counted by ann"
answers 404 "no batch, no counters" POST /batches/none/recount
web_as carl
answers 200 "in order, one at a time" GET '/batches?limit=1'
has '.items[0].name + " " + .next' "b b" "the first"
answers 200 "the next" GET '/batches?limit=1&after=b'
has '.items[0].name + " " + (.next // "end")' "c end" "is the last"
answers 200 "by what is in the description" GET '/batches?q=AGAIN'
has '[.items[].name] | join(" ")' b "one"
answers 400 "a limit that is none" GET '/batches?limit=0'
answers 400 "nor two" GET '/batches?limit=1&limit=2'
answers 400 "a parameter that nobody knows" GET '/batches?limits=1'

# --- lists of devices --------------------------------------------------------

# send FILE TYPE [BATCH [curl-option...]]: a list as a page sends it.
send() {
	local file=$1 type=$2 batch=${3-b}
	shift $(($# < 3 ? $# : 3))
	curl -sS -m 60 --cacert "$web/root.pem" -b "$web/$web_user.jar" -H \
		"X-Quoin-CSRF: $csrf" -H "Content-Type: $type" -T "$file" \
		-X POST "$@" \
		"https://localhost:$(conf admin.port)/api/v1/batches/$batch/devices"
}
# upload FILE TYPE [BATCH]: $code, $body, and $web/head.
upload() {
	code=$(send "$1" "$2" "${3-b}" -D "$web/head" -o "$web/body" \
		-w '%{http_code}')
	body=$(cat "$web/body")
}
fixtures=$top_srcdir/tests/fixtures
upload "$fixtures/fleet-guide.json" text/plain
is "$code" 400 "the guide's own file has a mistake"
has '[.error_count, .errors[0].position] | join(" ")' "1 8" "at the eighth"
like "$(jq -r '.errors[0].detail' <<<"$body")" '^device 8, 28bf.*: has 63 ' \
	"in words"
web GET /batches/b
has .counts.devices 0 "nothing was loaded"
upload "$fixtures/fleet-mended.json" text/plain
is "$code" 200 "mended it is taken" || tap_note "$body"
has .added 9 "nine devices"
logged "batch add" "Devices added to batch b: 9 devices by carl"
upload "$fixtures/fleet-mended.json" application/json c
is "$code" 409 "not again, into another batch" || tap_note "$body"
has '.error_count' 9 "all of them"
like "$(jq -r '.errors[8].detail' <<<"$body")" 'is already in batch b' "why"
web GET /batches/c
has .counts.devices 1500 "nothing was loaded"
{
	printf '\357\273\277"Name";"Device_ID"\r\n'
	some 3 256 | sed 's/.*/"x; ""y"""; & \r/'
} >"$web/table.csv"
upload "$web/table.csv" text/csv
is "$code" 200 "a table" || tap_note "$body"
has .added 3 "three devices"
{
	echo device_id
	some 2 512
	echo
	echo xyz
	some 1 512
	for ((i = 0; i < 1200; i++)); do echo "$i"; done
} >"$web/wrong.csv"
upload "$web/wrong.csv" text/csv
is "$code" 400 "one with mistakes" || tap_note "$body"
has '.error_count' 1202 "all are counted"
has '.errors | length' 1000 "a thousand are told"
has '[.errors[:3][].line] | join(" ")' "5 6 7" "by their lines"
like "$(jq -r '.errors[1].detail' <<<"$body")" 'is also line 2' "in words"
upload "$web/table.csv" text/html
is "$code" 415 "no other kinds of files"
echo '{"devices":["' >"$web/cut"
upload "$web/cut" application/json
is "$code" 400 "half a file"
like "$(jq -r .detail <<<"$body")" 'wants a closing quote' "why"
echo '{"devices":[]}' >"$web/none"
upload "$web/none" application/json
is "$code" 400 "a file with none"
upload "$web/none" application/json nowhere
is "$code" 404 "no such batch"
# Two whose files come slowly, then a third.
for i in 1 2; do
	mkfifo "$web/fifo$i"
	send - text/csv b <"$web/fifo$i" >"$web/slow$i" 2>&1 &
	slow[i]=$!
done
for i in 1 2; do
	exec {fd}>"$web/fifo$i"
	fds[i]=$fd
	some 1 $((8192 + i)) >&"$fd"
done
busy() {
	upload "$web/none" application/json
	[ "$code" = 429 ]
}
ok "a third list at the same time has to wait" within 5 busy
like "$(cat "$web/head")" '^Retry-After: ' "and is told how long"
for i in 1 2; do
	fd=${fds[i]}
	exec {fd}>&-
	wait "${slow[i]}"
	is "$(cat "$web/slow$i")" '{"added":1}' "list $i goes on"
done
# Two that take their time: the slower one goes when others wait.
some 60000 2097152 >"$web/crawl.csv"
for i in 1 2; do
	send "$web/crawl.csv" text/csv b --limit-rate "$((16 + 8 * i))K" \
		-o "$web/slow$i" -w '%{http_code}' >"$web/crawl$i" &
	slow[i]=$!
done
roomy() {
	upload "$web/none" application/json
	[ "$code" = 400 ]
}
ok "a third has to wait" within 5 busy
ok "but not for as long as they like" within 40 roomy
wait "${slow[1]}"
is "$(cat "$web/crawl1")" 429 "the slower one is sent away"
like "$(cat "$web/slow1")" 'comes slowly' "and told why"
kill "${slow[2]}"
wait "${slow[2]}"
if [ $sqlite = yes ]; then
	some 400000 1048576 | jq -Rnc '{devices: [inputs]}' >"$web/large.json"
	send "$web/large.json" application/json c >"$web/large" &
	large=$!
	seen() {
		web GET /batches/c/load
		[ "$(jq -r '.state == "loading" and .total == 400000 and
			.done > 0' <<<"$body")" = true ]
	}
	within 20 seen
	is $? 0 "progress of a large list is seen"
	wait $large
	is "$(cat "$web/large")" '{"added":400000}' "it is loaded"
	web GET /batches/c
	has .counts.devices 401500 "all of them"
	web GET /batches/c/load
	has .state idle "then it is over"
fi

# --- what changes while one looks --------------------------------------------

# listen NAME: a browser's stream of events into NAME.events.
listen() {
	curl -sSN -m 300 --cacert "$web/root.pem" -b "$web/$1.jar" \
		"https://localhost:$(conf admin.port)/api/v1/events" \
		>"$web/$1.events" 2>&1 &
	listener=$!
	within 10 grep -q '^event: dashboard' "$web/$1.events"
}
# told FILTER: the newest dashboard.
told() {
	grep -A1 '^event: dashboard' "$web/carl.events" | sed -n 's/^data: //p' |
		tail -n 1 | jq -r "$1"
}
tells() {
	[ "$(told "$1")" = "$2" ]
}
listen carl
is $? 0 "a stream of events"
is "$(told '[.status.hsm.color, .status.backend.color, .status.database.color,
	.status.hubs.color, .devices.enrolled, .certificates.not_used] |
	join(" ")')" "green green green grey 0 2" "begins with the dashboard"
dev_make d1
dev_make d2
fleet_json d1 d2 >"$web/mine.json"
upload "$web/mine.json" application/json
is "$code" 200 "two real devices" || tap_note "$body"
d1=$(dev_id d1)
(umask 077 && mkdir "$dev/agent")
as_self d1
enrol d1
is "$code" 200 "one enrols" || tap_note "$body"
# Without a name when others changed in the same moment.
ok "its change is told" within 5 grep -Eq \
	"^data: {\"type\":\"device\",\"key\":\"($d1)?\"}" "$web/carl.events"
ok "a new key" ctl hsm key create other --purpose firmware
ok "is told, too" within 5 grep -q '^data: {"type":"key",' "$web/carl.events"
ok "the dashboard counts it" within 5 tells .devices.enrolled 1
ok "its CA has issued" within 10 tells .certificates.valid 1
ok "it is in the last activity" within 10 tells \
	'[.activity[].message] | index("Device '"$d1"' enrolled successfully: batch b") != null' true
is "$(ctl --json batch show b | jq .enrolled)" 1 "the console agrees"
answers 200 "the dashboard by itself" GET '/dashboard?refresh=1'
has '[.devices.total > 10, .devices.enrolled, (.activity | length)] |
	join(" ")' "true 1 10" "says the same"
daemon_stop enrold
answers 200 "without quoin-enrold" GET '/dashboard?refresh=1'
has .status.backend.color red "the backend is red"
daemon_start enrold
daemon_ready enrold
# Its process stands still, while the kernel takes connections for it.
kill -STOP "${daemon_pid[enrold]}"
answers 200 "with one that hangs" GET '/dashboard?refresh=1'
has .status.backend.color red "the backend is red"
kill -CONT "${daemon_pid[enrold]}"
answers 200 "and again" GET '/dashboard?refresh=1'
has .status.backend.color green "it is green"
# Without it there are no new TLS connections: who is there is told.
daemon_stop signd
ok "without quoin-signd the HSM is red" within 15 tells .status.hsm.color red
is "$(told .certificates.valid)" 1 "its certificates are what they were"
daemon_start signd
daemon_ready signd
daemon_stop recordd
ok "without quoin-recordd the stream goes on" within 15 tells \
	.status.database.color red
is "$(told '.devices.enrolled')" 1 "with the numbers of before"
daemon_start recordd
daemon_ready recordd
ok "and tells its return" within 15 tells .status.database.color green

# --- devices -----------------------------------------------------------------

answers 200 "devices of a batch" GET '/batches/b/devices?state=enrolled'
has '[.items[] | .id + " " + .state] | join(",")' "$d1 enrolled" \
	"in one state"
has '.items[0] | (.certs | length == 1) and .not_after == .certs[0].not_after' \
	true "with its certificate"
answers 200 "by how their ids begin" GET "/batches/b/devices?prefix=${d1:0:9}"
has '[.items[].id] | join(" ")' "$d1" "one"
answers 200 "nor in another batch" GET "/batches/c/devices?prefix=${d1:0:9}"
has '.items | length' 0 "none"
all='' after=''
while :; do
	web GET "/batches/b/devices?limit=5$after"
	all+=$(jq -r '.items[].id' <<<"$body")$'\n'
	after=$(jq -r '.next // empty' <<<"$body")
	[ -n "$after" ] || break
	after="&after=$after"
done
web GET /batches/b
is "$(grep -c . <<<"$all")" "$(jq .counts.devices <<<"$body")" \
	"page by page all are seen"
is "$(grep . <<<"$all" | LC_ALL=C sort -u | wc -l)" \
	"$(grep -c . <<<"$all")" "each once"
answers 200 "in any batch" GET "/devices?prefix=${d1:0:7}"
has '[.items[].id] | join(" ")' "$d1" "one"
answers 400 "not by three digits" GET "/devices?prefix=${d1:0:3}"
answers 400 "nor by none" GET /devices
answers 404 "no such device" GET "/devices/$(some 1 77)"
answers 404 "nor one of that name" GET /devices/x
answers 200 "a device" GET "/devices/$d1"
old=$(etag)
answers 200 "revoked" POST "/devices/$d1/revoke" '{"reason":"=2+3, \"stolen\""}'
has '.state + ": " + .reason' 'revoked: =2+3, "stolen"' "for a reason"
logged "device revoke"
as_self d1
enrol d1
is "$code" 403 "it does not come in"
ok "the dashboard counts it" within 5 tells .devices.revoked 1
web GET '/batches/b/devices.csv'
is "$code" 200 "a table of them"
like "$(cat "$web/head")" '^Content-Disposition: attachment; filename="b.csv"' \
	"as a file"
is "$(wc -l <"$web/body")" $(($(grep -c . <<<"$all") + 1)) "with all"
is "$(python3 -c 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
print([r["reason"] for r in rows if r["device_id"] == sys.argv[2]][0])' \
	"$web/body" "$d1")" "'=2+3, \"stolen\"" \
	"that no spreadsheet takes for a formula"
web GET '/batches/b/devices.csv?state=revoked'
is "$(wc -l <"$web/body")" 2 "in one state"
web GET "/batches/b/devices.csv?prefix=${d1:0:12}"
is "$(sed -n '2,$s/,.*//p' "$web/body")" "$d1" "or whose ids begin so"
answers 200 "allowed again" POST "/devices/$d1/allow"
has .state not_enrolled "it may enrol"
enrol d1
is "$code" 200 "and does"
answers 200 "its history" GET "/devices/$d1/activity"
has '[.items[].what] | join(",")' \
	"device enrol,device allow,device revoke,device enrol" "newest first"
answers 400 "moved to nowhere" POST "/devices/$d1/move" '{"batch":"none"}'
has '.errors[0].pointer' /batch "which the form is told"
answers 201 "one more batch" POST /batches '{"name":"e","policy":"q"}'
answers 200 "moved" POST "/devices/$d1/move" '{"batch":"e"}'
has '.batch + " " + .state' "e enrolled" "as it is"
web GET /batches/e
has '.counts | "\(.devices) \(.enrolled)"' "1 1" "and counted there"
answers 412 "who saw the old one does not delete it" DELETE "/devices/$d1" \
	'' -H "If-Match: $old"
dev_make d3
answers 200 "added by hand" POST /batches/e/devices "$(fleet_json d3)"
has .added 1 "one device"
as_self d3
enrol d3
is "$code" 202 "its policy wants somebody to approve" || tap_note "$body"
answers 200 "who waits" GET '/batches/e/devices?waiting=true'
has '[.items[].id] | join(" ")' "$(dev_id d3)" "is shown"
answers 409 "another one does not wait" POST "/devices/$d1/approve"
answers 200 "approved" POST "/devices/$(dev_id d3)/approve"
enrol d3
is "$code" 200 "it comes in" || tap_note "$body"
answers 202 "deleted" DELETE "/devices/$d1"
gone() {
	web GET "$1"
	[ "$code" = 404 ]
}
ok "then it is gone" within 20 gone "/devices/$d1"
answers 202 "a batch deleted" DELETE /batches/e
ok "then it is gone" within 20 gone /batches/e
ok "its devices, too" gone "/devices/$(dev_id d3)"
answers 409 "a policy that is used stays" DELETE /policies/p
answers 200 "it says by how many" GET /policies/p
has .used_by 1 "one batch"
web GET /policies
has '[.items[].used_by] | join(" ")' "1 1" "each of them"

# --- API tokens --------------------------------------------------------------

web_as carl
until=$(date -u +%FT%TZ -d '+2 days')
for scope in read devices; do
	web POST /api-tokens "$(jq -nc --arg s $scope --arg u "$until" \
		'{name: $s, scopes: [$s], until: $u}')"
	declare "key_$scope=$(jq -r .token <<<"$body")"
done
# shellcheck disable=SC2154 # declared by name
web_token "$key_read"
answers 200 "a script that reads" GET /batches/b
answers 403 "loads nothing" POST /batches/b/devices '{"devices":[]}'
answers 403 "nor listens" GET /events
# shellcheck disable=SC2154
web_token "$key_devices"
answers 200 "one for devices loads some" POST /batches/b/devices \
	"$(some 1 65536 | jq -Rc '{devices: [.]}')"
answers 403 "and makes no policy" POST /policies "$policy"
web_as ''
for path in /batches /dashboard /logs /logs.csv /events /journal \
	/batches/b/devices.csv; do
	answers 401 "nobody sees $path" GET $path
done

# --- logs --------------------------------------------------------------------

web_as carl
answers 200 "the log" GET '/logs?limit=1000'
all=$(jq -r '.items[].id' <<<"$body")
is "$all" "$(LC_ALL=C sort -r <<<"$all")" "newest first"
n=$(grep -c . <<<"$all")
paged='' after=''
while :; do
	web GET "/logs?limit=7$after"
	paged+=$(jq -r '.items[].id' <<<"$body")$'\n'
	after=$(jq -r '.next // empty' <<<"$body")
	[ -n "$after" ] || break
	after="&after=$after"
done
is "$(grep . <<<"$paged" | head -n "$n" | tail -n 20)" \
	"$(tail -n 20 <<<"$all")" "the same page by page"
answers 200 "what one has done" GET '/logs?user=ann&limit=1000'
has '[.items[].who] | unique | join(" ")' ann "and nobody else"
answers 200 "what was done to batches" GET '/logs?kind=batch&limit=1000'
has '[.items[].what | split(" ")[0]] | unique | join(" ")' batch "only"
answers 200 "with a word in it" GET '/logs?text=STOLEN'
has '[.items[].what] | join(" ")' "device revoke" "the one"
answers 200 "before all" GET '/logs?to=2020-01-01T00:00:00Z'
has '.items | length' 0 "nothing"
answers 200 "since a minute that is to come" \
	GET "/logs?from=$(date -u +%FT%TZ -d '+1 minute')"
has '.items | length' 0 "nothing"
at=$(web GET '/logs?kind=policy%20create' && jq -r '.items[0].at' <<<"$body")
answers 200 "in one second" GET "/logs?from=$at&to=$at&kind=policy"
has '[.items[].at] | unique | join(" ")' "$at" "and no other"
answers 400 "a time that is none" GET '/logs?from=yesterday'
web GET '/logs.csv?kind=batch'
is "$(python3 -c 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
print(len(rows), {r["what"].split()[0] for r in rows})' "$web/body")" \
	"$(web GET '/logs?kind=batch&limit=1000' &&
	jq -r '"\(.items | length)"' <<<"$body") {'batch'}" "as a table"
answers 200 "as a list" GET '/logs.json?user=ann'
has '[.items[].who] | unique | join(" ")' ann "with the same filters"
answers 200 "kinds" GET /logs/kinds
kinds=$(jq -r '.items[]' <<<"$body")
web GET '/logs?limit=1000'
is "$(comm -13 <(sort <<<"$kinds") \
	<(jq -r '.items[].what' <<<"$body" | sort -u))" "" \
	"what there is, is among them"
answers 200 "the journal" GET /journal
has '[.state, (.head | length), .records > 3] | join(" ")' "ok 64 true" \
	"as it stands"

# --- the end of a session ----------------------------------------------------

answers 204 "logged out" POST /logout
ok "the stream is told" within 10 grep -q '^event: end' "$web/carl.events"
ok "and ends" within 10 daemon_gone $listener
tap_done
