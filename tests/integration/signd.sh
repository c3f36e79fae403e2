#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sanitize
# quoin-signd and its token worker, for real: a SoftHSM token in a folder of
# its own, every rule allowed and refused, and every way to die.
set -u
top_builddir=${top_builddir:-.}
B=$(cd "$top_builddir" && pwd)
S=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/signd-test.XXXXXX")
n=0 bad=0 pid='' jobs=()
ADMIN=$(id -u) ENROL=20001 WEB=20002 PUSH=20003 FIRMWARE=20004
PROVISION=20005 DATA=20006 BROKER=20007 NOBODY=20008

finish() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	[ -z "$pid" ] || wait "$pid" 2>/dev/null
	rm -rf "$T"
}
trap finish EXIT

result() { # STATUS TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$T/err"
		bad=1
	fi
}
ok() { # TEXT COMMAND...
	local text=$1
	shift
	"$@" >"$T/out" 2>"$T/err"
	result $? "$text"
}
# The op fails with this error, and says this.
refused() { # TEXT ERROR WORDS COMMAND...
	local text=$1 error=$2 words=$3
	shift 3
	"$@" >"$T/out" 2>"$T/err"
	[ $? -ne 0 ] && grep -q "^$error: .*$words" "$T/err"
	result $? "$text"
}
as() { # UID COMMAND...
	local uid=$1
	shift
	"$B/tests/integration/signd-client" -c "$T/conf" -u "$uid" "$@"
}
within() { # SECONDS COMMAND...
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.05
	done
}
ready() { as "$ADMIN" status | grep -qx ready=1; }
token_up() { as "$ADMIN" status | grep -qx token=1; }
token_down() { as "$ADMIN" status | grep -qx token=0; }
value() { as "$ADMIN" status | sed -n "s/^$1=//p"; }
reason_has() { value reason | grep -q "$1"; }
worker() { pgrep -P "$pid" -x quoin-token; }
start() {
	"$B/quoin-signd" -c "$T/conf" >>"$T/log" 2>&1 &
	pid=$!
	within 10 as "$ADMIN" status
}
stop() { # SIGNAL
	kill "-$1" "$pid"
	wait "$pid" 2>/dev/null
	pid=
}
id_of() { as "$ADMIN" certs | awk -v p="$1" -v s="${2:-active}" \
	'$2 == p && $4 == s { print $1 }' | tail -1; }
