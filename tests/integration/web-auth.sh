#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 480
# sanitize
# People at the web administration: the first link, logging in with a second
# factor, mail by a real server, invitations, sign-up, limits, sessions, API
# tokens; and that no secret of theirs is in store, logs or answers.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck disable=SC2016 # the dollars are those of jq
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/web.sh
. "$(dirname "$0")/web.sh"
python=/usr/bin/python3 # Debian's, which has aiosmtpd
"$python" -c 'import aiosmtpd' 2>/dev/null || skip_all "no aiosmtpd"
command -v oathtool >/dev/null || skip_all "no oathtool"
web=$scratch/web mails=$scratch/mails
mkdir "$web" "$mails"

# --- a mail server, whose CA is one of the system's for quoin-webd ----------

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$web/smtp.key" -out "$web/smtp.pem" -days 10 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
free_port
smtp_port=$REPLY
free_port
smtps_port=$REPLY
smtp_password='smtp secret 4711'
smtp_start() {
	"$python" "$top_srcdir/tests/integration/smtp.py" "$smtp_port" \
		"$smtps_port" "$mails" "$web/smtp.pem" "$web/smtp.key" \
		quoin "$smtp_password" >>"$web/smtp.log" 2>&1 &
	daemon_pid[smtp]=$!
	within 20 port_open "$smtp_port" || bail "$(cat "$web/smtp.log")"
}
smtp_start

eval "lib_$(declare -f run_as)"
run_as() {
	[ "$1" = webd ] || lib_run_as "$@"
	shift
	set -- setpriv --reuid "${daemon_uid[webd]}" \
		--regid "${daemon_uid[webd]}" --clear-groups --no-new-privs \
		--inh-caps=-all --bounding-set=-all -- "$@"
	unshare -m true 2>/dev/null && set -- unshare -m sh -c 'mount --bind \
		"$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"' \
		"$web/smtp.pem" "$@"
	exec "$@"
}

# The mail number N, as $mail; its link's token, as $token.
mail() {
	mail='' token=''
	within 20 test -f "$mails/$1.txt" || {
		tap_note "no mail $1"
		tap_note "$(tail -n 3 "$appliance/webd.log" "$web/smtp.log")"
		return 1
	}
	mail=$(cat "$mails/$1.txt")
	token=$(sed -n 's|.*/#/link/||p' <<<"$mail")
}

