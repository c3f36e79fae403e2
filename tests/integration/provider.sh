#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS with keys that are in the token, through the OpenSSL provider and the
# real signing daemon; and that a handshake fails, and soon, without it.
# sanitize
# shellcheck disable=SC2119,SC2120,SC2317 # ok calls functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

server=$(program provider-server || program tests/integration/provider-server) ||
	bail "provider-server is not built"

start_server() {
	free_port
	port=$REPLY
	install -m 0755 "$server" "$appliance/app/provider-server"
	run_as enrold "$appliance/app/provider-server" "$appliance/quoin.conf" \
		"$port" </dev/null >>"$appliance/server.log" 2>&1 &
	daemon_pid[server]=$!
	within 10 port_open "$port" ||
		bail "server: $(cat "$appliance/server.log")"
	ctl hsm root --pem >"$appliance/root.pem"
}

# connect OPTION...: one verified connection, which must say hello.
connect() {
	timeout 10 openssl s_client -connect "127.0.0.1:$port" -quiet \
		-CAfile "$appliance/root.pem" -verify_return_error \
		-verify_hostname localhost "$@" </dev/null 2>&1 |
		grep 'hello from the token'
}

# What was agreed on: openssl's line about the server's signature.
agreed() {
	timeout 10 openssl s_client -connect "127.0.0.1:$port" \
		-CAfile "$appliance/root.pem" "$@" </dev/null 2>&1 |
		sed -n 's/^Peer signature type: //p'
}

# fails_soon SECONDS
fails_soon() {
	local start=$SECONDS
	! connect && [ $((SECONDS - start)) -le "$1" ]
}

for kind in ec rsa; do
	appliance_start "$scratch/$kind" signd
	ok "$kind: make the PKI" ctl hsm init localhost,127.0.0.1 \
		"$([ $kind = ec ] && echo --json || echo --rsa)"
	start_server
	for version in 1_2 1_3; do
		ok "$kind, TLS $version" connect "-tls$version"
	done
	if [ $kind = ec ]; then
		is "$(agreed -tls1_3)" ECDSA "ECDSA it is"
	else
		is "$(agreed -tls1_3)" RSA-PSS "RSA-PSS it is"
		is "$(agreed -tls1_2 -sigalgs RSA+SHA256)" RSA \
			"PKCS #1 when the client has nothing else"
		ok "a client that likes SHA-512 better" connect -tls1_2 \
			-sigalgs RSA+SHA512:RSA-PSS+SHA512:RSA-PSS+SHA256
	fi

	kill -STOP "${daemon_pid[signd]}"
	ok "$kind: signd hangs: the handshake fails soon" fails_soon 4
	kill -CONT "${daemon_pid[signd]}"
	ok "$kind: it goes on: works again" within 10 connect

	daemon_stop signd KILL
	ok "$kind: signd is dead: the handshake fails at once" fails_soon 2
	daemon_start signd
	daemon_ready signd
	ok "$kind: signd is back: works again" within 10 connect

	mv "$appliance/token" "$appliance/away"
	ok "$kind: the token is away: the handshake fails soon" \
		within 10 fails_soon 4
	mv "$appliance/away" "$appliance/token"
	ok "$kind: the token is back: works again" within 20 connect
	daemon_stop server
	appliance_stop
done
tap_done
