#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sslscan and openssl look at the administration port: nothing below Mozilla's
# intermediate profile (version 5.7). A server that takes all there is shows
# that they would see it.
# shellcheck disable=SC2317 # ok and within call functions by name
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/integration/lib.sh
. "$here/../integration/lib.sh"
# shellcheck source=tests/integration/web.sh
. "$here/../integration/web.sh"
command -v sslscan >/dev/null || skip_all "no sslscan"
web=$scratch/web
mkdir "$web"

suites='TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384
TLS_CHACHA20_POLY1305_SHA256
ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256
ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384
ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305
DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384
DHE-RSA-CHACHA20-POLY1305'

# attributes ELEMENT ATTRIBUTE: of all such elements of the last scan.
attributes() {
	sed -n "s/.*<$1 \\(.* \\)\\?$2=\"\\([^\"]*\\)\".*/\\2/p" "$web/scan.xml"
}
# scan PORT: what is below the profile, a line each, in $weak; the suites in
# $found.
scan() {
	local s
	rm -f "$web/scan.xml"
	sslscan --no-colour --show-sigs --sni-name=localhost \
		--xml="$web/scan.xml" "127.0.0.1:$1" >"$web/scan.txt" 2>&1
	weak=$(grep '<protocol .*enabled="1"' "$web/scan.xml" |
		grep -v 'type="tls" version="1\.[23]"'
	grep -E '<heartbleed .*vulnerable="1"' "$web/scan.xml"
	grep -E '<renegotiation .*supported="1".*secure="0"' "$web/scan.xml"
	grep -E '<compression .*supported="1"' "$web/scan.xml"
	attributes group name | grep -vE '^(x25519|secp(256|384)r1 )'
	attributes connection-signature-algorithm name |
		grep -vE '^(ecdsa_secp(256|384)r1|rsa_pss_rsae)_sha(256|384|512)'
	grep -E '<(self-signed|expired)>true' "$web/scan.xml"
	found=$(attributes cipher cipher)
	for s in $found; do
		grep -qwE -- "$s" <<<"$suites" || echo "$s"
	done)
	found=$(attributes cipher cipher | sort)
}
# hello PORT VERSION COMPRESSION SUITE...: the answer to such a ClientHello:
# "version suite compression", or "alert N".
hello() {
	python3 - "$@" <<'PY'
import socket
import struct
import sys
port, version, compression, *suites = sys.argv[1:]
suites = b"".join(bytes.fromhex(s) for s in suites)


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def extension(kind, data):
    return struct.pack(">HH", kind, len(data)) + data


extensions = b"".join([
    extension(0, vector(2, b"\0" + vector(2, b"localhost"))),
    extension(10, vector(2, bytes.fromhex("001700180019"))),
    extension(11, vector(1, b"\0")),
    extension(13, vector(2, bytes.fromhex("04030503040105010203020108040805"))),
    extension(0xff01, b"\0")])
body = bytes.fromhex(version) + bytes(32) + vector(1, b"") + \
    vector(2, suites) + vector(1, bytes.fromhex(compression)) + \
    vector(2, extensions)
with socket.create_connection(("127.0.0.1", int(port)), 10) as s:
    s.sendall(b"\x16\x03\x01" + vector(2, b"\1" + vector(3, body)))
    got = b""
    while len(got) < 5 or len(got) < 5 + int.from_bytes(got[3:5], "big"):
        piece = s.recv(4096)
        if not piece:
            break
        got += piece
if got[:1] == b"\x15":
    print("alert", got[6])
elif got[:1] == b"\x16":
    at = 5 + 4
    version = got[at:at + 2].hex()
    at += 34 + 1 + got[at + 34]
    print(version, got[at:at + 2].hex(), got[at + 2])
else:
    print("closed", got.hex())
PY
}

