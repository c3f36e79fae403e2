#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# sanitize
# Who may do what: every route of openapi.yaml as nobody, contributor,
# administrator and by every kind of API token; and that nobody gets at what is
# another's by its id.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/web.sh
. "$(dirname "$0")/web.sh"
python=/usr/bin/python3 # Debian's, which has yaml
"$python" -c 'import yaml' 2>/dev/null || skip_all "no python3-yaml"
web=$scratch/web callers=$scratch/callers
mkdir "$web"
appliance_start "$scratch/a" signd recordd enrold webd
ok "the first administrator" web_first ann
web_as ann
for n in carl cleo off gone; do
	ok "contributor $n" web_new $n contributor
done
for n in down emma; do
	ok "administrator $n" web_new $n administrator
done
scopes='read devices policies hsm sign users settings'

# token NAME USER UNTIL SCOPE...: an API token of that user, as $token; its
# id, as $id.
token() {
	local name=$1 until
	until=$(date -u +%FT%TZ -d "$3")
	web_as "$2"
	shift 3
	web POST /api-tokens "$(jq -nc --arg n "$name" --arg u "$until" \
		'{name: $n, scopes: $ARGS.positional, until: $u}' \
		--args "$@")"
	[ "$code" = 201 ] || bail "API token $name: $body"
	token=$(jq -r .token <<<"$body") id=$(jq -r .id <<<"$body")
}
# caller NAME ADMIN GOOD SCOPES MEMBER VALUE...: one more for roles.py.
caller() {
	jq -nc '$ARGS.positional | {name: .[0], admin: (.[1] == "true"),
		good: (.[2] == "true"), scopes: (.[3] | split(" "))} +
		([.[4:] | _nwise(2) | {(.[0]): .[1]}] | add)' \
		--args "$@" >>"$callers"
}
# person NAME ADMIN GOOD: with a browser's session, then without CSRF token.
person() {
	local cookie what=contributor
	[ "$2" = false ] || what=administrator
	cookie=$(awk '$6 == "__Host-quoin" { print $7 }' "$web/$1.jar")
	caller "$what $1 without CSRF token" "$2" "$3" '' cookie "$cookie" \
		csrf ''
	caller "$what $1" "$2" "$3" '' cookie "$cookie" csrf \
		"$(cat "$web/$1.csrf")"
}

caller nobody false false '' csrf ''
caller "a cookie of nobody" true false '' csrf x cookie \
	AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
for s in $scopes; do
	token "$s" carl +1day "$s"
	caller "API token of a contributor, $s" false true "$s" bearer "$token"
	token "$s" ann +1day "$s"
	caller "API token of an administrator, $s" true true "$s" bearer \
		"$token"
done
# shellcheck disable=SC2086 # words
token all emma +1day $scopes
all=$token
caller "API token of an administrator, all" true true "$scopes" bearer "$all"
caller "API token with a wrong secret" true false "$scopes" bearer \
	"${all%?}$([ "${all: -1}" = 0 ] && echo 1 || echo 0)"
caller "API token with another's secret" true false "$scopes" bearer \
	"${token%_*}_$(head -c 32 /dev/zero | sha256sum | cut -c1-64)"
# shellcheck disable=SC2086 # words
token ended ann '+2 seconds' $scopes
ended=$token
caller "API token that has ended" true false "$scopes" bearer "$ended"
# shellcheck disable=SC2086 # words
token revoked ann +1day $scopes
caller "API token that was revoked" true false "$scopes" bearer "$token"
answers 204 "revoked" DELETE "/api-tokens/$id"
for n in off gone down; do
	# shellcheck disable=SC2086 # words
	token $n $n +1day $scopes
	eval "$n=\$token"
done
web_as ann
answers 200 "one is disabled" PATCH /users/off '{"disabled":true}'
answers 204 "one is deleted" DELETE /users/gone
answers 200 "one is no administrator any more" PATCH /users/down \
	'{"role":"contributor"}'
# shellcheck disable=SC2154 # set by eval
{
	caller "API token of who is disabled" true false "$scopes" bearer "$off"
	caller "API token of who is deleted" true false "$scopes" bearer "$gone"
	caller "API token of who was an administrator" false true "$scopes" \
		bearer "$down"
}
person off false false
person gone false false

# --- what is another's -------------------------------------------------------

web_as carl
web GET /profile/sessions
session=$(jq -r '.items[0].id' <<<"$body")
token carls carl +1day read
carls=$id
token anns ann +1day read
for n in cleo ann; do
	web_as $n
	answers 404 "$n does not end a session of carl" DELETE \
		"/profile/sessions/$session"
	web GET /profile/sessions
	has "[.items[].id] | contains([\"$session\"])" false \
		"nor is it in the list"
done
web_as cleo
answers 404 "nor revokes his API token" DELETE "/api-tokens/$carls"
answers 404 "or an administrator's" DELETE "/api-tokens/$id"
answers 200 "the list" GET /api-tokens
has '.items | length' 0 "has none of others"
answers 403 "his sessions are not hers to see" GET /users/carl/sessions
answers 403 "nor to end" DELETE /users/carl/sessions
answers 403 "nor is his password hers to change" PATCH /users/carl \
	'{"password":"correct horse battery 8"}'
answers 400 "nor her own role" PATCH /profile '{"role":"administrator"}'
answers 400 "nor her name" PATCH /profile '{"name":"ann"}'
web_as carl
answers 200 "carl is still in" GET /session
has .user.role contributor "as what he is"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y >/dev/null
for m in firmware signing_key; do
	answers 403 "he sets no $m of a new batch" POST /batches \
		"{\"name\":\"b\",\"policy\":\"p\",\"$m\":\"x\"}"
done
answers 201 "without that, a batch" POST /batches '{"name":"b","policy":"p"}'
for m in firmware signing_key; do
	answers 403 "nor $m of one that is there" PATCH /batches/b \
		"{\"$m\":\"x\"}"
done

# --- every route as everybody -------------------------------------------------

person carl false true
person down false true
person ann true true
ends() {
	web_token "$ended"
	web GET /batches
	[ "$code" = 401 ]
}
ok "an API token ends" within 20 ends
jq -s . "$callers" >"$scratch/callers.json"
relay "$python" "$top_srcdir/tests/integration/roles.py" \
	"$top_srcdir/web/webd/openapi.yaml" "$(conf admin.port)" \
	"$web/root.pem" "$scratch/callers.json"
ok "quoin-webd is the same process" kill -0 "${daemon_pid[webd]}" ||
	tap_note "$(tail -n 20 "$appliance/webd.log")"
tap_done
