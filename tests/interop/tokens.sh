#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# Tokens that are not SoftHSM under quoin-signd: NSS softokn as the only
# token, with everything an appliance does; tpm2-pkcs11 on a TPM of swtpm's
# and opencryptoki's soft token as second tokens beside SoftHSM. What one of
# them cannot do is asserted, with the mechanism that is missing, as `quoinctl
# hsm status' has it; so there is nothing to skip.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
. "$here/../integration/lib-tokens.sh"
. "$here/../integration/device.sh"
tokens_alone "$@"
tokens=$(mktemp -d "$scratch/tokens.XXXXXX")
chmod 0755 "$tokens"

# appliance_with PREFIX=DIR...: an appliance that has those tokens.
appliance_with() {
	local pair dir
	dir=$(mktemp -d "$scratch/appliance.XXXXXX")
	appliance_make "$dir"
	echo "token.deadline_ms = 3000" >>"$dir/quoin.conf"
	for pair; do
		token_conf "${pair%%=*}" "${pair#*=}"
		echo "$REPLY" >>"$dir/quoin.conf"
	done
	dev=$dir/dev
	mkdir "$dev"
	head -c 100 /dev/urandom >"$dev/msg"
}

status() {
	ctl --json hsm status 2>/dev/null | jq -r "$1"
}
ready() { [ "$(status .ready)" = true ]; }
second_ready() { [ "$(status .token2)" = ready ]; }
away() { ! second_ready; }
refused() { status "$1" | grep -q -- "$2"; } # .reason|.token2 WHY

# The worker of the token with that label, its process id.
worker() {
	pgrep -P "${daemon_pid[signd]}" -f " $1 " | head -n 1
}
worker_other() { # LABEL PID: another one serves
	local now
	now=$(worker "$1")
	[ -n "$now" ] && [ "$now" != "$2" ]
}

# code_key NAME KIND TOKEN: one that user 0 may sign with.
code_key() {
	ctl hsm key create "$1" --purpose codesign --kind "$2" --token "$3" \
		--users 0
}

# The appliance's own module, of the installation or the build.
code_module=${QUOIN_PROGRAMS:-/nonexistent}/lib/pkcs11/libquoin-pkcs11.so
[ -f "$code_module" ] ||
	code_module=$top_builddir/pkcs11/module/libquoin-pkcs11.so

# code_sign NAME MECHANISM [pkcs11-tool-option...]: $dev/msg by the appliance's
# own module, into $dev/sig.
code_sign() {
	local mech=$2 id
	id=$(ctl --json hsm key show "$1" | jq -r .id)
	shift 2
	rm -f "$dev/sig"
	QUOIN_SIGND_SOCKET=$appliance/run/signd/signd.sock timeout 30 \
		pkcs11-tool --module "$code_module" --sign --id "$id" \
		--mechanism "$mech" "$@" --input-file "$dev/msg" \
		--output-file "$dev/sig"
}

# code_verify NAME [dgst-option...]
code_verify() {
	ctl hsm key public "$1" >"$dev/pub.pem" && openssl dgst -sha256 \
		-verify "$dev/pub.pem" "${@:2}" -signature "$dev/sig" \
		"$dev/msg"
}

code_good_ec() { # TOKEN NAME
	ok "$1: an ECDSA signature by $2" code_sign "$2" ECDSA-SHA256 \
		--signature-format openssl
	ok "$1: which verifies" code_verify "$2"
}

code_good_rsa() { # TOKEN NAME
	ok "$1: a PKCS #1 signature by $2" code_sign "$2" SHA256-RSA-PKCS
	ok "$1: which verifies" code_verify "$2"
	ok "$1: a PSS signature by $2" code_sign "$2" SHA256-RSA-PKCS-PSS
	ok "$1: which verifies" code_verify "$2" \
		-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32
}

# died TOKEN LABEL, hung TOKEN LABEL: its worker, and what comes of it.
died() {
	local pid
	pid=$(worker "$2")
	kill -KILL "$pid"
	ok "$1: a dead worker is replaced" \
		within 5 worker_other "$2" "$pid"
}
hung() {
	local pid
	pid=$(worker "$2")
	kill -STOP "$pid"
	ok "$1: a worker that hangs is replaced" \
		within 10 worker_other "$2" "$pid"
}

# objects KIND: what the token of that kind says of its private keys.
objects() {
	as signd pkcs11-tool --module "${token_module[$1]}" --login \
		--pin "$(cat "$tokens/$1/pin")" --list-objects --type privkey
}

