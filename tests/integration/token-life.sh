#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# What happens to tokens and to processes: a token folder moved away and
# back, another token in its place, a file cut short, a key deleted by
# somebody else, other processes that log in, a worker that is stopped or
# killed, signd killed; each under load. The service is back by itself,
# nothing wrong leaves, no request is lost, and the journal is whole.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/lib-faults.sh
. "$(dirname "$0")/lib-faults.sh"
command -v pkcs11-tool >/dev/null || skip_all "pkcs11-tool is missing"

# A second that the service may take, and what others do on this machine.
back_ms=6000

export SOFTHSM2_CONF
FAULTS_DEADLINE=1000
shim_appliance "$scratch/a"
SOFTHSM2_CONF=$appliance/token/softhsm2.conf

# load_begin SECONDS THREADS; load_end WHAT: none is lost, nothing is wrong.
load_begin() {
	faults load "$@" >"$appliance/load" 2>&1 &
	loader=$!
	sleep 0.3
}
load_end() {
	local status=0
	wait "$loader" || status=$?
	tap_result "$status" "$1: no request is lost, no answer wrong" ||
		tap_note "$(tail -n 30 "$appliance/load")"
	tap_note "$(grep '=' "$appliance/load" | tr '\n' ' ')"
}
load_count() {
	sed -n "s/^$1=//p" "$appliance/load"
}

# The service is back; how long it took is told.
back() {
	local ms status=0
	ms=$(faults back "$back_ms" 2>"$appliance/err") || status=$?
	tap_result "$status" "$1: the service is back" ||
		tap_note "$(cat "$appliance/err" "$appliance/signd.log" |
			tail -n 20)"
	tap_note "$1: back after $ms ms"
}
whole() {
	ok "$1: the journal is whole" ctl journal verify
}

# The folder of the token, of which there is one.
token_folder() {
	find "$appliance/token" -mindepth 1 -maxdepth 1 -type d ! -name away
}
objects() {
	find "$1" -name '*.object' | wc -l
}
other_worker() {
	local now
	now=$(worker_pid) && [ "$now" != "$1" ]
}
token_is_silent() {
	! faults back 0 >/dev/null 2>&1
}
# As a process of the daemon's user.
tool() {
	as signd pkcs11-tool --module "$softhsm" --token-label quoin \
		--login --pin "$(cat "$appliance/pin")" "$@"
}

# --- the folder goes and comes
folder=$(token_folder)
load_begin 3 4
mv "$folder" "$appliance/away"
ok "moved away: noticed" within 5 signd_waits
like "$(signd_says reason)" . "with a reason"
tap_note "it says: $(signd_says reason)"
mv "$appliance/away" "$folder"
back "moved away and back"
load_end "moved away and back"
whole "moved away and back"

# --- another token in its place
# other_token PIN: under the same label.
other_token() {
	mv "$folder" "$appliance/away"
	as signd softhsm2-util --init-token --free --label quoin \
		--so-pin 0123456789 --pin "$1" >/dev/null ||
		bail "softhsm2-util"
	other=$(token_folder)
	before=$(objects "$other")
}
other_token_ends() {
	rm -rf "$other"
	mv "$appliance/away" "$folder"
}
other_token "$(cat "$appliance/pin")"
ok "another token with this label and PIN: no service" \
	within 5 token_is_silent
sleep 1
tap_note "it says: $(signd_says reason)"
ok "which stays so" signd_waits
is "$(objects "$other")" "$before" "no key is made in it"
! faults back 500 >/dev/null 2>&1
tap_result $? "and nothing is signed"
other_token_ends
back "the right token again"
logins=$(faults calls C_Login)
other_token 11112222
ok "another token with another PIN: no service" within 5 token_is_silent
sleep 1.5
tap_note "it says: $(signd_says reason)"
is "$(objects "$other")" "$before" "no key is made in it"
[ $(($(faults calls C_Login) - logins)) -le 1 ]
tap_result $? "the PIN is tried once at most"
other_token_ends
kill -HUP "${daemon_pid[signd]}"
back "the right token after SIGHUP"
whole "other tokens"

# --- files cut short
# SoftHSM reads them again when it starts, or when somebody has logged in.
cp -a "$folder" "$appliance/copy"
load_begin 2 4
for f in "$folder"/*.object; do
	[ "${f##*/}" = token.object ] || truncate -s 20 "$f"
