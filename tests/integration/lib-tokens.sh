# shellcheck shell=bash disable=SC2154,SC2034 # lib.sh has the others
# SPDX-License-Identifier: Apache-2.0
# Tokens that are not SoftHSM, for tests. To be sourced after lib.sh. All of
# it belongs to signd's user, in folders of their own.
#
#	nss_make DIR LABEL	a softokn database with a PIN
#	tpm_make DIR LABEL	a TPM of swtpm's, with a PIN; it runs
#	tpm_up DIR, tpm_down DIR [SIGNAL]	the TPM, with what stands before it
#	tokens_alone	first of all: gives the script a machine of its own, as
#		ock_make needs one; false where it may not have it
#	ock_make DIR LABEL	opencryptoki's soft token; it runs
#	ock_up, ock_down
#	token_conf token|token2 DIR	lines of quoin.conf for it, in $REPLY
#
# tpm_make exports what tpm2-pkcs11 is told by the environment.

token_libs=/usr/lib/$(uname -m)-linux-gnu
declare -A token_module=(
	[nss]=$token_libs/libsoftokn3.so
	[tpm]=$token_libs/pkcs11/libtpm2_pkcs11.so
	[ock]=$token_libs/pkcs11/libopencryptoki.so
)

# The folder, its kind, label and PIN. opencryptoki takes 4 to 8 digits.
token_folder() {
	mkdir -p "$1"
	chmod 0755 "$1"
	echo "$2" >"$1/kind"
	echo "$3" >"$1/label"
	printf '%08d' $((RANDOM * RANDOM % 100000000)) >"$1/pin"
	chmod 0400 "$1/pin"
	chown "${daemon_uid[signd]}" "$1" "$1/pin"
}

# token_conf PREFIX DIR
token_conf() {
	local kind
	kind=$(cat "$2/kind")
	REPLY="$1.module = ${token_module[$kind]}
$1.label = $(cat "$2/label")
$1.pin_file = $2/pin"
	[ "$kind" != nss ] || REPLY="$REPLY
$1.init = $(nss_init "$2")"
}

# token_init DIR: label and PIN by PKCS #11 itself.
token_init() {
	local so=${2-$(cat "$1/pin")} log=$1/init.log
	printf '%s\n%s\n' "$so" "$(cat "$1/pin")" |
		as signd "$(program quoin-token-init)" \
			"${token_module[$(cat "$1/kind")]}" \
			"$(cat "$1/label")" >"$log" 2>&1 ||
		bail "quoin-token-init: $(cat "$log")"
}

# --- NSS softokn -----------------------------------------------------------

# What softokn wants in C_Initialize; its label is the database's name.
nss_init() {
	echo "configdir='sql:$1/db' dbTokenDescription='$(cat "$1/label")'" \
		"flags="
}

nss_make() {
	token_folder "$1" nss "$2"
	as signd mkdir -m 0700 "$1/db"
	as signd certutil -N -d "sql:$1/db" -f "$1/pin" >"$1/init.log" 2>&1 ||
		bail "certutil: $(cat "$1/init.log")"
}

# --- tpm2-pkcs11 on swtpm --------------------------------------------------

# A TPM has room for three keys at a time: tpm2-abrmd swaps them, as the
# kernel's /dev/tpmrm0 does for a real one. It is to be found on a D-Bus.
tpm_make() {
	token_folder "$1" tpm "$2"
	as signd mkdir -m 0700 "$1/tpm" "$1/store"
	cat >"$1/bus.conf" <<-END
		<busconfig>
		  <type>session</type>
		  <listen>unix:path=$1/bus</listen>
		  <auth>ANONYMOUS</auth>
		  <allow_anonymous/>
		  <policy context="default">
		    <allow user="*"/>
		    <allow send_destination="*"/>
		    <allow receive_sender="*"/>
		    <allow own="*"/>
		  </policy>
		</busconfig>
	END
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$1/bus
	export TPM2_PKCS11_STORE=$1/store TPM2_PKCS11_TCTI=tabrmd:bus_type=session
	export TSS2_LOG=all+none
	tpm_up "$1"
	token_init "$1"
}