# What openssl's client says after a handshake; $2... are its options.
client() {
	local port=$1
	shift
	timeout 10 openssl s_client -connect "127.0.0.1:$port" \
		-servername localhost -CAfile "$web/root.pem" "$@" 2>&1
}

# renegotiate PORT: what the client says that tries it.
renegotiate() {
	said=$( (sleep 1; echo R; sleep 1) | client "$1" -tls1_2 \
		-legacy_server_connect)
}

judge() { # PORT: all that one certificate can show
	scan "$1"
	is "$weak" '' "nothing below the profile: $(tr '\n' ' ' <<<"$found")"
	is "$(grep -c . <<<"$found")" 6 "of each kind three suites"
	is "$(hello "$1" 0303 0100 c02bc02fc02cc030 | cut -d' ' -f1,3)" \
		"0303 0" "no compression for who offers it"
	like "$(hello "$1" 0303 01 c02bc02f)" '^alert (47|50)$' \
		"nor for who wants nothing else"
	like "$(hello "$1" 0302 00 c009c013c00ac014)" '^alert 70$' "no TLS 1.1"
	like "$(hello "$1" 0300 00 c02bc02f)" '^alert (40|70)$' "no SSL 3"
	# RC4, 3DES, NULL, export, RSA and DH key exchange, CBC, anonymous.
	like "$(hello "$1" 0303 00 00050004000ac008c01200010002003b0003 \
		009c009d002f0035003c003d 009e009f0033003900670016 \
		c009c00ac013c014c023c024c027c028 c018c0190034003a006c00a6 \
		c006c010)" '^alert 40$' "none of what is weak, when nothing else is"
	is "$(hello "$1" 0303 00 5600c02bc02f)" 'alert 86' \
		"who was made to fall back is told (RFC 7507)"
	renegotiate "$1"
	like "$said" 'no renegotiation' "no renegotiation"
	like "$(client "$1" </dev/null)" '^(Max )?Early data was not sent|Max Early Data: 0' \
		"no early data"
}

# --- one that takes everything -----------------------------------------------

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$web/weak.key" \
	-out "$web/weak.pem" -days 10 -subj /CN=localhost 2>/dev/null
free_port
weak_port=$REPLY
openssl s_server -accept "$weak_port" -key "$web/weak.key" \
	-cert "$web/weak.pem" -cipher 'ALL:NULL:@SECLEVEL=0' \
	-groups P-521:P-256 -client_renegotiation -www \
	</dev/null >"$web/weak.log" 2>&1 &
daemon_pid[weak]=$!
within 10 port_open "$weak_port"
scan "$weak_port"
like "$weak" 'version="1.0"' "a server with TLS 1.0 is seen"
like "$weak" 'self-signed' "whose certificate is its own"
like "$weak" '^AES128-SHA$' "and with weak suites"
like "$(hello "$weak_port" 0303 00 002f)" '^0303 002f' "which it takes"
cp "$web/weak.pem" "$web/root.pem"
renegotiate "$weak_port"
like "$said" '^RENEGOTIATING' "and which begins anew"
unlike "$said" 'no renegotiation' "when it is asked to"
daemon_stop weak

# --- the administration port -------------------------------------------------

appliance_start "$scratch/a" signd recordd webd
ctl hsm root --pem >"$web/root.pem"
judge "$(conf admin.port)"
like "$(curl -sS --cacert "$web/root.pem" -D - -o /dev/null \
	"https://localhost:$(conf admin.port)/")" \
	'^[Ss]trict-[Tt]ransport-[Ss]ecurity: max-age=63072000' \
	"two years of HSTS, as the profile says"
days=$((($(date -d "$(openssl s_client -connect \
	"127.0.0.1:$(conf admin.port)" </dev/null 2>/dev/null | openssl x509 \
	-noout -enddate | cut -d= -f2)" +%s) - $(date +%s)) / 86400))
[ $days -le 366 ]
tap_result $? "the certificate ends after $days days"
tap_done