json() {
	jq -nc "$@"
}
secrets=()
# login BROWSER USER PASSWORD [CODE [curl-option...]]
login() {
	local in
	in=$(json --arg u "$2" --arg p "$3" --arg c "${4-}" \
		'{user: $u, password: $p} +
		if $c == "" then {} else {code: $c} end')
	: >"$web/$1.jar"
	web_as "$1"
	csrf=
	web POST /login "$in" "${@:5}"
	[ "$code" != 200 ] || jq -r .csrf <<<"$body" >"$web/$1.csrf"
	web_as "$1"
}
# logs_in CODE WHAT BROWSER USER PASSWORD [...]
logs_in() {
	local want=$1 what=$2
	shift 2
	login "$@"
	is "$code" "$want" "$what" || tap_note "$body"
}
cookie() {
	awk '$6 == "__Host-quoin" { print $7 }' "$web/$1.jar"
}
# work: a solved CAPTCHA, as JSON.
work() {
	web GET /captcha
	"$python" - "$body" <<'PY'
import hashlib, json, sys
c = json.loads(sys.argv[1])
n = 0
while int.from_bytes(hashlib.sha256(f"{c['challenge']}.{n}".encode())
                     .digest()[:4], "big") >> (32 - c["difficulty"]):
    n += 1
print(json.dumps({"challenge": c["challenge"], "nonce": str(n)}))
PY
}
# finish TOKEN USER PASSWORD: of a link, by nobody in particular.
finish() {
	web_as ''
	web POST /link/finish "$(json --arg t "$1" --arg u "$2" --arg p "$3" \
		'{token: $t, user: $u, password: $p}')"
}
good='correct horse battery 9' # as web.sh has it
secrets+=("$good")

appliance_start "$scratch/a" signd recordd enrold webd

# --- the first administrator -------------------------------------------------

ctl hsm root --pem >"$web/root.pem"
web_as ''
answers 200 "what everybody may know" GET /site
has .first_start true "there is no user yet"
token=$(ctl user link --first)
token=${token##*/}
secrets+=("$token")
answers 200 "the link of the console" POST /link "{\"token\":\"$token\"}"
has .kind first "makes the first administrator"
finish "$token" ann short
is "$code" 400 "not with a short password"
has '.errors[0].pointer' /password "which the form is told"
finish "$token" 'an/n' "$good"
is "$code" 400 "not with a name that is none"
ok "the first administrator" web_link ann "$token"
finish "$token" eve "$good"
is "$code" 404 "the link is good once"
web_as ann
answers 200 "who is logged in" GET /session
has .user.role administrator "an administrator"
has .wants_second_factor true "who has no second factor yet"
web_as ''
web GET /site
has .first_start false "there is a user"
answers 401 "nobody sees the users" GET /users
web_as ann
csrf=
answers 403 "no CSRF token, no change" PATCH /profile '{"first_name":"Ann"}'
csrf=$(tr A-Za-z B-ZAb-za <"$web/ann.csrf")
answers 403 "a wrong one" PATCH /profile '{"first_name":"Ann"}'
web_as ann
answers 403 "another site" PATCH /profile '{"first_name":"Ann"}' \
	-H 'Sec-Fetch-Site: cross-site'
answers 403 "another origin" PATCH /profile '{"first_name":"Ann"}' \
	-H 'Origin: https://evil.example'
answers 403 "no log-in for another site" POST /login \
	'{"user":"ann","password":"x"}' -H 'Sec-Fetch-Site: cross-site'
answers 200 "one's own origin" PATCH /profile "$(json --arg p "$good" \
	'{first_name: "Ann", email: "ann@x.example", password: $p}')" \
	-H "Origin: https://localhost:$(conf admin.port)"
has .first_name Ann "it is changed"

# Sessions that end by themselves are looked at when all else is done.
answers 200 "sessions end after a minute" PATCH /settings '{"idle_minutes":1}'
idle_since=$SECONDS
logs_in 200 "who will do nothing" idle ann "$good"
[ $(($(date -d "$(jq -r .until <<<"$body")" +%s) - $(date +%s))) -le 60 ]
tap_result $? "is told when it ends"
web_as ann
answers 200 "others have longer" PATCH /settings '{"idle_minutes":30}'

# --- the second factor -------------------------------------------------------

answers 400 "not without the password" POST /profile/totp '{"password":"x"}'
answers 200 "begin" POST /profile/totp "{\"password\":\"$good\"}"
seed=$(jq -r .secret <<<"$body")
secrets+=("$seed")
has .uri "otpauth://totp/Quoin:ann?secret=$seed&issuer=Quoin" "for the app"
has '(.qr | length) == (.qr[0] | length) and (.qr[0] | startswith("1111111"))' \
	true "and as a QR code"
answers 400 "a wrong code" POST /profile/totp/confirm '{"code":"000000"}'
totp() {
	oathtool --totp -b "$seed" --now "now ${1-}"
}
used=$(totp)
answers 200 "the code that oathtool makes" POST /profile/totp/confirm \
	"{\"code\":\"$used\"}"
has '.recovery | unique | length' 10 "ten recovery codes"
mapfile -t recovery < <(jq -r '.recovery[]' <<<"$body")
secrets+=("${recovery[@]}")
logs_in 401 "the password alone" b1 ann "$good"
has .type urn:quoin:second-factor "a code is wanted"
is "$(cookie b1)" '' "and no session is begun"
logs_in 401 "the code that was used" b1 ann "$good" "$used"
next=$(totp '+30 seconds')
logs_in 200 "the next one" b1 ann "$good" "$next"
has .user.totp_on true "with a second factor"
logs_in 401 "replayed" b2 ann "$good" "$next"
logs_in 200 "a recovery code" b2 ann@x.example "$good" "${recovery[0]}"
logs_in 401 "is good once" b3 ann "$good" "${recovery[0]}"
in=$(json --arg p "$good" --arg c "${recovery[1]}" \
	'{user: "ann", password: $p, code: $c}')
for i in 1 2 3 4; do
	curl -sS -o /dev/null -w '%{http_code}\n' --cacert "$web/root.pem" \
		-H 'Content-Type: application/json' -d "$in" \
		"https://localhost:$(conf admin.port)/api/v1/login" &
done >"$web/four"
for i in $(jobs -rp); do
	case " ${daemon_pid[*]} " in *" $i "*) ;; *) wait "$i" ;; esac
