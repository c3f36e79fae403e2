#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# libquoin-pkcs11 under OpenSC's pkcs11-tool, GnuTLS's p11tool and the
# mandatory cases of OASIS's profiles; who sees which keys; what happens when
# signd is away.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
. "$here/lib-module.sh"
for p in pkcs11-tool p11tool; do
	command -v $p >/dev/null || skip_all "wants $p"
done
module_start "$(mktemp -d "$scratch/XXXXXX")"
tool=(timeout 60 pkcs11-tool --module "$module")

# --- pkcs11-tool

ok "pkcs11-tool -L" "${tool[@]}" -L
like "$out" "token label +: Quoin" "the token's label"
serial=$(sed -n 's/.*serial num *: //p' <<<"$out")
ok "pkcs11-tool -O" "${tool[@]}" -O
is "$(grep -c 'Private Key Object' <<<"$out")" 2 "two private keys"
is "$(grep -c 'sensitive, always sensitive, never extractable, local' \
	<<<"$out")" 2 "which never left the token"
ok "pkcs11-tool --test --login" "${tool[@]}" --test --login
like "$out" "No errors" "it finds none"
ok "pkcs11-tool --test --login with a PIN" "${tool[@]}" --test --login \
	--pin 1234
ok "pkcs11-tool --test-threads" "${tool[@]}" --test-threads \
	ILGI:ILGI:ILGI:ILGI
like "$out" "test_threads cleanup finished" "it ends"
ok "pkcs11-tool --test-fork" "${tool[@]}" --test-fork

declare -A id
for k in ec rsa; do
	id[$k]=$(ctl --json hsm key show $k | jq -r .id)
done
# sign MECHANISM KEY INPUT [OPTION...]
sign() {
	"${tool[@]}" --sign -m "$1" --id "${id[$2]}" -i "$work/$3" \
		-o "$work/sig" "${@:4}"
}
openssl dgst -sha256 -binary "$work/data" >"$work/sha256"
{
	printf '0\x310\r\x06\t`\x86H\x01e\x03\x04\x02\x01\x05\0\x04 '
	cat "$work/sha256"
} >"$work/digestinfo"
verify=(openssl dgst -sha256 -signature "$work/sig")
for m in ECDSA:sha256 ECDSA-SHA256:data; do
	ok "$m" sign "${m%:*}" ec "${m#*:}" --signature-format openssl
	ok "$m: OpenSSL verifies it" "${verify[@]}" -verify "$work/ec.pub" \
		"$work/data"
done
ok "ECDSA-SHA384" sign ECDSA-SHA384 ec data --signature-format openssl
ok "ECDSA-SHA384: OpenSSL verifies it" openssl dgst -sha384 -signature \
	"$work/sig" -verify "$work/ec.pub" "$work/data"
for m in RSA-PKCS:digestinfo SHA256-RSA-PKCS:data; do
	ok "$m" sign "${m%:*}" rsa "${m#*:}"
	ok "$m: OpenSSL verifies it" "${verify[@]}" -verify "$work/rsa.pub" \
		"$work/data"
done
pss=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32)
for m in RSA-PKCS-PSS:sha256:--hash-algorithm=SHA256 \
	SHA256-RSA-PKCS-PSS:data:; do
	IFS=: read -r mech input opt <<<"$m"
	# shellcheck disable=SC2086 # no option, no argument
	ok "$mech" sign "$mech" rsa "$input" $opt --salt-len 32
	ok "$mech: OpenSSL verifies it" "${verify[@]}" "${pss[@]}" -verify \
		"$work/rsa.pub" "$work/data"
done
head -c 50 /dev/urandom >"$work/bare"
exits 1 "RSA PKCS #1 of what is no DigestInfo" sign RSA-PKCS rsa bare
exits 1 "an RSA mechanism with an EC key" sign SHA256-RSA-PKCS ec data
exits 1 "a key pair is not made by programs" "${tool[@]}" --keypairgen \
	--key-type EC:prime256v1 --label new

# --- p11tool and p11-kit