# key_good TOKEN KIND NAME: made as it should be, and gone when deleted.
key_good() {
	local id
	id=$(ctl --json hsm key show "$3" | jq -r .id)
	like "$(objects "$2" | grep -A 4 "$id" | tr -d '\n')" \
		"sensitive, always sensitive, never extract" \
		"$1: the key $3 was born in the token, never to leave it"
	ok "$1: it is deleted" ctl hsm key delete "$3" --yes
	ok "$1: and gone from the token" within 10 object_gone "$2" "$id"
}
object_gone() { # KIND ID
	! objects "$1" | grep -q "$2"
}

journal_good() {
	ok "$1: the journal is whole" ctl journal verify
}

# --- NSS softokn alone -------------------------------------------------------

nss_make "$tokens/nss" quoin-nss
appliance_with "token=$tokens/nss"
appliance_start "$appliance" signd recordd enrold
ok "NSS: ready" ready
is "$(status .cannot)" "" "NSS: there is nothing it cannot do"
ctl hsm root --pem >"$dev/root.pem"
ok "NSS: a policy and its issuing CA" ctl policy create p --autorenew \
	--device-lifetime 30d --issuing-lifetime 5y
dev_make ec
dev_make rsa rsa3072
fleet_json ec rsa >"$dev/fleet.json"
ok "NSS: a batch" ctl batch create b --policy p --devices "$dev/fleet.json"
for n in ec rsa; do
	as_self $n
	for tls in 1.2 1.3; do
		enrol $n --tlsv$tls --tls-max $tls
		is "$code" 200 "NSS: $n enrols with TLS $tls"
	done
	within 5 verify "$dev/$n.pem"
	ok "NSS: its certificate verifies with the CRL" verify "$dev/$n.pem"
done
ok "NSS: revoked" ctl device revoke "$(dev_id ec)"
within 10 verify_revoked "$dev/ec.pem"
ok "NSS: the next CRL says so" verify_revoked "$dev/ec.pem"

for how in died hung; do
	$how NSS quoin-nss
	dev_csr rsa
	as_self rsa
	enrol rsa
	is "$code" 200 "NSS: and nobody noticed"
done
journal_good NSS

for n in ec rsa; do
	openssl pkcs8 -topk8 -nocrypt -in "$dev/$n.key" -out "$dev/$n.p8"
	ok "NSS: a key of $n is imported" ctl hsm key import "code-$n" \
		--purpose codesign --users 0 "$dev/$n.p8"
done
code_good_ec NSS code-ec
code_good_rsa NSS code-rsa

# A wrong PIN is tried once. What comes later is the file's, not the token's.
daemon_stop signd
mv "$tokens/nss/pin" "$tokens/nss/right"
install -m 0400 -o "${daemon_uid[signd]}" <(printf wrong) "$tokens/nss/pin"
: >"$appliance/signd.log"
daemon_start signd
ok "NSS: a wrong PIN is refused" \
	within 10 refused .reason PIN_INCORRECT
daemon_stop signd
daemon_start signd
ok "NSS: and never tried again" \
	within 10 refused .reason "not tried again"
is "$(grep -c PIN_INCORRECT "$appliance/signd.log")" 1 "NSS: once in all"
mv "$tokens/nss/right" "$tokens/nss/pin"
kill -HUP "${daemon_pid[signd]}"
ok "NSS: the right one, and a word" within 5 ready
journal_good NSS
appliance_stop

# --- tpm2-pkcs11 on swtpm, beside SoftHSM ------------------------------------

tpm_make "$tokens/tpm" quoin-tpm
appliance_with "token2=$tokens/tpm"
appliance_start "$appliance" signd recordd
ok "TPM: a PKI on the main token" ctl hsm init localhost
is "$(status .token2)" ready "TPM: the second token is ready"
is "$(status .cannot2)" "seal (CKM_AES_GCM is missing), make HMAC keys \
(CKM_GENERIC_SECRET_KEY_GEN is missing)" \
	"TPM: it cannot seal, and that is said"
ok "TPM: a P-256 key" code_key ec P-256 2
ok "TPM: an RSA key" code_key rsa RSA-3072 2
code_good_ec TPM ec
code_good_rsa TPM rsa
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$dev/made.p8"
ctl hsm key import made --purpose codesign --token 2 "$dev/made.p8" \
	>"$dev/out" 2>&1