key() { # NAME [OPTIONS of genpkey]
	local name=$1
	shift
	[ $# -gt 0 ] || set -- -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	openssl genpkey "$@" -out "$T/$name.pem" 2>/dev/null
	openssl req -new -key "$T/$name.pem" -subj /CN=ignored -outform DER \
		-out "$T/$name.csr" 2>/dev/null
	openssl pkey -in "$T/$name.pem" -pubout -outform DER \
		-out "$T/$name.spki"
}
device_id() { sha256sum "$T/$1.spki" | cut -d' ' -f1; }
issue() { as "$ENROL" issue "$@"; }

# --- set-up
if [ "$(id -u)" != 0 ]; then
	if [ -n "${CI-}" ]; then
		echo "not ok 1 - needs root, for its roles"
	else
		echo "ok 1 # SKIP needs root, for its roles"
	fi
	echo 1..1
	exit
fi
mkdir -p "$T/state" "$T/run/signd" "$T/token" "$T/work"
chmod 755 "$T" "$T/run" "$T/run/signd"
printf 'directories.tokendir = %s/token\nobjectstore.backend = file\n%s\n' \
	"$T" 'log.level = ERROR' >"$T/softhsm2.conf"
SOFTHSM2_CONF=$T/softhsm2.conf softhsm2-util --init-token --free \
	--label quoin --so-pin 12345678 --pin 87654321 >/dev/null
printf '87654321\n' >"$T/state/pin"
cat >"$T/conf" <<-END
	state = $T/state
	run = $T/run
	token.env = SOFTHSM2_CONF=$T/softhsm2.conf
	token.worker = $B/quoin-token
	token.deadline_ms = 700
	roles = root=admin $ENROL=enrol $WEB=web $PUSH=push \
	$FIRMWARE=firmware $PROVISION=provision $DATA=data $BROKER=broker
END
sed -i -e ':a' -e '/\\$/{N;s/\\\n[ \t]*//;ba}' "$T/conf"
chmod 777 "$T" "$T/work"

start
within 5 token_up
refused "nothing is issued before there is a PKI" NOTFOUND "no PKI" \
	as "$WEB" issuing p 1000 100 a
ok "status before the PKI says why" grep -q "no PKI" <(value reason)
ok "the PKI is made" as "$ADMIN" pki quoin.example 10.0.0.1,2001:db8::1
cp "$T/out" "$T/root.1"
ok "made again, it is the same" as "$ADMIN" pki quoin.example \
	10.0.0.1,2001:db8::1
cmp -s "$T/out" "$T/root.1"
result $? "the same root"
refused "another name makes no second PKI" EXISTS "config name" \
	as "$ADMIN" pki other.example ""
refused "a name that is none" INVALID "host name" \
	as "$ADMIN" pki 'a b' ""
ok "ready" ready

# --- issuing CAs
refused "an issuing CA shorter than its devices" INVALID "shorter" \
	as "$WEB" issuing short 1000 2000 a
refused "an issuing CA longer than the root" INVALID "outlive" \
	as "$WEB" issuing long 3000000000 2000 a
ok "an issuing CA" as "$WEB" issuing fleet 157680000 2592000 a
ok "asked again" as "$WEB" issuing fleet 157680000 2592000 a
[ "$(id_of issuing)" = "$(cat "$T/out")" ]
result $? "gives the same"
refused "asked again with another lifetime" EXISTS "other settings" \
	as "$WEB" issuing fleet 157680000 2592001 a
ok "its settings change" as "$WEB" issuing-set fleet 157680000 1296000 a
refused "but not of a policy without a CA" NOTFOUND "no issuing CA" \
	as "$WEB" issuing-set nobody 157680000 1296000 a
ok "a policy for rekeying and RSA-2048" as "$WEB" issuing loose \
	157680000 2592000 akr
ok "a policy whose CA lasts a minute" as "$WEB" issuing quick 60 60 a
first=$(cat "$T/out")
first_ocsp=$(as "$ADMIN" certs |
	awk -v ca="$first" '$2 == "ocsp" && $9 == ca { print $1 }')
ok "and one that is not renewed" as "$WEB" issuing once 60 60 ""
ok "certificates" as "$ADMIN" certs "$T/work"

# --- issuing
for k in a b c; do key "$k"; done
key rsa3 -algorithm RSA -pkeyopt rsa_keygen_bits:3072
key rsa2 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
openssl req -new -key "$T/a.pem" -subj /CN=x -outform DER -out "$T/ca.csr" \
	-addext basicConstraints=critical,CA:TRUE 2>/dev/null
head -c 100 "$T/a.csr" >"$T/cut.csr"
python3 - "$T/a.csr" "$T/wrong.csr" <<-'END'
	import sys
	d = bytearray(open(sys.argv[1], 'rb').read())
	d[-1] ^= 1
	open(sys.argv[2], 'wb').write(d)
END
chmod 644 "$T"/*.csr "$T"/*.spki
W=$T/work
ok "a device certificate" issue fleet "$T/a.csr" "$W/a1.der"
grep -q " $(device_id a) " "$T/out"
result $? "named by its key"
ok "asked again" issue fleet "$T/a.csr" "$W/a2.der"
cmp -s "$W/a1.der" "$W/a2.der" && grep -q again "$T/out"
result $? "the same certificate"
ok "with the next sequence number" issue fleet "$T/a.csr" "$W/a3.der" "" 1
! cmp -s "$W/a1.der" "$W/a3.der"
result $? "another certificate"
for i in root issuing; do
	openssl x509 -inform DER -in "$W/$(id_of $i).der" -out "$T/$i.pem"
done
openssl x509 -inform DER -in "$W/$(as "$ADMIN" certs | awk \
	'$2 == "issuing" && $3 == "fleet" { print $1 }').der" \
	-out "$T/issuing.pem"
openssl x509 -inform DER -in "$W/a1.der" -out "$T/a1.pem"
ok "openssl verifies it" openssl verify -x509_strict -purpose sslclient \
	-CAfile "$T/root.pem" -untrusted "$T/issuing.pem" "$T/a1.pem"
ok "lifetime as asked" issue fleet "$T/b.csr" "$W/b.der" "" 0 3600
ok "lifetime capped" issue fleet "$T/b.csr" "$W/b2.der" "" 1 99999999
for f in "b 3600" "b2 1296000"; do
	IFS=' ' read -r -a f <<<"$f"
	[ $(($(date -d "$(openssl x509 -inform DER -in "$W/${f[0]}.der" -noout \
		-enddate | cut -d= -f2)" +%s) - $(date +%s))) -le "${f[1]}" ]
	result $? "${f[0]} ends in time"
done
ok "RSA-3072" issue fleet "$T/rsa3.csr" "$W/r.der"
refused "RSA-2048" INVALID "at least 3072" issue fleet "$T/rsa2.csr" "$W/x"
ok "RSA-2048 where the policy says so" issue loose "$T/rsa2.csr" "$W/r2.der"
refused "P-384" INVALID . issue fleet "$T/p384.csr" "$W/x"
refused "CA:TRUE" INVALID "CA" issue fleet "$T/ca.csr" "$W/x"
refused "cut short" PROTO . issue fleet "$T/cut.csr" "$W/x"
refused "wrong signature" SIGNATURE . issue fleet "$T/wrong.csr" "$W/x"
refused "no such policy" NOTFOUND . issue nope "$T/a.csr" "$W/x"
refused "another DeviceID without a proof" DENIED "no proof" \
	issue fleet "$T/b.csr" "$W/x" "$(device_id a)"
refused "a DeviceID that is none" INVALID . issue fleet "$T/b.csr" "$W/x" ABC
openssl dgst -sha256 -sign "$T/a.pem" -out "$T/proof" "$T/b.csr"
openssl dgst -sha256 -sign "$T/c.pem" -out "$T/proof.c" "$T/b.csr"
openssl dgst -sha256 -sign "$T/rsa3.pem" -out "$T/proof.rsa" "$T/b.csr"
ok "with a proof by the identity key" issue fleet "$T/b.csr" "$W/p.der" \
	"$(device_id a)" 5 0 "" "$T/a.spki" "$T/proof"
grep -q " $(device_id a) " "$T/out"
result $? "named by the proof"
ok "with a proof by an RSA identity key" issue fleet "$T/b.csr" "$W/p2.der" \
	"$(device_id rsa3)" 5 0 "" "$T/rsa3.spki" "$T/proof.rsa"
refused "a proof by another key" DENIED "identity key" issue fleet \
	"$T/b.csr" "$W/x" "$(device_id a)" 6 0 "" "$T/c.spki" "$T/proof.c"
refused "a proof that does not verify" SIGNATURE "proof" issue fleet \
	"$T/b.csr" "$W/x" "$(device_id a)" 6 0 "" "$T/a.spki" "$T/proof.c"
refused "enrold's word where it is not allowed" DENIED "does not allow" \
	issue fleet "$T/c.csr" "$W/x" "$(device_id a)" 7 0 word
ok "enrold's word where it is" issue loose "$T/c.csr" "$W/w.der" \
	"$(device_id a)" 7 0 word
as "$ADMIN" journal "$T/state/journal" | grep intent | tail -1 |
	grep -q " 2 $(device_id a)"
result $? "the journal marks the word"
refused "a key that enrold made, where that is not allowed" DENIED \
	"does not allow" issue loose "$T/c.csr" "$W/x" "$(device_id b)" 8 0 \
	server-key
ok "a policy for keys that enrold makes" as "$WEB" issuing made 157680000 \
	2592000 as
ok "where it is" issue made "$T/c.csr" "$W/m.der" "$(device_id b)" 8 0 \
	server-key
grep -q " $(device_id b) " "$T/out"
result $? "named as enrold says"
as "$ADMIN" journal "$T/state/journal" | grep intent | tail -1 |
	grep -q " 3 $(device_id b)"
result $? "the journal marks it"
refused "enrold's word is another thing" DENIED "does not allow" \
	issue made "$T/c.csr" "$W/x" "$(device_id a)" 9 0 word
cp "$S/tests/fuzz/corpus-crmf/p256-san" "$T/crmf"
head -c -1 "$T/crmf" >"$T/crmf.cut"
chmod 644 "$T"/crmf*
ok "from a CRMF request" issue fleet "$T/crmf" "$W/x" "" 0 0 crmf
refused "which is no PKCS #10" PROTO . issue fleet "$T/crmf" "$W/x"
refused "nor the other way round" PROTO . issue fleet "$T/a.csr" "$W/x" "" 0 0 \
	crmf
refused "CRMF cut short" PROTO . issue fleet "$T/crmf.cut" "$W/x" "" 0 0 crmf

# --- TLS handshakes
DEV=$(id_of tls-device) ADM=$(id_of tls-admin)
python3 - "$T" <<-'END'
	import sys
	t = sys.argv[1]
	w = lambda n, b: open(t + '/' + n, 'wb').write(b)
	cv = b'\x20' * 64 + b'TLS 1.3, server CertificateVerify\0' + b'h' * 32
	ske = b'r' * 64 + b'\x03\x00\x1d\x20' + b'p' * 32
	w('cv', cv); w('cv48', cv + b'h' * 16); w('ske', ske)
	w('cv33', cv + b'h'); w('client', cv.replace(b'server', b'client'))
	w('ske-long', ske + b'x'); w('digest', b'd' * 32)
	w('ske-curve', b'r' * 64 + b'\x03\x00\x16\x20' + b'p' * 32)
END
openssl x509 -inform DER -in "$W/$DEV.der" -pubkey -noout >"$T/dev.pub"
for m in cv cv48 ske; do
	ok "TLS: $m" as "$ENROL" tls "$DEV" 0x0403 "$T/$m" "$W/sig"
	ok "which verifies" openssl dgst -sha256 -verify "$T/dev.pub" \
		-signature "$W/sig" "$T/$m"
done
for m in cv33 client ske-long ske-curve digest a.csr; do
	refused "TLS: not $m" INVALID "message" \
		as "$ENROL" tls "$DEV" 0x0403 "$T/$m" "$W/sig"
done
refused "TLS: RSA with an EC key" INVALID "scheme" \
	as "$ENROL" tls "$DEV" 0x0804 "$T/cv" "$W/sig"
refused "TLS: the admin key is not enrold's" DENIED . \
	as "$ENROL" tls "$ADM" 0x0403 "$T/cv" "$W/sig"
ok "TLS: it is webd's" as "$WEB" tls "$ADM" 0x0403 "$T/cv" "$W/sig"
refused "TLS: the root is nobody's TLS key" DENIED . \
	as "$ENROL" tls "$(id_of root)" 0x0403 "$T/cv" "$W/sig"
refused "TLS: an issuing CA neither" DENIED . \
	as "$ENROL" tls "$(id_of issuing)" 0x0403 "$T/cv" "$W/sig"

# --- a certificate by another CA
n_keys() { as "$ADMIN" keys | wc -l; }
keys=$(n_keys)
csr() { as "$WEB" tls-csr "$@"; }
refused "CSR: what is no name" INVALID "neither" csr 'a b' "" "$W/x"
refused "CSR: nor an address" INVALID "neither" csr "" 1.2.3,4 "$W/x"
refused "CSR: not for enrold" DENIED . as "$ENROL" tls-csr a.example "" "$W/x"
[ "$(n_keys)" = "$keys" ]
result $? "no key is made for those"
ok "CSR: of the appliance's name" csr "" "" "$W/own.csr"
CO=$(cat "$T/out")
ok "CSR: of another" csr www.example 10.1.1.1,2001:db8::9 "$W/co.csr"
[ "$(cat "$T/out")" = "$CO" ]
result $? "of the same key"
for f in own co; do
	ok "openssl verifies $f" openssl req -inform DER -in "$W/$f.csr" \
		-noout -verify -text
	cp "$T/out" "$T/$f.text"
done
grep -q 'DNS:quoin.example, IP Address:10.0.0.1, IP Address:2001:DB8' \
	"$T/own.text"
result $? "it has the appliance's name and addresses"
grep -q 'Subject: CN = www.example' "$T/co.text" &&
	grep -q 'DNS:www.example, IP Address:10.1.1.1, IP Address:2001:DB8' \
		"$T/co.text"
result $? "or those that were asked for"
[ "$(n_keys)" = $((keys + 1)) ] && as "$ADMIN" keys |
	grep -q "^$CO tls-company "
result $? "keys lists its key"
as "$ADMIN" journal "$T/state/journal" | grep -q "cert $WEB $CO"
result $? "the journal has the requests"
openssl req -inform DER -in "$W/co.csr" -pubkey -noout >"$T/co.pub"
ok "TLS: webd signs with it" as "$WEB" tls "$CO" 0x0403 "$T/cv" "$W/sig"
ok "which verifies" openssl dgst -sha256 -verify "$T/co.pub" \
	-signature "$W/sig" "$T/cv"
refused "TLS: enrold does not" DENIED . \
	as "$ENROL" tls "$CO" 0x0403 "$T/cv" "$W/x"

# --- the pepper of passwords
one=$(printf %032d 1) two=$(printf %032d 2)
ok "pepper" as "$WEB" pepper "$one"
mac=$(cat "$T/out")
[ ${#mac} = 68 ]
result $? "32 bytes"
ok "pepper again" as "$ADMIN" pepper "$one"
[ "$(cat "$T/out")" = "$mac" ]
result $? "the same"
ok "of something else" as "$WEB" pepper "$two"
[ "$(cat "$T/out")" != "$mac" ]
result $? "another"
refused "of nothing" INVALID "32 bytes" as "$WEB" pepper ""
refused "of less than a hash" INVALID "32 bytes" as "$WEB" pepper "${one#0}"
refused "of more than a hash" TOOBIG . as "$WEB" pepper "0$one"
for uid in $ENROL $PUSH $FIRMWARE $PROVISION $DATA $BROKER $NOBODY; do
	refused "not for $uid" DENIED . as "$uid" pepper "$one"
done
as "$ADMIN" keys | grep -q " pepper .*HMAC-256"
result $? "keys lists its key"
stop KILL
start
within 10 ready
ok "after a crash" as "$WEB" pepper "$one"
[ "$(cat "$T/out")" = "$mac" ]
result $? "the same still"

# --- revocation lists
CA=$(as "$ADMIN" certs | awk '$2 == "issuing" && $3 == "loose" { print $1 }')
for i in "1 1" "2 1" "3 1" "4 99" "5 1 http://x.example/y.crl" \
	"18446744073709551615 1"; do
	IFS=' ' read -r -a i <<<"$i"
	ok "list ${i[0]} is built" as "$ADMIN" crl-build "$W/$CA.der" \
		"${i[0]}" "$W/${i[0]}.tbs" "${i[1]}" "${i[2]-}"
done
ok "CRL: number 2" as "$ENROL" crl "$CA" "$W/2.tbs" "$W/crl.sig"
refused "CRL: a lower number" INVALID . as "$ENROL" crl "$CA" "$W/1.tbs" "$W/x"
refused "CRL: the same number" INVALID . as "$ENROL" crl "$CA" "$W/2.tbs" \
	"$W/x"
refused "CRL: not sealed" INVALID "sealed" as "$ENROL" crl "$CA" "$W/3.tbs" \
	"$W/x" noseal
refused "CRL: valid for too long" INVALID . as "$ENROL" crl "$CA" \
	"$W/4.tbs" "$W/x"
refused "CRL: with a name in the IDP" INVALID . as "$ENROL" crl "$CA" \
	"$W/5.tbs" "$W/x"
refused "CRL: of another CA" INVALID . as "$ENROL" crl \
	"$(as "$ADMIN" certs |
		awk '$2 == "issuing" && $3 == "fleet" { print $1 }')" \
	"$W/3.tbs" "$W/x"
refused "CRL: the highest number, after which there is none" INVALID "far" \
	as "$ENROL" crl "$CA" "$W/18446744073709551615.tbs" "$W/x"
refused "CRL: not by the other CA's key" NOTFOUND . as "$ENROL" crl "$CO" \
	"$W/3.tbs" "$W/x"
refused "CRL: not by the root" NOTFOUND . as "$ENROL" crl "$(id_of root)" \
	"$W/3.tbs" "$W/x"

# --- certificate status
FLEET=$(as "$ADMIN" certs | awk '$2 == "issuing" && $3 == "fleet" { print $1 }')
OTHER=$(as "$ADMIN" certs |
	awk '$2 == "issuing" && $3 == "loose" { print $1 }')
responder() { as "$ADMIN" certs | # of CA
	awk -v ca="$1" '$2 == "ocsp" && $9 == ca { print $1 }'; }
OCSP=$(responder "$FLEET")
[ -n "$OCSP" ] && [ "$(responder "$OTHER")" != "$OCSP" ]
result $? "each CA has its OCSP responder"
openssl x509 -inform DER -in "$W/$OCSP.der" -noout -text >"$T/out"
for text in 'OCSP Signing' 'OCSP No Check' 'Digital Signature' 'CA Issuers'; do
	grep -q "$text" "$T/out"
	result $? "its certificate: $text"
done
openssl x509 -inform DER -in "$W/$OCSP.der" -out "$T/ocsp.pem"
! openssl x509 -in "$T/ocsp.pem" -noout -checkend $((31 * 86400)) \
	>"$T/out" 2>"$T/err"
result $? "it ends within 31 days"
openssl x509 -inform DER -in "$W/$OCSP.der" -pubkey -noout >"$T/ocsp.pub"
ok "openssl verifies it" openssl verify -x509_strict -purpose ocsphelper \
	-CAfile "$T/root.pem" -untrusted "$T/issuing.pem" "$T/ocsp.pem"
build() { as "$ADMIN" ocsp-build "$@"; } # CA RESPONDER OUT AGE SPAN NONCE
ok "a response" build "$W/$FLEET.der" "$W/$OCSP.der" "$W/good.tbs" 0 3600 32
ok "one of a week" build "$W/$FLEET.der" "$W/$OCSP.der" "$W/week.tbs" 599 691200
build "$W/$FLEET.der" "$W/$OCSP.der" "$W/past.tbs" 700 7200
build "$W/$FLEET.der" "$W/$OCSP.der" "$W/ahead.tbs" -700 7200
build "$W/$FLEET.der" "$W/$OCSP.der" "$W/long.tbs" 0 691300
build "$W/$FLEET.der" "$W/$OCSP.der" "$W/over.tbs" 500 400
build "$W/$FLEET.der" "$W/$(responder "$OTHER").der" "$W/them.tbs"
build "$W/$OTHER.der" "$W/$OCSP.der" "$W/theirs.tbs"
ok "it is signed" as "$ENROL" ocsp "$FLEET" "$W/sig" 1 "$W/good.tbs"
ok "which verifies" openssl dgst -sha256 -verify "$T/ocsp.pub" \
	-signature "$W/sig" "$W/good.tbs"
ok "64 at once" as "$ENROL" ocsp "$FLEET" "$W/sig" 63 "$W/good.tbs" "$W/week.tbs"
grep -qx 64 "$T/out"
result $? "as many signatures"
ok "the last is that of the last" openssl dgst -sha256 -verify "$T/ocsp.pub" \
	-signature "$W/sig" "$W/week.tbs"
refused "OCSP: 65 at once" INVALID "1 to 64" \
	as "$ENROL" ocsp "$FLEET" "$W/x" 65 "$W/good.tbs"
refused "OCSP: none" INVALID "1 to 64" as "$ENROL" ocsp "$FLEET" "$W/x" 0
python3 - "$W/good.tbs" "$T/ocsp.tail" "$T/ocsp.cut" <<-'END'
	import sys
	d = open(sys.argv[1], 'rb').read()
	open(sys.argv[2], 'wb').write(d + b'\0')
	open(sys.argv[3], 'wb').write(d[:-1])
END
for i in "past far" "ahead far" "long cap" "over past" "them responder" \
	"theirs another"; do
	read -r name words <<<"$i"
	refused "OCSP: not $name" INVALID "$words" \
		as "$ENROL" ocsp "$FLEET" "$W/x" 1 "$W/good.tbs" "$W/$name.tbs"
done
for f in ocsp.tail ocsp.cut; do
	refused "OCSP: not $f" PROTO "DER" \
		as "$ENROL" ocsp "$FLEET" "$W/x" 1 "$T/$f"
done
refused "OCSP: no list" "INVALID" . as "$ENROL" ocsp "$FLEET" "$W/x" 1 "$W/3.tbs"
refused "OCSP: no CSR" "INVALID" . as "$ENROL" ocsp "$FLEET" "$W/x" 1 "$T/a.csr"
refused "OCSP: no handshake" "PROTO" . as "$ENROL" ocsp "$FLEET" "$W/x" 1 "$T/cv"
refused "OCSP: by no root" NOTFOUND . \
	as "$ENROL" ocsp "$(id_of root)" "$W/x" 1 "$W/good.tbs"
refused "OCSP: by no responder's name" NOTFOUND . \
	as "$ENROL" ocsp "$OCSP" "$W/x" 1 "$W/good.tbs"
refused "TLS: a responder is nobody's TLS key" DENIED . \
	as "$ENROL" tls "$OCSP" 0x0403 "$T/cv" "$W/x"
refused "CRL: nor signs it lists" NOTFOUND . \
	as "$ENROL" crl "$OCSP" "$W/3.tbs" "$W/x"

# --- CMP
CMP=$(id_of cmp)
openssl x509 -inform DER -in "$W/$CMP.der" -out "$T/cmp.pem"
ok "the CMP key's certificate" openssl verify -x509_strict \
	-CAfile "$T/root.pem" "$T/cmp.pem"
openssl x509 -in "$T/cmp.pem" -noout -ext extendedKeyUsage |
	grep -q -e 'CMC Registration Authority' -e '1.3.6.1.5.5.7.3.28'
result $? "is for that"
openssl x509 -in "$T/cmp.pem" -pubkey -noout >"$T/cmp.pub"
python3 - "$W/$CMP.der" "$T" <<-'END'
	import subprocess, sys
	def tlv(tag, *parts):
	    v = b''.join(parts)
	    n = len(v)
	    head = bytes([n]) if n < 128 else bytes([0x82, n >> 8, n & 255])
	    return bytes([tag]) + head + v
	# The subject: 2nd SEQUENCE with a Name behind the validity.
	der = open(sys.argv[1], 'rb').read()
	def items(d):
	    out, at = [], 0
	    while at < len(d):
	        n, h = d[at + 1], 2
	        if n & 128:
	            h = 2 + (n & 127)
	            n = int.from_bytes(d[at + 2:at + h], 'big')
	        out.append((d[at:at + h + n], d[at + h:at + h + n]))
	        at += h + n
	    return out
	tbs = items(items(items(der)[0][1])[0][1])
	own, ca = tbs[5][0], tbs[3][0]
	pvno = tlv(2, b'\x02')
	def part(name, body, pvno=pvno, tag=0xa4, more=b''):
	    head = tlv(0x30, pvno, tlv(tag, name), tlv(0xa4, tlv(0x30)))
	    return tlv(0x30, head, tlv(body, tlv(0x30)), more)
	w = lambda n, b: open(sys.argv[2] + '/cmp.' + n, 'wb').write(b)
	for n in (1, 3, 8, 12, 19, 22, 23, 26):
	    w('good.%d' % n, part(own, 0xa0 | n))
	w('v3', part(own, 0xa1, tlv(2, b'\x03')))
	for n in (0, 2, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15, 16, 17, 18, 20, 21,
	          24, 25):
	    w('body.%d' % n, part(own, 0xa0 | n))
	w('bad.ca', part(ca, 0xa1))
	w('bad.dns', part(own, 0xa1, tag=0xa2))
	w('bad.v1', part(own, 0xa1, tlv(2, b'\x01')))
	w('bad.two', part(own + own, 0xa1))
	w('bad.more', part(own, 0xa1, more=tlv(0x30)))
	w('bad.tail', part(own, 0xa1) + b'\0')
	w('bad.cut', part(own, 0xa1)[:-1])
	w('bad.tbs', tlv(0x30, tlv(0xa0, pvno), *[t[0] for t in tbs[1:]]))
END
for f in "$T"/cmp.good.* "$T/cmp.v3"; do
	ok "CMP: ${f##*/cmp.}" as "$ENROL" cmp "$CMP" "$f" "$W/sig"
	ok "which verifies" openssl dgst -sha256 -verify "$T/cmp.pub" \
		-signature "$W/sig" "$f"