done
is "$(sort "$web/four" | tr '\n' ' ')" "200 401 401 401 " \
	"of four with one code at the same time one gets in"

# --- sessions ----------------------------------------------------------------

web_as b1
answers 200 "one's sessions" GET /profile/sessions
has '[.items[] | select(.current)] | length' 1 "this is one of them"
old=$(cookie b1)
login b1 ann "$good" "${recovery[2]}"
[ "$old" != "$(cookie b1)" ]
tap_result $? "a log-in makes a new cookie"
secrets+=("$old" "$(cookie b1)")
web_as ''
in=$(json --arg p "$good" --arg c "${recovery[3]}" \
	'{user: "ann", password: $p, code: $c}')
fixed=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
answers 200 "with a cookie that somebody planted" POST /login "$in" \
	-H "Cookie: __Host-quoin=$fixed"
unlike "$(cat "$web/head")" "$fixed" "another one is given"
like "$(cat "$web/head")" \
	'__Host-quoin=.*; Path=/; Secure; HttpOnly; SameSite=Strict' \
	"for this host alone, and not for scripts"
answers 401 "the planted one is no good" GET /session '' \
	-H "Cookie: __Host-quoin=$fixed"
web_as b1
web GET /profile/sessions
id=$(jq -r '[.items[] | select(.current | not)][0].id' <<<"$body")
answers 204 "one is ended" DELETE "/profile/sessions/$id"
answers 404 "once" DELETE "/profile/sessions/$id"
answers 204 "all others are ended" DELETE /profile/sessions
web GET /profile/sessions
has '.items | length' 1 "but this one"
web_as ann
answers 401 "the first browser is out" GET /session
web_as b1
answers 204 "logging out" POST /logout
web_as ''
answers 401 "ends it for whoever kept the cookie" GET /session '' \
	-H "Cookie: __Host-quoin=$old"
login ann ann "$good" "${recovery[4]}"
is "$code" 200 "in again"

# --- mail --------------------------------------------------------------------

web POST /settings/mail-test '{"to":"x@x.example"}'
has .ok false "no mail server is set"
web_as ''
answers 404 "nobody can sign up" POST /signup \
	"$(json --argjson c "$(work)" '{email: "sue@x.example", captcha: $c}')"
web_as ann
for bad in 'http://localhost' 'smtp://' 'smtp://user:word@localhost' \
	'smtp://localhost/x'; do
	answers 400 "no mail server: $bad" PATCH /settings \
		"{\"smtp_url\":\"$bad\"}"
done
answers 400 "no sender" PATCH /settings '{"smtp_from":"a@b> c"}'
answers 400 "no line end in settings" PATCH /settings \
	'{"title":"A\r\nBcc: x@x.example"}'
answers 200 "a mail server" PATCH /settings "$(json --arg p "$smtp_password" \
	--arg u "smtp://localhost:$smtp_port" '{smtp_url: $u,
	smtp_user: "quoin", smtp_password: $p,
	smtp_from: "quoin@x.example", title: "Werk Süd"}')"