# tpm_run DIR NAME COMMAND...: in the background.
tpm_run() {
	local dir=$1 name=$2
	shift 2
	daemon_uid["$name"]=${daemon_uid[signd]}
	run_as "$name" "$@" </dev/null >>"$dir/$name.log" 2>&1 &
	daemon_pid["$name"]=$!
}

tpm_up() {
	tpm_run "$1" swtpm swtpm socket --tpm2 --tpmstate "dir=$1/tpm" \
		--server "type=unixio,path=$1/sock" \
		--ctrl "type=unixio,path=$1/sock.ctrl" \
		--flags not-need-init,startup-clear
	within 10 test -S "$1/sock" || bail "swtpm: $(cat "$1/swtpm.log")"
	if [ -z "${daemon_pid[bus]-}" ]; then
		dbus-daemon --config-file "$1/bus.conf" --nofork --nopidfile \
			</dev/null >>"$1/bus.log" 2>&1 &
		daemon_pid[bus]=$!
		within 10 test -S "$1/bus" || bail "dbus: $(cat "$1/bus.log")"
	fi
	tpm_run "$1" abrmd tpm2-abrmd --session --flush-all \
		"--tcti=swtpm:path=$1/sock"
	within 10 tpm_answers || bail "tpm2-abrmd: $(cat "$1/abrmd.log")"
}

tpm_answers() {
	as signd pkcs11-tool --module "${token_module[tpm]}" --list-slots
}

tpm_down() {
	daemon_stop abrmd "${2-TERM}"
	daemon_stop swtpm "${2-TERM}"
	rm -f "$1/sock" "$1/sock.ctrl"
}

# --- opencryptoki's soft token ---------------------------------------------

# Its daemon and its folders are the machine's: they are put into mounts that
# only this script sees, with users that opencryptoki knows.
tokens_alone() {
	[ -z "${TOKENS_ALONE-}" ] || return 0
	unshare -m -i --propagation private true 2>/dev/null || return
	trap - EXIT
	rm -rf "$scratch"
	TOKENS_ALONE=1 exec unshare -m -i --propagation private bash "$0" "$@"
}

ock_make() {
	local d uid=${daemon_uid[signd]}
	token_folder "$1" ock "$2"
	for d in /var/lib/opencryptoki /run /dev/shm; do
		mount -t tmpfs none "$d" || bail "mount $d"
	done
	printf 'version opencryptoki-3.1\nslot 0\n{\n%s\n}\n' \
		'stdll = libpkcs11_sw.so' >"$1/opencryptoki.conf"
	{
		getent passwd
		echo "quoin-test:x:$uid:$uid::/nonexistent:/bin/false"
	} >"$1/passwd"
	{
		getent group | grep -v '^pkcs11:'
		echo "pkcs11:x:$uid:quoin-test"
	} >"$1/group"
	mount --bind "$1/opencryptoki.conf" /etc/opencryptoki/opencryptoki.conf
	mount --bind "$1/passwd" /etc/passwd
	mount --bind "$1/group" /etc/group
	for d in /var/lib/opencryptoki /run/lock/opencryptoki; do
		install -d -m 0770 -g pkcs11 "$d" "$d/swtok" "$d/swtok/TOK_OBJ"
	done
	ock_up
	# The security officer's PIN that a new token has.
	token_init "$1" 87654321
}

# It is a daemon from the start: its process id is in its file.
ock_up() {
	pkcsslotd
	within 10 test -S /run/pkcsslotd.socket &&
		within 10 test -s /run/pkcsslotd.pid || bail "pkcsslotd"
	daemon_pid[ock]=$(cat /run/pkcsslotd.pid)
}

ock_down() {
	daemon_stop ock
	rm -f /run/pkcsslotd.pid /run/pkcsslotd.socket
}