done
for f in "$T"/cmp.body.* "$T"/cmp.bad.* "$T/cv" "$T/a.csr" "$W/good.tbs"; do
	refused "CMP: not ${f##*/}" INVALID "message" \
		as "$ENROL" cmp "$CMP" "$f" "$W/x"
done
for i in root issuing tls-device ocsp; do
	refused "CMP: not by the key for $i" DENIED "not for sign_cmp" \
		as "$ENROL" cmp "$(id_of $i)" "$T/cmp.v3" "$W/x"
done
refused "TLS: the CMP key is nobody's TLS key" DENIED . \
	as "$ENROL" tls "$CMP" 0x0403 "$T/cv" "$W/x"

# --- sealing
echo secret >"$T/secret"
chmod 644 "$T/secret"
ok "seal for push" as "$WEB" seal hub h1 "$T/secret" "$W/sealed"
! grep -q secret "$W/sealed"
result $? "the secret is not in it"
ok "push unseals" as "$PUSH" unseal hub h1 "$W/sealed" "$W/open"
cmp -s "$W/open" "$T/secret"
result $? "the same secret"
refused "web does not" DENIED . as "$WEB" unseal hub h1 "$W/sealed" "$W/x"
refused "push does not seal" DENIED . as "$PUSH" seal hub h1 "$T/secret" \
	"$W/x"