is $? 78 "TPM: it takes no key that was made elsewhere"
like "$(cat "$dev/out")" "made elsewhere.*CKR_ATTRIBUTE_VALUE_INVALID" \
	"TPM: which is said"

# A TPM has room for so many, and here tpm2-abrmd keeps 27.
for ((n = 1; n <= 30; n++)); do
	within 5 code_key "many$n" P-256 2 || tap_result 1 "TPM: key $n"
done
for ((n = 1; n <= 30; n++)); do
	code_sign "many$n" ECDSA-SHA256 --signature-format openssl \
		>/dev/null 2>&1 && code_verify "many$n" >/dev/null || break
done
is $n 31 "TPM: 30 keys, which do not fit into it, all sign"

key_good TPM tpm many1
main=$(worker quoin)
for how in died hung; do
	$how TPM quoin-tpm
	code_good_ec TPM ec
done
tpm_down "$tokens/tpm"
ok "TPM: its loss is seen" within 5 away
ok "TPM: the main token is ready without it" ready
ok "TPM: a policy's CA is made meanwhile" ctl policy create p --autorenew \
	--device-lifetime 30d --issuing-lifetime 5y
code_sign ec ECDSA-SHA256 --signature-format openssl >"$dev/out" 2>&1 &
waiting=$!
tpm_up "$tokens/tpm"
wait $waiting
is $? 0 "TPM: a signature that was asked meanwhile comes" ||
	tap_note "$(cat "$dev/out")"
ok "TPM: and verifies" code_verify ec
ok "TPM: it is back" within 5 second_ready
is "$(worker quoin)" "$main" "TPM: the main worker has seen nothing of it"
journal_good TPM
appliance_stop
tpm_down "$tokens/tpm"

# --- opencryptoki's soft token, beside SoftHSM -------------------------------

# It wants its daemon in mounts of its own; see tokens_alone.
if [ -n "${TOKENS_ALONE-}" ]; then
	ock_make "$tokens/ock" quoin-ock
	appliance_with "token2=$tokens/ock"
	appliance_start "$appliance" signd
	ok "opencryptoki: a PKI on the main token" ctl hsm init localhost
	is "$(status .token2)" ready "opencryptoki: the second token is ready"
	for m in EC_KEY_PAIR_GEN ECDSA AES_GCM; do
		like "$(status .cannot2)" "CKM_$m" "opencryptoki: no $m"
	done
	ok "opencryptoki: an RSA key" code_key rsa RSA-3072 2
	code_good_rsa opencryptoki rsa
	code_key ec P-256 2 >"$dev/out" 2>&1
	is $? 78 "opencryptoki: no P-256 key"
	like "$(cat "$dev/out")" CKM_EC_KEY_PAIR_GEN \
		"opencryptoki: for want of the mechanism"
	ok "opencryptoki: another RSA key" code_key rsa2 RSA-3072 2
	key_good opencryptoki ock rsa2
	for how in died hung; do
		$how opencryptoki quoin-ock
		code_good_rsa opencryptoki rsa
	done
	ock_down
	kill -KILL "$(worker quoin-ock)"
	ok "opencryptoki: pkcsslotd's loss is seen" within 5 away
	ok "opencryptoki: the main token is ready without it" ready
	ock_up
	ok "opencryptoki: it is back" within 5 second_ready
	code_good_rsa opencryptoki rsa

	# This one tells of wrong PINs. Somebody else's are no reason to try
	# ours, which might be the last; a person's word is.
	as signd pkcs11-tool --module "${token_module[ock]}" --login \
		--pin 00000000 --list-objects >"$dev/out" 2>&1
	like "$(cat "$dev/out")" PIN_INCORRECT \
		"opencryptoki: somebody tries a wrong PIN"
	kill -KILL "$(worker quoin-ock)"
	ok "opencryptoki: ours is not tried then" \
		within 5 refused .token2 "may be locked"
	ok "opencryptoki: the main token is ready without it" ready
	kill -HUP "${daemon_pid[signd]}"
	ok "opencryptoki: but at somebody's word" within 5 second_ready
	code_good_rsa opencryptoki rsa
	journal_good opencryptoki
	appliance_stop

	appliance_with "token=$tokens/ock"
	appliance_start "$appliance" signd
	like "$(status .cannot)" "seal .CKM_AES_GCM is missing." \
		"opencryptoki: as the only token it cannot seal"
	exits 78 "opencryptoki: so there is no PKI" ctl hsm init localhost
	like "$out" CKM_ "opencryptoki: for want of a mechanism"
	appliance_stop
	ock_down
fi
tap_done
