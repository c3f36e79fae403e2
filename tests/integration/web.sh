# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The web administration as a browser or a script asks it, by curl. To be
# sourced after lib.sh, with $web a folder for files. Users are known by name;
# each has a session of its own.

# web_first NAME: the first administrator, by the link of the console.
web_first() {
	local token
	ctl hsm root --pem >"$web/root.pem"
	token=$(ctl user link --first) || return 1
	token=${token##*/}
	web_link "$1" "$token"
}

# web_link NAME TOKEN: become that user by a link.
web_link() {
	: >"$web/$1.jar"
	web_as "$1"
	csrf=
	web POST /link/finish "$(jq -nc --arg t "$2" --arg u "$1" \
		'{token: $t, user: $u, password: "correct horse battery 9"}')"
	[ "$code" = 201 ] || {
		tap_note "link: $code $body"
		return 1
	}
	jq -r .csrf <<<"$body" >"$web/$1.csrf"
	web_as "$1"
}

# web_new NAME ROLE: the administrator that asks now invites one more.
web_new() {
	local by=$web_user
	web POST /users/invite "{\"role\":\"$2\"}"
	web_link "$1" "$(jq -r .link <<<"$body" | sed 's|.*/||')" || return 1
	web_as "$by"
}

# web_as NAME: who asks from now on; "": nobody.
web_user='' csrf='' bearer=''
web_as() {
	web_user=$1 bearer=
	csrf=$(cat "$web/$1.csrf" 2>/dev/null)
}

# web_token TEXT: an API token asks from now on.
web_token() {
	web_user='' csrf='' bearer=$1
}

# web METHOD PATH [BODY [curl-option...]]: $code, $body, and $web/head.
web() {
	local method=$1 path=$2 args=()
	[ $# -lt 3 ] || [ -z "$3" ] || {
		printf '%s' "$3" >"$web/in"
		args=(-H 'Content-Type: application/json'
			--data-binary "@$web/in")
	}
	[ "$method" != POST ] || [ ${#args[@]} -gt 0 ] ||
		args=(-H 'Content-Length: 0')
	shift $(($# < 3 ? $# : 3))
	[ -z "$web_user" ] ||
		args+=(-b "$web/$web_user.jar" -c "$web/jar.new")
	[ -z "$csrf" ] || args+=(-H "X-Quoin-CSRF: $csrf")
	[ -z "$bearer" ] || args+=(-H "Authorization: Bearer $bearer")
	code=$(curl -sS -m 30 --cacert "$web/root.pem" -X "$method" \
		-D "$web/head" -o "$web/body" -w '%{http_code}' \
		"${args[@]}" "$@" \
		"https://localhost:$(conf admin.port)/api/v1$path" \
		2>"$web/err") || code="curl $? $(cat "$web/err")"
	# At once: others read it, and curl begins by emptying it.
	[ -z "$web_user" ] || mv "$web/jar.new" "$web/$web_user.jar"
	body=$(cat "$web/body" 2>/dev/null)
}

# answers CODE WHAT METHOD PATH [BODY...]
answers() {
	local want=$1 what=$2
	shift 2
	web "$@"
	is "$code" "$want" "$what" || tap_note "$* -> $body"
}

# has FILTER WANT WHAT: of the last answer, by jq.
has() {
	is "$(jq -r "$1" <<<"$body" 2>&1)" "$2" "$3" || tap_note "$body"
}