refused "another context" SIGNATURE . as "$PUSH" unseal hub h2 "$W/sealed" \
	"$W/x"
refused "another purpose" SIGNATURE . as "$WEB" unseal totp h1 "$W/sealed" \
	"$W/x"
ok "a token's value is sealed" as "$WEB" seal token token/t "$T/secret" \
	"$W/token"
for uid in $ENROL $WEB $ADMIN; do
	ok "user $uid unseals it" as "$uid" unseal token token/t "$W/token" \
		"$W/open"
done
refused "enrold does not seal it" DENIED . as "$ENROL" seal token token/t \
	"$T/secret" "$W/x"
refused "push does not unseal it" DENIED . as "$PUSH" unseal token token/t \
	"$W/token" "$W/x"
refused "no such purpose" INVALID . as "$WEB" seal state h1 "$T/secret" "$W/x"

# --- op x role
bit=1
for uid in $ADMIN $ENROL $WEB $PUSH $FIRMWARE $PROVISION $DATA $BROKER \
	$NOBODY; do
	as "$uid" matrix >"$T/have" 2>"$T/err"
	as "$ADMIN" expect $bit >"$T/want"
	diff "$T/want" "$T/have" >"$T/err"
	result $? "every op for user $uid as the table says"
	bit=$((bit * 2))
