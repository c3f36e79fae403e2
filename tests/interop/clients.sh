#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# Tools that people sign with, unchanged, by libquoin-pkcs11: OpenSSL's engine
# of libp11, osslsigncode, sbsign, RAUC, mkimage, ssh-keygen, pkcs11js of
# Node.js, espsecure. What each has signed is verified by another program.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
. "$here/lib-module.sh"
esptool=5.6.0 pkcs11js=2.1.7
for p in osslsigncode sbsign rauc mkimage ssh-keygen dtc fdtget node npm; do
	command -v $p >/dev/null || skip_all "wants $p"
done
engine=$(find /usr/lib -path '*engines-3/pkcs11.so' | head -n 1)
pe=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
[ -n "$engine" ] || skip_all "wants libengine-pkcs11-openssl"
[ -f $pe ] || skip_all "wants systemd-boot-efi"
tools=$top_builddir/interop-tools
mkdir -p "$tools"
[ -x "$tools/esptool/bin/espsecure" ] || {
	python3 -m venv "$tools/esptool" && "$tools/esptool/bin/pip" \
		install -q "esptool[hsm]==$esptool"
} >"$tools/esptool.log" 2>&1 ||
	skip_all "no esptool: $(tail -n 1 "$tools/esptool.log")"
[ -d "$tools/node/node_modules/pkcs11js" ] || {
	mkdir -p "$tools/node" && npm install --prefix "$tools/node" \
		--no-audit --no-fund "pkcs11js@$pkcs11js"
} >"$tools/node.log" 2>&1 ||
	skip_all "no pkcs11js: $(tail -n 1 "$tools/node.log")"

module_start "$(mktemp -d "$scratch/XXXXXX")"
cd "$work" || exit
url() {
	echo "pkcs11:token=Quoin;object=$1;type=private"
}
rsa=$(url rsa)
cat >engine.cnf <<CNF
openssl_conf = c
[c]
engines = e
[e]
pkcs11 = p
[p]
engine_id = pkcs11
dynamic_path = $engine
MODULE_PATH = $module
init = 0
[req]
distinguished_name = dn
[dn]
CNF
by_engine() {
	OPENSSL_CONF=$work/engine.cnf timeout 60 "$@"
}

# --- OpenSSL

for k in ec rsa; do
	ok "openssl req, $k" by_engine openssl req -new -x509 -engine pkcs11 \
		-keyform engine -key "$(url $k)" -subj "/CN=Code $k" \
		-addext extendedKeyUsage=codeSigning -days 30 -out "$k.pem"
	ok "openssl req, $k: it verifies" openssl verify -CAfile $k.pem $k.pem
	ok "openssl dgst, $k" by_engine openssl dgst -engine pkcs11 \
		-keyform engine -sha256 -sign "$(url $k)" -out "$k.sig" data
	ok "openssl dgst, $k: it verifies" openssl dgst -sha256 -verify \
		"$k.pub" -signature $k.sig data
done
pss=(-sigopt rsa_padding_mode:pss)
ok "openssl dgst, PSS" by_engine openssl dgst -engine pkcs11 -keyform engine \
	-sha256 "${pss[@]}" -sigopt rsa_pss_saltlen:-1 -sign "$rsa" \
	-out pss.sig data
ok "openssl dgst, PSS: it verifies" openssl dgst -sha256 "${pss[@]}" -verify \
	rsa.pub -signature pss.sig data

# --- PE files

# Debian 12's osslsigncode, 2.5, finds the engine by itself, and takes neither
# the engine's path nor, in verify, what sbsign makes with any key.
ok "osslsigncode" timeout 60 osslsigncode sign -pkcs11module "$module" \
	-certs rsa.pem -key "$rsa" -h sha256 -in $pe -out signed.efi
ok "osslsigncode: sbverify verifies it" sbverify --cert rsa.pem signed.efi
ok "osslsigncode: and itself" osslsigncode verify -CAfile rsa.pem \
	-in signed.efi
ok "sbsign" by_engine sbsign --engine pkcs11 --key "$rsa" --cert rsa.pem \
	--output sb.efi $pe
ok "sbsign: sbverify finds the image's digest" sbverify --cert rsa.pem sb.efi
# What is signed is the value of SpcIndirectDataContent, without its header.
sbattach --detach sb.p7 sb.efi
openssl asn1parse -inform DER -in sb.p7 -noout -out spc.der -strparse \
	"$(openssl asn1parse -inform DER -in sb.p7 |
		awk -F: 'spc && /d=5 / { print $1 + 0; exit }
			/:1\.3\.6\.1\.4\.1\.311\.2\.1\.4$/ { spc = 1 }')"
ok "sbsign: openssl verifies it" openssl smime -verify -inform DER -in sb.p7 \
	-content <(tail -c +3 spc.der) -binary -CAfile rsa.pem -purpose any \
	-out /dev/null

# --- RAUC

mkdir bundle
head -c 100000 /dev/urandom >bundle/rootfs.img
cat >bundle/manifest.raucm <<RAUC
[update]
compatible=Test
version=1
[bundle]
format=plain
[image.rootfs]
filename=rootfs.img
RAUC
printf '%s\n' '[system]' compatible=Test bootloader=noop '[keyring]' \
	path=rsa.pem check-purpose=codesign >system.conf