secrets+=("$smtp_password")
has .values.smtp_password_set true "its password is set"
has '.values | has("smtp_password")' false "and not told"
if unshare -m true 2>/dev/null; then
	web POST /settings/mail-test '{"to":"ann@x.example"}'
	has .ok true "it takes a mail"
	mail 1
	like "$mail" '^by: quoin$' "by its user"
	like "$mail" '^starttls: True$' "by STARTTLS"
	like "$mail" '^to: ann@x.example$' "to whom it is for"
	like "$mail" '^subject: Test$' "with a subject"
	answers 200 "another server" PATCH /settings \
		"{\"smtp_url\":\"smtps://localhost:$smtps_port\"}"
	has .values.smtp_password_set false "for which the password is not"
	web POST /settings/mail-test '{"to":"ann@x.example"}'
	has .ok false "without it nothing goes"
	answers 200 "it is given again" PATCH /settings \
		"{\"smtp_password\":\"$smtp_password\"}"
	web POST /settings/mail-test '{"to":"ann@x.example"}'
	has .ok true "with TLS from the beginning"
	mail 2
	like "$mail" '^starttls: False$' "no STARTTLS"
	answers 200 "back to the first" PATCH /settings \
		"{\"smtp_url\":\"smtp://localhost:$smtp_port\",
		\"smtp_password\":\"$smtp_password\"}"
	daemon_stop smtp
	openssl req -x509 -key "$web/smtp.key" -out "$web/other.pem" -days 10 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost \
		2>/dev/null
	cp "$web/smtp.pem" "$web/right.pem"
	# The bundle is bound by its inode: another file, not other content.
	mv "$web/other.pem" "$web/smtp.pem"
	smtp_start
	web POST /settings/mail-test '{"to":"ann@x.example"}'
	has .ok false "not to a server that nobody knows"
	daemon_stop smtp
	mv "$web/right.pem" "$web/smtp.pem"
	rm -f "$mails"/*
	smtp_start
else
	answers 200 "no TLS here" PATCH /settings '{"smtp_plain":true}'
fi
web GET /settings
etag=$(jq -r .etag <<<"$body")
answers 412 "who saw other settings" PATCH /settings '{"title":"B"}' \
	-H 'If-Match: "1"'
answers 200 "who saw these" PATCH /settings '{"title":"Werk Süd"}' \
	-H "If-Match: \"$etag\""

# --- invitations -------------------------------------------------------------

answers 201 "an invitation" POST /users/invite \
	'{"email":"bob@x.example","role":"contributor"}'
has .mailed true "by mail"
mail 1
like "$mail" '^to: bob@x.example$' "to bob"
like "$mail" '^subject: You are invited to Werk Süd$' "with a subject"
like "$mail" "https://localhost:$(conf admin.port)/#/link/" "and a link"
is "$token" "$(jq -r .link <<<"$body" | sed 's|.*/||')" "the same"
secrets+=("$token")
invited=$token
web_as ''
web POST /link "{\"token\":\"$token\"}"
has '.kind + " " + .email + " " + .role' 'invite bob@x.example contributor' \
	"what the link is for"
finish "$token" ann "$good"
is "$code" 400 "the name is taken"
has '.errors[0].pointer' /user "which the form is told"
ok "bob comes in" web_link bob "$invited"
web_as bob
answers 403 "and sees no users" GET /users
answers 403 "nor settings" GET /settings
answers 200 "but himself" GET /profile
has .email bob@x.example "with the address of the invitation"
web_as ann
answers 400 "no two users have one address" PATCH /profile \
	"{\"email\":\"BOB@x.example\",\"password\":\"$good\"}"
has '.errors[0].pointer' /email "which the form is told"
answers 201 "one more administrator" POST /users "$(json --arg p "$good" \
	'{name: "dora", role: "administrator", password: $p}')"
login dora dora "$good"
web POST /users/invite '{"role":"administrator"}'
has .mailed false "a link to be copied"
token=$(jq -r .link <<<"$body" | sed 's|.*/||')
web GET '/logs?limit=1'
has '.items[0].message' "Invitation for an administrator made by dora" \
	"which is in the log"
web POST /users/dora/reset
other=$(jq -r .link <<<"$body" | sed 's|.*/||')
web_as ann
answers 200 "dora is no administrator any more" PATCH /users/dora \
	'{"role":"contributor","first_name":"Dora"}'
web GET '/logs?limit=1'
has '.items[0].message' \
	"User dora changed: first_name, role contributor by ann" \
	"the log has what has changed"
finish "$token" eve "$good"
is "$code" 404 "and her invitation no good"
finish "$other" '' "$good"
is "$code" 404 "nor are links by which she let in somebody who was there"

# --- sign-up -----------------------------------------------------------------

signup() { # EMAIL [CAPTCHA]
	web_as ''
	web POST /signup "$(json --arg e "$1" --argjson c "${2:-$(work)}" \
		'{email: $e, captcha: $c}')"
}
signup sue@x.example
is "$code" 404 "sign-up is off"
web_as ann
answers 200 "sign-up, for two domains" PATCH /settings \
	'{"signup":true,"signup_domains":"y.example x.example"}'
web_as ''
web GET /site
has '.signup, .signup_domains[1] | tostring' $'true\nx.example' \
	"everybody may know"