done

# --- the name
before=$(value generation)
ok "the name changes" as "$ADMIN" name new.example 192.0.2.1
[ "$(value generation)" -gt "$before" ]
result $? "and with it the generation"
[ "$(id_of tls-device old)" = "$DEV" ]
result $? "the TLS key before is old"
ok "and still signs" as "$ENROL" tls "$DEV" 0x0403 "$T/cv" "$W/sig"
ok "certificates" as "$ADMIN" certs "$W"
openssl x509 -inform DER -in "$W/$(id_of tls-device).der" -noout -text |
	grep -q 'DNS:new.example, IP Address:192.0.2.1'
result $? "the new certificate has it"
ok "a certificate under the new name" issue fleet "$T/c.csr" "$W/c.der"
openssl x509 -inform DER -in "$W/c.der" -noout -text |
	grep -q 'URI:http://new.example:6080/crl/'
result $? "its CRLDP has it"

# --- dying, and coming back
# Not `ready', which is still what it was for as long as nobody has noticed.
ok "the worker dies" kill -KILL "$(worker)"
ok "and is back" within 5 issue fleet "$T/a.csr" "$W/d.der" "" 20
ok "the worker hangs" kill -STOP "$(worker)"
before=$SECONDS
ok "a caller waits for the next one" issue fleet "$T/a.csr" "$W/x" "" 21
[ $((SECONDS - before)) -le 3 ]
result $? "and not for long"
ok "all is well" within 5 ready
ok "the same request goes through" issue fleet "$T/a.csr" "$W/e.der" "" 21
stop TERM
object=$(ls "$T"/token/*/token.object)
: >"$object"
ok "starts with a token file that a login left cut short" start
ok "which is mended" within 5 ready
mv "$T/token" "$T/token.away"
refused "the token is away" UNAVAIL . issue fleet "$T/a.csr" "$W/x" "" 22
mv "$T/token.away" "$T/token"
ok "and back, by itself" within 8 issue fleet "$T/a.csr" "$W/f.der" "" 22

stop KILL
ok "starts after kill -9" start
ok "ready" within 5 ready
ok "the same request" issue fleet "$T/a.csr" "$W/g.der"
cmp -s "$W/g.der" "$W/a1.der" && grep -q again "$T/out"
result $? "the very same certificate"
refused "CRL numbers are remembered" INVALID . as "$ENROL" crl "$CA" \
	"$W/2.tbs" "$W/x"
ok "CRL: number 3" as "$ENROL" crl "$CA" "$W/3.tbs" "$W/x"
"$B/quoin-signd" -c "$T/conf" >"$T/out" 2>"$T/err"
[ $? -ne 0 ] && grep -q "another process" "$T/err"
result $? "no second signd on one journal"

# A change cut off at any place leaves no key behind and the PKI as it was.
for i in $(seq 1 12); do
	as "$ADMIN" name "n$i.example" "" >/dev/null 2>&1 &
	client=$!
	sleep "0.0$((i * 7 % 10))"
	stop KILL
	wait "$client" 2>/dev/null
	start && within 5 ready || break
done
ok "ready after $i changes cut off" ready
ok "no key is left over" within 15 \
	test "$(sleep 3; value orphans)" = 0
ok "a certificate" issue fleet "$T/a.csr" "$W/h.der" "" 30

# kill -9 of the worker at random while many enrol: whoever got an answer
# gets the same one again.
for i in $(seq 1 40); do
	(
		for s in $(seq 1 5); do
			seq=$((1000 + i * 10 + s))
			within 20 issue fleet "$T/a.csr" "$W/s$seq.der" "" \
				$seq || echo lost >>"$T/lost"
		done
	) &
	jobs+=("$!")
	if [ $((i % 2)) = 0 ]; then
		w=$(worker) && kill -KILL "$w"
	fi
done
wait "${jobs[@]}"
[ ! -e "$T/lost" ]
result $? "200 requests while the worker dies 20 times: none is lost"
same=0
for f in "$W"/s*.der; do
	seq=${f##*/s}
	issue fleet "$T/a.csr" "$W/again.der" "" "${seq%.der}" >/dev/null
	cmp -s "$f" "$W/again.der" && same=$((same + 1))
