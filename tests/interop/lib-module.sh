# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# An appliance whose codesign keys programs reach by libquoin-pkcs11.so. To be
# sourced after lib.sh.
#
#	module_start "$scratch/m"	$module, keys `ec' and `rsa' of user 0

# shellcheck disable=SC2154 # of lib.sh
module_start() {
	appliance_start "$1" signd recordd
	ctl hsm init >/dev/null || bail "hsm init"
	module=
	for module in "${QUOIN_PROGRAMS:-/nonexistent}"/lib/pkcs11/libquoin-pkcs11.so \
		"$top_builddir/pkcs11/module/libquoin-pkcs11.so"; do
		[ ! -f "$module" ] || break
	done
	install -m 0755 "$module" "$appliance/app/" || bail "no module"
	module=$appliance/app/libquoin-pkcs11.so
	ctl hsm key create ec --purpose codesign --users 0 >/dev/null ||
		bail "no key"
	ctl hsm key create rsa --purpose codesign --kind RSA-3072 \
		--users 0 >/dev/null || bail "no RSA key"
	export QUOIN_SIGND_SOCKET=$appliance/run/signd/signd.sock
	work=$appliance/work
	mkdir "$work"
	ctl hsm key public ec >"$work/ec.pub"
	ctl hsm key public rsa >"$work/rsa.pub"
	head -c 70000 /dev/urandom >"$work/data"
}
