#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The web administration with many batches and devices: how long its answers
# take, and lists of DeviceIDs. Part of run.sh, which sources it.
#
# shellcheck disable=SC2154 # what run.sh has
# shellcheck disable=SC2016 # for jq

# shellcheck source=tests/integration/web.sh
. "$top_srcdir/tests/integration/web.sh"
# shellcheck source=tests/interop/lib-browser.sh
. "$top_srcdir/tests/interop/lib-browser.sh"

# As many batches as are wanted, with as many devices in all.
web_fill() {
	local i
	for ((i = 0; i < web_batches; i++)); do
		"$bench/bench-lists" ids $((web_devices / web_batches)) \
			>"$scratch/ids.json" || die "no list"
		ctl batch create "b$i" --policy bench --devices \
			"$scratch/ids.json" >/dev/null || die "batch create"
	done
}

# web_ask CONNECTIONS SECONDS: what standard input says.
web_ask() {
	python3 "$top_srcdir/tests/bench/webgen.py" "$(conf admin.port)" \
		"$web/root.pem" "$(awk '/__Host-quoin/ { print $7 }' \
		"$web/ann.jar")" "$csrf" "$1" "$2" >"$scratch/asked" ||
		die "webgen"
	while read -r line; do note web "$line"; done <"$scratch/asked"
}

# web_case WHAT PATH-BY-JQ [METHOD]: $ids has DeviceIDs, $i counts.
web_case() {
	jq -nc --arg what "$1" --arg method "${3-GET}" --slurpfile ids \
		"$web/ids" --argjson b "$web_batches" --argjson n \
		"${4-200}" "{\$what, \$method, paths: [range(\$n) as \$i |
		$2]}"
}

# web_upload FILE TYPE: a list into a batch of its own, as a page sends it.
web_upload() {
	local type=$2 seconds
	web POST /batches "{\"name\":\"$1\",\"policy\":\"bench\"}"
	[ "$code" = 201 ] || die "batch: $body"
	seconds=$(curl -sS -m 300 --cacert "$web/root.pem" -b "$web/ann.jar" \
		-H "X-Quoin-CSRF: $csrf" -H "Content-Type: $type" -T "$web/$1" \
		-X POST -o "$web/body" -w '%{time_total}' \
		"https://localhost:$(conf admin.port)/api/v1/batches/$1/devices")
	[ "$(jq .added "$web/body")" = "$web_devices" ] ||
		die "upload: $(head -c 300 "$web/body")"
	note upload "$(jq -nc --arg type "$type" --argjson seconds "$seconds" \
		--argjson devices "$web_devices" --argjson kib "$(awk \
		'/^VmHWM/ { print $2 }' "/proc/$(pid_of webd)/status")" \
		'{$type, $devices, $seconds, $kib}')"
}

web_cases() {
	web_case "dashboard" '"/dashboard"'
	web_case "batches, 100" '"/batches?limit=100"'
	web_case "batches, all" '"/batches?limit=1000"'
	web_case "a batch" '"/batches/b\($i % $b)"'
	web_case "devices of a batch, 100" \
		'"/batches/b\($i % $b)/devices?limit=100"'
	web_case "devices of a batch, 1000" \
		'"/batches/b\($i % $b)/devices?limit=1000"'
	web_case "devices of a batch, in a state that none has" \
		'"/batches/ids.csv/devices?state=expired"'
	web_case "who waits for approval" \
		'"/batches/b\($i % $b)/devices?waiting=true"'
	web_case "devices by how their IDs begin" \
		'"/devices?prefix=\($ids[$i % ($ids | length)][:5])"'
	web_case "a device" '"/devices/\($ids[$i % ($ids | length)])"'
	web_case "a device's history" \
		'"/devices/\($ids[$i % ($ids | length)])/activity"'
	web_case "policies" '"/policies"'
	web_case "log, 100" '"/logs?limit=100"'
	web_case "log, of a user" '"/logs?user=ann"'
	web_case "log, of a kind" '"/logs?kind=batch"'
	web_case "log, a text that is nowhere" '"/logs?text=nowhere"'
	web_case "signing keys" '"/keys"'
	web_case "issuing certificates" '"/hsm/certificates?kind=issuing"'
	web_case "users" '"/users"'
}

# What somebody who looks at the pages waits for.
web_browser() {
	local line
	if ! browser_tools >"$scratch/missing"; then
		absent "the administration in Chromium" \
			"$(cat "$scratch/missing")"
		return
	fi
	web POST /batches '{"name":"by-page","policy":"bench"}'
	[ "$code" = 201 ] || die "batch: $body"
	(cd "$tools" && HOME=$scratch QUOIN_SHOTS=$scratch/shots \
		QUOIN_URL=https://localhost:$(conf admin.port) \
		QUOIN_USER=ann QUOIN_PASSWORD='correct horse battery 9' \
		QUOIN_BATCH=by-page QUOIN_FILE=$web/page.json QUOIN_VIEWS=9 \
		timeout 300 node bench.mjs) >"$web/browser" ||
		die "bench.mjs: $(tail -n 1 "$web/browser")"
	while read -r line; do note browser "$line"; done <"$web/browser"
}

bench_web() {
	appliance_new web
	daemon_start webd
	daemon_ready webd
	web=$appliance/web
	mkdir "$web"
	web_first ann || die "no user: $body"
	web_as ann
	web_fill
	"$bench/bench-lists" ids "$web_devices" >"$web/ids.json"
	"$bench/bench-lists" ids "$web_devices" | awk -F'"' \
		'BEGIN { print "device_id" } length($2) == 64 { print $2 }' \
		>"$web/ids.csv"
	sed -n '2,20001s/.*/"&"/p' "$web/ids.csv" >"$web/ids"
	web_upload ids.json application/json
	web_upload ids.csv text/csv
	web_case "devices revoked" '"/devices/\($ids[$i])/revoke"' POST \
		"$web_changes" | web_ask 8 0
	web_cases | web_ask 1 "$web_seconds"
	"$bench/bench-lists" ids "$web_devices" >"$web/page.json"
	web_browser
	daemon_stop webd
	appliance_stop
}