done
[ "$same" = 200 ]
result $? "each is the same when asked again ($same of 200)"
[ "$(as "$ADMIN" journal "$T/state/journal" | sed -n \
	's/.*serial=//p' | sort | uniq -d | wc -l)" = 0 ]
result $? "no serial twice"

# --- the OEM Root
root=$(id_of root)
refused "an issuing CA is no OEM Root" NOTFOUND "no OEM Root" \
	as "$ADMIN" root-renew "$FLEET"
refused "replacing the root is not for web" DENIED "not for role" \
	as "$WEB" root-renew "$root"
tls=$(id_of tls-device)
ok "the OEM Root is replaced" as "$ADMIN" root-renew "$root"
cp "$T/out" "$T/root.2"
ok "asked again" as "$ADMIN" root-renew "$root"
cmp -s "$T/out" "$T/root.2" && [ "$(id_of root)" = "$(cat "$T/out")" ]
result $? "the same answer"
as "$ADMIN" certs | awk -v old="$root" -v new="$(id_of root)" '
	$2 == "root" { roots++ }
	$2 == "root-link" { links++; from[$9]++ }
	$2 == "issuing" && $3 == "fleet" { ca = $9 }
	($2 ~ /^tls-/ || $2 == "cmp") && $4 == "active" { own[$9]++ }
	END { exit !(roots == 2 && links == 2 && from[old] == 1 &&
		from[new] == 1 && own[new] == 3 && ca == old) }'