url="pkcs11:token=Quoin;serial=$serial"
ok "p11tool --list-tokens" p11tool --provider "$module" --list-tokens
like "$out" "serial=$serial;token=Quoin" "its URI (RFC 7512)"
ok "p11tool --list-all" p11tool --provider "$module" --list-all "$url"
is "$(grep -c '^Object' <<<"$out")" 4 "two key pairs"
for k in ec rsa; do
	ok "p11tool --test-sign, $k" p11tool --provider "$module" \
		--test-sign "$url;object=$k;type=private"
	p11tool --provider "$module" --export-pubkey "$url;object=$k" \
		--outfile "$work/p11tool.pub" >/dev/null 2>&1
	ok "p11tool exports the public key of $k" cmp "$work/p11tool.pub" \
		"$work/$k.pub"
done

# --- OASIS

oasis=$top_builddir/tests/interop/oasis
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/ca.key" \
	-subj /CN=CA -out "$work/ca.pem" 2>/dev/null
for k in ec rsa; do
	openssl x509 -new -force_pubkey "$work/$k.pub" -CA "$work/ca.pem" \
		-CAkey "$work/ca.key" -subj "/CN=Code $k" -days 30 \
		-out "$work/$k.pem" 2>/dev/null
done
ok "a certificate for the key" ctl hsm key cert rsa "$work/rsa.pem"
exits 65 "but not of another key" ctl hsm key cert ec "$work/rsa.pem"
ok "BL-M-1" "$oasis" "$module" bl
head -c 300 "$work/data" >"$work/short"
"$oasis" "$module" auth 1234 rsa "$work/short" >"$work/sig"
tap_result $? "AUTH-M-1"
ok "AUTH-M-1: OpenSSL verifies it" openssl dgst -sha256 -signature \
	"$work/sig" -verify "$work/rsa.pub" "$work/short"
"$oasis" "$module" cert >"$work/cert.der"
tap_result $? "CERT-M-1"
is "$(openssl x509 -inform DER -in "$work/cert.der" -noout -fingerprint)" \
	"$(openssl x509 -in "$work/rsa.pem" -noout -fingerprint)" \
	"it is the certificate"

# --- who sees what

as_user() {
	setpriv --reuid "$1" --regid "$1" --clear-groups -- "${@:2}"
}
# Nobody gets into the folder of the daemon's socket but by its group.
chmod 0755 "$scratch" "$appliance" "$appliance/run" "$appliance/run/signd"
out=$(as_user 61900 "${tool[@]}" -O 2>&1)
unlike "$out" "Key Object" "another user sees no key"
ctl hsm key create theirs --purpose codesign --users 61900 >/dev/null
out=$(as_user 61900 "${tool[@]}" -O 2>&1)
is "$(grep -c 'Private Key Object' <<<"$out")" 1 "until there is one for him"
unlike "$out" "label: +ec" "and no other"
ok "pkcs11-tool -O of root" "${tool[@]}" -O
unlike "$out" "label: +theirs" "root does not see that one"
exits 1 "another user's key by its id" as_user 61900 "${tool[@]}" --sign \
	-m ECDSA-SHA256 --id "${id[ec]}" -i "$work/data" -o /dev/null
out=$(as_user "${daemon_uid[enrold]}" "${tool[@]}" -O 2>&1)
unlike "$out" "Key Object" "the device port sees no key"
ctl hsm key edit theirs --users 61901 >/dev/null
out=$(as_user 61900 "${tool[@]}" -O 2>&1)
unlike "$out" "Key Object" "what was taken away is gone"

# --- signd is away, and comes back

(
	sleep 1
	kill -9 "${daemon_pid[signd]}"
) &
before=$SECONDS
n=0 bad=0
while [ $((SECONDS - before)) -lt 4 ]; do
	if [ $((SECONDS - before)) -ge 2 ] && ! kill -0 \
		"${daemon_pid[signd]}" 2>/dev/null; then
		daemon_start signd
	fi
	timeout 30 "${tool[@]}" --sign -m ECDSA-SHA256 --id "${id[ec]}" \
		-i "$work/data" -o "$work/sig" --signature-format openssl \
		>/dev/null 2>&1 &
	p=$!
	sleep 0.2
	kill -0 "${daemon_pid[signd]}" 2>/dev/null || daemon_start signd
	wait $p || bad=$((bad + 1))
	n=$((n + 1))
done
is "$bad" 0 "$n programs, all of them have their signature"
daemon_ready signd
ok "signs again" sign ECDSA-SHA256 ec data --signature-format openssl
ok "and right" "${verify[@]}" -verify "$work/ec.pub" "$work/data"
ok "the journal is whole" ctl journal verify
daemon_stop signd
exits 1 "signd is not there" "${tool[@]}" -O
tap_done