signup sue@evil.example
is "$code" 400 "not with an address of others"
signup sue@x.example.evil.example
is "$code" 400 "nor one that begins like ours"
signup sue@x.example '{"challenge":"00","nonce":"1"}'
is "$code" 400 "not without work"
captcha=$(work)
signup sue@x.example "$(jq -c '.nonce = "1"' <<<"$captcha")"
is "$code" 400 "not with a wrong answer"
signup sue@x.example "$captcha"
is "$code" 202 "with work done"
signup sue@x.example "$captcha"
is "$code" 400 "which is good once"
mail 2
like "$mail" '^to: sue@x.example$' "a mail"
secrets+=("$token")
sue=$token
signup bob@x.example
is "$code $body" "202 " "who is a user already gets the same answer"
mail 3
like "$mail" 'You are a user already' "and another mail"
unlike "$mail" '/#/link/' "without a link"
web_as ann
answers 200 "sign-up is off again" PATCH /settings '{"signup":false}'
finish "$sue" sue "$good"
is "$code" 404 "and links of before no good"
web_as ann
answers 200 "and on" PATCH /settings '{"signup":true}'
finish "$sue" sue "$good"
is "$code" 201 "sue is in" || tap_note "$body"
has '.user.email + " " + .user.role' 'sue@x.example contributor' \
	"as a contributor with that address"

# --- reset -------------------------------------------------------------------