result $? "two roots, two links, the appliance's own under the new one"
[ "$(id_of tls-device old)" = "$tls" ]
result $? "the TLS key before is old"
[ "$(as "$ADMIN" journal "$T/state/journal" | grep -c " cert .*$root")" -ge 2 ]
result $? "the journal knows"
ok "devices are issued to as before" issue fleet "$T/a.csr" "$W/x" "" 77

# --- renewal
issued_by() { # GENERATION-AT-LEAST
	as "$ADMIN" certs | awk -v g="$1" '$2 == "issuing" && $3 == "quick" &&
		$4 == "active" && $5 >= g { found = 1 } END { exit !found }'
}
ok "the CA of a minute was renewed" within 20 issued_by 2
gone() { ! as "$ADMIN" keys | grep -q "$1"; }
[ -n "$(responder "$first")" ]
result $? "the one before has a responder still"
ok "its first key is destroyed after its end" within 80 gone "$first"
ok "and its responder's" within 5 gone "$first_ocsp"
refused "nothing is issued by it any more" DENIED "ended" \
	issue once "$T/a.csr" "$W/x"

# --- the journal
ok "the journal verifies" as "$ADMIN" verify "$T/state/journal"
head=$(cat "$T/out")
[ "$(value head)" = "$head" ] || sleep 1.5
stop TERM
ok "it ends after SIGTERM" as "$ADMIN" verify "$T/state/journal" "$head"
J=$(ls "$T/state/journal"/*.qj)
cp "$J" "$T/journal.copy"
printf X | dd of="$J" bs=1 seek=3000 conv=notrunc 2>/dev/null
refused "a changed byte" SIGNATURE . as "$ADMIN" verify "$T/state/journal"
"$B/quoin-signd" -c "$T/conf" >"$T/out" 2>"$T/err"
[ $? -ne 0 ]
result $? "signd does not start on it"
cp "$T/journal.copy" "$J"
truncate -s -20 "$J"
refused "a head that is cut off" SIGNATURE "cut off" \
	as "$ADMIN" verify "$T/state/journal" "$head"
start
ok "a torn record at the end is no obstacle" within 5 ready
stop TERM
cp "$T/state/signd/keyring" "$T/keyring.copy"
start
within 5 ready
ok "a change of name" as "$ADMIN" name last.example ""
stop TERM
cp "$T/state/signd/keyring" "$T/keyring.new"
cp "$T/keyring.copy" "$T/state/signd/keyring"
start
reason_has() {
	value reason | grep -q "$1"
}
ok "an older keyring is refused" within 10 \
	reason_has "not the file that the journal names"
refused "and nothing is issued" UNAVAIL . issue fleet "$T/a.csr" "$W/x" "" 99
stop TERM
cp "$T/keyring.new" "$T/state/signd/keyring"
printf wrong >"$T/state/pin"
start
ok "a wrong PIN is tried once" within 10 reason_has PIN
sleep 1
[ "$(grep -c "PIN_INCORRECT" "$T/log")" = 1 ]
result $? "and not again"
stop KILL
start
ok "nor by the next signd" within 10 reason_has "refused this PIN"
[ "$(grep -c "PIN_INCORRECT" "$T/log")" = 1 ] &&
	[ "$(stat -c %a "$T/state/signd/pin-refused")" = 600 ] &&
	! grep -q wrong "$T/state/signd/pin-refused"
result $? "which remembers it, and not in the clear"
printf '87654321' >"$T/state/pin.new"
mv "$T/state/pin.new" "$T/state/pin"
kill -HUP "$pid"
ok "SIGHUP says that it is right now" within 5 ready
[ ! -e "$T/state/signd/pin-refused" ]
result $? "and that is forgotten"
stop TERM
SOFTHSM2_CONF=$T/softhsm2.conf pkcs11-tool --module \
	/usr/lib/softhsm/libsofthsm2.so --token-label quoin --login \
	--pin 1111 -O >/dev/null 2>&1
start
ok "somebody else's wrong PIN: none is tried" within 10 \
	reason_has "a person decides"
[ "$(grep -c "PIN_INCORRECT" "$T/log")" = 1 ]
result $? "really none"
kill -HUP "$pid"
ok "a person has decided" within 5 ready
! grep -q 87654321 "/proc/$(worker)/cmdline" "/proc/$(worker)/environ" \
	"$T/log"
result $? "the PIN is in no argument, environment or log"

echo "1..$n"
exit $bad