done
kill -KILL "$(worker_pid)"
ok "objects cut short: noticed" within 5 token_is_silent
cp -a "$appliance/copy"/*.object "$folder/"
back "objects cut short and put back"
load_end "objects cut short"
rm -rf "$appliance/copy"
whole "objects cut short"

# --- a key that somebody else deletes
asks issuing victim 86400000 86400 a >/dev/null
victim=$(asks certs | awk '$2 == "issuing" && $3 == "victim" { print $1 }')
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout /dev/null -subj /CN=x -outform DER -out "$scratch/csr" \
	2>/dev/null
victim_issues() {
	asks -u 61003 issue victim "$scratch/csr" "$scratch/cert" "" "$1"
}
chmod 0777 "$scratch"
chmod 0644 "$scratch/csr"
ok "a certificate of a CA" victim_issues 1
load_begin 3 4
ok "its key is deleted by another process" \
	tool --delete-object --type privkey --id "$victim"
before=$(objects "$folder")
! out=$(victim_issues 2 2>&1)
tap_result $? "it issues no more"
like "$out" "$victim|token" "and says why"
tap_note "$out"
is "$(objects "$folder")" "$before" "no key is made in its place"
load_end "a key deleted by another process"
is "$(load_count failed)" 0 "the other keys sign as before"
whole "a key deleted"

# --- other processes that log in, again and again
load_begin 5 4
until=$((SECONDS + 4)) others=0
while [ $SECONDS -lt $until ]; do
	tool --list-objects >/dev/null 2>&1 && others=$((others + 1))
done
load_end "another process logged in $others times"
is "$(load_count failed)" 0 "and nobody noticed"
load_begin 4 4
(
	trap 'exit 0' TERM
	while :; do tool --list-objects >/dev/null 2>&1; done
) &
others=$!
for _ in 1 2 3 4 5; do
	kill -KILL "$(worker_pid)"
	back "worker killed while others log in"
done
kill "$others"
wait "$others" 2>/dev/null
load_end "worker killed while others log in"
whole "others log in"

# --- the worker stops, or dies
pid=$(worker_pid)
kill -STOP "$pid"
ok "a worker that is stopped while idle is replaced" \
	within 10 other_worker "$pid"
back "stopped while idle"
load_begin 2 8
pid=$(worker_pid)
kill -STOP "$pid"
ok "stopped while busy: replaced" within 10 other_worker "$pid"
back "stopped while busy"
load_end "stopped while busy"
load_begin 5 8
for _ in $(seq 10); do
	pid=$(worker_pid) && kill -KILL "$pid"
	within 5 other_worker "$pid"
	within 5 signd_is_ready
	sleep 0.1
done
load_end "worker killed 10 times"
is "$(load_count failed)" 0 "worker killed 10 times: no request fails"
tap_note "$(grep '^#' "$appliance/load")"
whole "worker killed"

# --- the last session closed logs out; the module forgets everything
for kind in reset logout unload; do
	load_begin 2 4
	for _ in 1 2 3; do
		faults set C_SignInit 1 $kind
		sleep 0.4
	done
	back "$kind"
	load_end "$kind"
done
whole "sessions lost"

# --- signd dies
load_begin 6 8
for _ in 1 2 3 4 5; do
	daemon_stop signd KILL
	daemon_start signd
	back "signd killed"
	sleep 0.3
done
load_end "signd killed 5 times"
whole "signd killed"

# --- the PIN's file takes longer to open than anybody waits: the answer that
# comes then is nobody's
daemon_stop signd
mv "$appliance/pin" "$appliance/pin.real"
mkfifo -m 0600 "$appliance/pin"
chown --reference="$appliance/pin.real" "$appliance/pin"
ln "$appliance/pin" "$appliance/pin.slow"
daemon_start signd
ok "nobody waits for it" within 10 grep -q 'the launcher is gone' \
	"$appliance/signd.log"
mv "$appliance/pin.real" "$appliance/pin"
# Who waited for it may have been replaced by now.
timeout 10 tee "$appliance/pin.slow" <<<"" >/dev/null
back "a slow PIN file"
shim_done "the end"
tap_done