forgot() {
	web_as ''
	web POST /login/forgot "$(json --arg e "$1" --argjson c "$(work)" \
		'{email: $e, captcha: $c}')"
}
forgot nobody@x.example
is "$code $body" "202 " "an address that nobody has"
forgot Bob@x.example
is "$code $body" "202 " "the same answer for one that somebody has"
mail 4
like "$mail" '^to: bob@x.example$' "only bob gets a mail"
reset=$token
secrets+=("$reset")
better='a much better secret 7'
secrets+=("$better")
finish "$reset" '' "$better"
is "$code" 201 "a new password" || tap_note "$body"
finish "$reset" '' "$good"
is "$code" 404 "the link is good once"
web_as bob
answers 401 "bob's other sessions have ended" GET /session
logs_in 401 "the old password" bob bob "$good"
logs_in 200 "the new one" bob bob "$better"
mail 5
like "$mail" 'the password of user bob has been changed' "bob is told"
forgot ann@x.example
mail 6
finish "$token" '' "$better"
is "$code" 204 "a second factor stays: log in"
login ann ann "$better" "${recovery[5]}"
is "$code" 200 "with it"
answers 200 "a link by an administrator" POST /users/sue/reset
mail 8
is "$token" "$(jq -r .link <<<"$body" | sed 's|.*/||')" "mailed, too"
answers 204 "sue's sessions end" DELETE /users/sue/sessions
answers 200 "her address changes" PATCH /users/sue '{"email":"s@x.example"}'
finish "$token" '' "$better"
is "$code" 404 "a link that went to the old address is no good"
answers_console() {
	token=$(ctl user reset sue)
	token=${token##*/}
	[ ${#token} = 43 ]
}
ok "quoinctl user reset" answers_console
token=$(ctl user reset sue)
token=${token##*/}
secrets+=("$token")
finish "$token" '' "$better"
is "$code" 201 "helps when all else is lost"
mail 9
like "$mail" '^to: s@x.example$' "as the user is told"

# --- mail that has to wait ---------------------------------------------------

daemon_stop smtp
forgot sue@x.example # nobody's now
forgot s@x.example
is "$code" 202 "the mail server is away"
seen_error() {
	grep -q 'mail server' "$appliance/webd.log"
}
ok "it is tried" within 20 seen_error
rm -f "$mails"/*
smtp_start
within 40 test -f "$mails/1.txt"
tap_result $? "and again, until it is there"
mail 1
secrets+=("$token")
like "$mail" '^to: s@x.example$' "nothing is lost"

# --- limits ------------------------------------------------------------------

# Of an unknown user, of one with a wrong password, of one who is disabled.
web_as ann
answers 201 "one who" POST /users "$(json --arg p "$good" \
	'{name: "off", role: "contributor", password: $p}')"
login off off "$good"
web_as ann
answers 200 "is disabled" PATCH /users/off '{"disabled":true}'
web_as off
answers 401 "is out at once" GET /session
: >"$web/told"
for who in nobody off bob; do
	at=127.0.1.$((${#who}))
	for _ in 1 2 3 4 5 6; do
		login x $who "wrong $good" '' -4 --interface "$at"
		echo "$who $code $(jq -cS 'del(.detail)' <<<"$body")" \
			>>"$web/told"
	done
done
is "$(sed 's/^[a-z]* //' "$web/told" | sort | uniq -c | awk '{print $1, $2}')" \
	$'15 401\n3 429' "all three are told the same"
like "$(tr -d '\r' <"$web/head")" '^[Rr]etry-[Aa]fter: [1-9]' "and when"
# Until the wait is longer than what follows takes.
waits() {
	login x bob "wrong $good" '' -4 --interface 127.0.1.3
	[ "$(tr -d '\r' <"$web/head" | sed -n 's/^retry-after: //Ip')" -ge 4 ]
}
ok "waits grow" within 30 waits
login x BOB "wrong $good" '' -4 --interface 127.0.1.9
is "$code" 429 "the case does not matter, nor the address"
login x bob "$better" '' -4 --interface 127.0.1.9
is "$code" 429 "not even the password, from where nobody knows bob"
logs_in 200 "but not where he has logged in before" bob bob "$better"
for i in 1 2 3 4 5 6 7 8 9 10 11; do
	login x "spray$i" "$good" '' -4 --interface 127.0.2.1
done
is "$code" 429 "an address that tries many names waits"
login x spray99 "$good" '' -4 --interface 127.0.2.2
is "$code" 401 "others do not"
forgot x@x.example
for i in 1 2 3 4 5 6 7 8 9; do forgot "x$i@x.example"; done
is "$code" 429 "nor has one address many mails sent"
web_as ann
web GET '/logs?kind=user%20login%20failed&limit=100'
has '[.items[].who] | unique | join(" ")' '(unknown) ann bob off' \
	"failures are in the log, without what may be a password"

# --- API tokens --------------------------------------------------------------

stamp() { date -u +%FT%TZ -d "$1"; }
web_as bob
answers 400 "an API token that has ended" POST /api-tokens \
	"$(json --arg u "$(stamp -1day)" '{name: "t", scopes: ["read"],
	until: $u}')"
answers 201 "an API token" POST /api-tokens \
	"$(json --arg u "$(stamp '4 seconds')" '{name: "soon",
	scopes: ["read"], until: $u}')"
soon=$(jq -r .token <<<"$body")
answers 201 "another one" POST /api-tokens \
	"$(json --arg u "$(stamp +1day)" '{name: "build",
	scopes: ["read", "devices"], until: $u}')"
build=$(jq -r .token <<<"$body") build_id=$(jq -r .id <<<"$body")
secrets+=("$soon" "$build" "${build##*_}")
web_token "$build"
answers 200 "reads" GET /batches
answers 400 "changes what its scopes say, without CSRF" POST /batches '{}'
answers 403 "nothing else" POST /policies '{}'
answers 403 "no profile" GET /profile
answers 403 "no more than its user" GET /users
web_token "${build}0"
answers 401 "a wrong one" GET /batches
web_token "$soon"
ended() { web GET /batches && [ "$code" = 401 ]; }
ok "one ends" within 20 ended
web_as ann
web GET /api-tokens
has '.items | map(.name) | sort | join(" ")' 'build soon' \
	"administrators see all"
has '.items[] | select(.name == "build") | .used_at | length' 20 \
	"and when one was used"
has '[.items[] | has("token")] | any' false "never again its secret"
web_as dora
login dora dora "$good"
answers 404 "somebody else's cannot be deleted" DELETE "/api-tokens/$build_id"
web_as bob
answers 204 "one's own can" DELETE "/api-tokens/$build_id"
web_token "$build"
answers 401 "and is no good then" GET /batches

# --- the last administrator --------------------------------------------------

web_as ann
answers 409 "is not deleted" DELETE /users/ann
answers 409 "nor disabled" PATCH /users/ann '{"disabled":true}'
answers 409 "nor a contributor" PATCH /users/ann '{"role":"contributor"}'
answers 200 "not even the API tokens are gone" GET /api-tokens
answers 204 "others are deleted" DELETE /users/off
answers 404 "once" DELETE /users/off
answers 400 "the second factor is not turned on for others" PATCH \
	/users/bob '{"totp_on":true}'
answers 200 "ann is" GET /users/ann
has '[has("password", "totp", "recovery")] | any' false "without secrets"
answers 204 "the second factor off" POST /profile/totp/off \
	"{\"password\":\"$better\"}"
mail 2
like "$mail" 'the second factor of user ann' "ann is told"
logs_in 200 "the password alone will do" ann ann "$better"
answers 400 "another password, not with a wrong one" POST \
	/profile/password "{\"old\":\"x\",\"new\":\"$good\"}"
answers 204 "another password" POST /profile/password \
	"{\"old\":\"$better\",\"new\":\"$good\"}"
answers 200 "this session stays" GET /session
answers 400 "another address, not without the password" PATCH /profile \
	'{"email":"a@x.example"}'
has '.errors[0].pointer' /password "which the form is told"
answers 400 "nor with a wrong one" PATCH /profile \
	'{"email":"a@x.example","password":"x"}'
answers 200 "another address" PATCH /profile \
	"{\"email\":\"a@x.example\",\"password\":\"$good\"}"
mail 4
like "$mail" '^to: ann@x.example$' "the old one is told"

# --- devices are told what is set --------------------------------------------

# shellcheck source=tests/integration/device.sh
. "$(dirname "$0")/device.sh"
dev=$scratch/dev
mkdir "$dev"
cp "$web/root.pem" "$dev/root.pem"
dev_make d
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y >/dev/null
fleet_json d >"$dev/fleet.json"
ctl batch create b --policy p --devices "$dev/fleet.json" >/dev/null
as_self d
enrol d
as_cert d
poll() {
	native status '{}'
	[ "$(jq -r .poll_after <<<"$body")" -le 130 ]
}
native status '{}'
like "$(jq -r .poll_after <<<"$body")" '^3[2-9][0-9][0-9]$' \
	"a device polls as the configuration says"
web_as ann
answers 200 "every two minutes" PATCH /settings '{"poll_seconds":120}'
ok "it is told" within 20 poll

# --- what ends, and what is nowhere ------------------------------------------

web_as idle
ended() { [ $((SECONDS - idle_since)) -gt 60 ] && web GET /session &&
	[ "$code" = 401 ]; }
ok "a session that was idle has ended" within 90 ended
for text in "$good" "$better"; do
	echo "password $(printf %s "$text" | od -An -v -tx1 | tr -d ' \n')"
done >"$web/known"
ok "no password is in the memory of quoin-webd" \
	"$top_srcdir/tests/integration/memory.py" "$web/known" \
	"${daemon_pid[webd]}"

# A mail server that takes the connection, and never says a word.
free_port
"$python" -c 'import socket, sys, time
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as s:
    open(sys.argv[2] + ".ready", "w").close()
    held = s.accept()
    open(sys.argv[2], "w").close()
    time.sleep(600)' "$REPLY" "$web/held" &
daemon_pid[hanging]=$!
within 10 test -f "$web/held.ready" || bail "no server that hangs"
web_as ann
answers 200 "a mail server that hangs" PATCH /settings \
	"{\"smtp_url\":\"smtp://127.0.0.1:$REPLY\"}"
answers 201 "a mail" POST /users/invite \
	'{"email":"z@x.example","role":"contributor"}'
ok "it is being sent" within 20 test -f "$web/held"
kill -TERM "${daemon_pid[webd]}"
ok "quoin-webd ends all the same" within 5 daemon_gone "${daemon_pid[webd]}"
appliance_stop
daemon_stop mongo
# search FOLDER: where one of the secrets is, as it is or as base64; the seed
# also as bytes.
search() {
	printf '%s\n' "$seed" "${secrets[@]}" | "$python" -c '
import base64, os, sys
seed, *secrets = sys.stdin.read().split("\n")
forms = [(s, s.encode()) for s in secrets if s]
forms += [(s, base64.b64encode(f).rstrip(b"=")) for s, f in forms]
forms.append((seed, base64.b32decode(seed)))
assert len(forms) > 40, forms
for top, _, names in os.walk(sys.argv[1]):
    for path in (os.path.join(top, n) for n in names):
        if os.path.isfile(path):
            data = open(path, "rb").read()
            for secret, form in forms:
                if form in data:
                    print(f"{secret} is in {path}")
' "$1" 2>&1
}
mkdir "$scratch/plant"
printf 'x%sx' "$build" >"$scratch/plant/1"
base32 -d <<<"$seed" >"$scratch/plant/2"
is "$(search "$scratch/plant" | grep -c "plant/[12]$")" 3 \
	"finds what was planted"
is "$(search "$appliance")" '' "no secret is in store, logs or anywhere else"
tap_done
