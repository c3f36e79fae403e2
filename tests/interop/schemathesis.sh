#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# schemathesis makes requests of all kinds from openapi.yaml, as nobody, as
# contributor and as administrator: every answer has a status, type and shape
# that openapi.yaml tells of, and none is a server's error.
# shellcheck disable=SC2317 # ok and within call functions by name
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
. "$here/../integration/web.sh"

tools=$top_builddir/interop-tools/schemathesis
mkdir -p "${tools%/*}"
"$tools/bin/schemathesis" --version >"$tools.log" 2>&1 || {
	python3 -m venv "$tools" &&
		"$tools/bin/pip" install -q schemathesis==4.32.5
} >"$tools.log" 2>&1 ||
	skip_all "schemathesis cannot be installed: $(tail -n 1 "$tools.log")"

web=$scratch/web
mkdir "$web"
appliance_start "$scratch/a" signd recordd enrold webd
ok "the first administrator" web_first ann
web_as ann
ok "a contributor" web_new carl contributor
# Something to be found.
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y >/dev/null
printf '{"devices":["%064d","%064d"]}' 1 2 >"$scratch/fleet.json"
ctl batch create b --policy p --devices "$scratch/fleet.json" >/dev/null
answers 201 "a key" POST /keys '{"name":"k","type":"ecdsa"}'
answers 201 "a token" POST /tokens "$(jq -nc --arg e \
	"$(date -u +%FT00:00:00Z -d +2days)" \
	'{name: "t", batch: "b", not_after: $e}')"

# token_of USER
token_of() {
	web_as "$1"
	web POST /api-tokens "$(jq -nc --arg u \
		"$(date -u +%FT%TZ -d +1day)" '{name: "x", until: $u, scopes:
		["read", "devices", "policies", "hsm", "sign", "users",
		"settings"]}')"
	jq -r .token <<<"$body"
}

# TRACE is answered with 501 (RFC 9110 9.1), as is every method that no route
# has; the list of those that are tried lacks it.
cat >"$scratch/schemathesis.toml" <<'TOML'
[phases.coverage]
unexpected-methods = ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]
TOML
# What has no end; what ends the session that asks, or its user.
endless=(--exclude-operation-id get_events)
deadly=(--exclude-operation-id post_logout)
last=()
for op in delete_profile_sessions{,_id} delete_users_name{,_sessions} \
	patch_users_name; do
	deadly+=(--exclude-operation-id "$op")
	last+=(--include-operation-id "$op")
done
own='^/api/v1/(profile|api-tokens|session)(/|$)'
checks=not_a_server_error,status_code_conformance,content_type_conformance
checks=$checks,response_schema_conformance

# reached: how many operations were done, not only refused.
reached() {
	jq -n '[inputs.ScenarioFinished?.recorder | values |
		select(any(.interactions[].response.status_code?;
		. != null and . >= 200 and . < 300)).label] | unique | length' \
		"$scratch/report"
}
# finds WHO [option...]: nothing.
finds() {
	local who=$1 status=0 log=$scratch/${1// /-}.log
	shift
	(cd "$scratch" && timeout -k 5 200 "$tools/bin/schemathesis" \
		--no-color run "$top_srcdir/web/webd/openapi.yaml" \
		--url "https://localhost:$(conf admin.port)" \
		--tls-verify "$web/root.pem" --phases coverage,fuzzing \
		--checks "$checks" -n 20 --continue-on-failure --no-shrink \
		--suppress-health-check all --request-timeout 20 \
		--generation-database none --seed 4711 --warnings off \
		--report ndjson --report-ndjson-path "$scratch/report" \
		"$@") >"$log" 2>&1 || status=$?
	is "$status" 0 "as $who it finds nothing" ||
		tap_note "$(grep -v '^ *$' "$log" | cut -c1-300 |
			tail -n 200)"
	tap_note "$(grep -E '^ +(Tested:|.* generated)' "$log")"
}
browser() { # USER [option...]
	local n=$1
	shift
	finds "$n in a browser" "$@" \
		-H "Cookie: __Host-quoin=$(awk '$6 == "__Host-quoin" {
			print $7 }' "$web/$n.jar")" \
		-H "X-Quoin-CSRF: $(cat "$web/$n.csrf")"
}
script() { # USER [option...]
	local n=$1
	shift
	finds "$n with an API token" "$@" \
		-H "Authorization: Bearer $(token_of "$n")"
}
finds nobody "${endless[@]}"
for n in carl ann; do
	script $n "${endless[@]}" "${deadly[@]}" --exclude-path-regex "$own"
	reached=$(reached)
	[ "$reached" -ge "$([ $n = ann ] && echo 40 || echo 20)" ]
	tap_result $? "and does $reached operations"
	browser $n "${deadly[@]}" --include-path-regex "$own"
	web_as $n
	answers 200 "$n is still in" GET /session
done
browser ann "${last[@]}"
ok "quoin-webd is the same process" kill -0 "${daemon_pid[webd]}"
unlike "$(cat "$appliance/webd.log")" 'ERROR|Sanitizer|runtime error' \
	"and its log knows of no error"
tap_done