ok "rauc bundle" env RAUC_PKCS11_MODULE="$module" timeout 60 rauc bundle \
	--cert=rsa.pem --key="$rsa" bundle out.raucb
ok "rauc info verifies it" rauc info --conf=system.conf --keyring=rsa.pem \
	out.raucb
like "$out" "Code rsa" "by our certificate"

# --- U-Boot's FIT images: what is signed of an image is its data

cat >image.its <<ITS
/dts-v1/;
/ {
	description = "test";
	#address-cells = <1>;
	images {
		kernel {
			description = "kernel";
			data = /incbin/("data");
			type = "kernel";
			arch = "arm";
			os = "linux";
			compression = "none";
			load = <0>;
			entry = <0>;
			signature-1 {
				algo = "sha256,rsa3072";
				key-name-hint = "rsa";
			};
		};
	};
	configurations {
		default = "c";
		c { kernel = "kernel"; };
	};
};
ITS
echo '/dts-v1/; / { };' | dtc -O dtb -o keys.dtb 2>/dev/null
ok "mkimage" by_engine mkimage -f image.its -N pkcs11 -k token=Quoin \
	-K keys.dtb -r image.itb
fdtget -t bx image.itb /images/kernel/signature-1 value |
	tr ' ' '\n' | sed 's/^.$/0&/' | tr -d '\n' | xxd -r -p >fit.sig
ok "mkimage: OpenSSL verifies it" openssl dgst -sha256 -verify rsa.pub \
	-signature fit.sig data
is "$(fdtget keys.dtb /signature/key-rsa rsa,num-bits)" 3072 \
	"mkimage: the public key for U-Boot"

# --- OpenSSH

cat >ssh.sh <<'SSH'
ssh-keygen -D "$1" >keys || exit
grep ^ecdsa keys >ec_ssh.pub && grep ^ssh-rsa keys >rsa_ssh.pub || exit
eval "$(ssh-agent -s -P "$1")" >/dev/null
trap 'ssh-agent -k >/dev/null' EXIT
ssh-add -s "$1" </dev/null || exit
for k in ec rsa; do
	echo "me $(cut -d' ' -f1,2 ${k}_ssh.pub)" >allowed
	cp data $k.data
	ssh-keygen -Y sign -f ${k}_ssh.pub -n file $k.data || exit
	ssh-keygen -Y verify -f allowed -I me -n file -s $k.data.sig \
		<$k.data || exit
done
SSH
ok "ssh-keygen -Y sign by ssh-agent" timeout 60 bash ssh.sh "$module"
is "$(grep -c '^Good' <<<"$out")" 2 "ssh-keygen -Y verify, EC and RSA"

# --- Node.js

cat >sign.js <<'JS'
const p11 = require(process.argv[2] + "/pkcs11js");
const crypto = require("crypto"), fs = require("fs");
const p = new p11.PKCS11();
p.load(process.argv[3]);
p.C_Initialize();
const slot = p.C_GetSlotList(true)[0];
const s = p.C_OpenSession(slot,
	p11.CKF_RW_SESSION | p11.CKF_SERIAL_SESSION);
p.C_Login(s, p11.CKU_USER, "1234");
function key(label) {
	p.C_FindObjectsInit(s, [
		{ type: p11.CKA_CLASS, value: p11.CKO_PRIVATE_KEY },
		{ type: p11.CKA_LABEL, value: label }]);
	const h = p.C_FindObjects(s);
	p.C_FindObjectsFinal(s);
	return h;
}
const data = fs.readFileSync("data");
for (const [label, mechanism] of [["ec", p11.CKM_ECDSA_SHA256],
	["rsa", p11.CKM_SHA256_RSA_PKCS]]) {
	p.C_SignInit(s, { mechanism }, key(label));
	p.C_SignUpdate(s, data.subarray(0, 1000));
	p.C_SignUpdate(s, data.subarray(1000));
	const signature = p.C_SignFinal(s, Buffer.alloc(512));
	const pub = { key: fs.readFileSync(label + ".pub"),
		dsaEncoding: "ieee-p1363" };
	if (!crypto.verify("sha256", data, pub, signature))
		throw new Error(label + " does not verify");
}
p.C_Logout(s);
p.C_CloseSession(s);
p.C_Finalize();
JS
ok "pkcs11js signs, Node.js verifies" timeout 60 node sign.js \
	"$tools/node/node_modules" "$module"

# --- esptool

head -c 65536 /dev/urandom >firmware.bin
for k in rsa ec; do
	printf '%s\n' '[hsm_config]' "pkcs11_lib = $module" \
		'credentials = 1234' 'slot = 1' "label = $k" \
		"label_pubkey = $k" >hsm.ini
	ok "espsecure sign-data --hsm, $k" timeout 60 \
		"$tools/esptool/bin/espsecure" sign-data --version 2 --hsm \
		--hsm-config hsm.ini --output $k.bin firmware.bin
	ok "espsecure verify-signature, $k" timeout 60 \
		"$tools/esptool/bin/espsecure" verify-signature --version 2 \
		--keyfile $k.pub $k.bin
	like "$out" "block 0 verification successful" "by the key $k"
done

ok "the journal is whole" ctl journal verify
tap_done
