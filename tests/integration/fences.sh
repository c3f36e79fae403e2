#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# The fences around each process bite: from inside the real programs, by a
# debugger that root may use, a forbidden system call ends the daemon or fails,
# a file of the others' cannot be opened, the Internet cannot be reached. And
# what memory images of them hold: no PIN where it has no business, no
# private key that was imported.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v gdb >/dev/null || skip_all "gdb is missing"

# number NAME: of the system call.
number() {
	printf '#include <sys/syscall.h>\nSYS_%s\n' "$1" |
		"${CC:-cc}" -E -P -x c - | tail -n 1
}

# inside PID EXPRESSION...: what each has for a value in that process, after
# its errno has been set to 0; "gone" when that ended it.
inside() {
	local pid=$1 e args=()
	shift
	for e; do
		args+=(-ex "print ((long(*)())$e")
	done
	timeout 60 gdb -nx -batch -ex "set confirm off" \
		-ex "set print thread-events off" -p "$pid" "${args[@]}" \
		2>&1 | sed -n -e 's/^\$[0-9]* = //p' \
		-e 's/.*Program terminated with signal SIGSYS.*/gone/p'
}

# syscall ARG...: an expression for inside.
syscall() {
	local IFS=,
	echo "syscall)($*)"
}

# shellcheck disable=SC2016 # they are gdb's variables
# reason PID EXPRESSION: what it returns there, and errno after it.
reason() {
	timeout 60 gdb -nx -batch -ex "set confirm off" -p "$1" \
		-ex "set \$r = ((long(*)())$2" \
		-ex 'set $e = *((int *(*)(void))__errno_location)()' \
		-ex 'printf "returned %d errno %d\n", (int)$r, $e' 2>&1 |
		grep -a '^returned '
}
EPERM=1 EACCES=13

appliance_start "$scratch/a" signd recordd enrold
# shellcheck disable=SC2154
signd=${daemon_pid[signd]}
token=$(pgrep -P "$signd" quoin-token)
launcher=$(pgrep -P "$signd" quoin-signd)
declare -A pids=([signd]=$signd [launcher]=$launcher [token]=$token
	[recordd]=${daemon_pid[recordd]} [enrold]=${daemon_pid[enrold]})

for name in signd launcher token recordd enrold; do
	pid=${pids[$name]}
	like "$(cat "/proc/$pid/limits")" \
		'^Max core file size +0 +0 ' "$name: no core file"
done
for name in signd launcher token recordd enrold; do
	pid=${pids[$name]} who=$name
	case $name in launcher | token) who=signd ;; esac
	# Of a process that can be dumped these are its user's own.
	is "$(stat -c %u "/proc/$pid/mem")" 0 "$name: not dumpable"
	exits 1 "$name: its own user cannot read its memory" \
		as "$who" head -c 1 "/proc/$pid/environ"
done

# Files and sockets, before something kills them.
fails() { # fails NAME WHY WHAT EXPRESSION
	is "$(reason "${pids[$1]}" "$4")" "returned -1 errno $2" "$1: $3"
}
for name in signd recordd enrold; do
	fails "$name" "$EACCES" "cannot open /etc/passwd" \
		'open)("/etc/passwd", 0)'
	fails "$name" "$EPERM" "cannot make a raw socket" \
		"$(syscall "$(number socket)" 17 3 0)"
	fails "$name" "$EPERM" "cannot change its user" \
		"$(syscall "$(number setuid)" 0)"
done
fails signd "$EPERM" "cannot reach the Internet" \
	"$(syscall "$(number socket)" 2 1 0)"
fails token "$EPERM" "cannot start a program" \
	"$(syscall "$(number execve)" 0 0 0)"
fails token "$EPERM" "cannot trace another" \
	"$(syscall "$(number ptrace)" 16 1 0 0)"
fails token "$EPERM" "cannot load code into the kernel" \
	"$(syscall "$(number bpf)" 0 0 0)"
fails token "$EPERM" "cannot make name spaces" \
	"$(syscall "$(number unshare)" 0x10000000)"
ok "all that did no harm" ctl hsm status

# --- memory

pin=$(cat "$appliance/pin")
image() { # image NAME PID [everything]: a core image, which $image names
	image=$scratch/$1.core
	timeout 100 gdb -nx -batch -p "$2" \
		-ex "set dump-excluded-mappings ${3:-off}" \
		-ex "gcore $image" >/dev/null 2>&1
	[ -s "$image" ] || bail "no image of $1"
}
holds() { # holds BYTES-AS-HEX: how often the image has them
	python3 -c 'import sys
data = open(sys.argv[1], "rb").read()
print(data.count(bytes.fromhex(sys.argv[2])))' "$image" "$1"
}
hex=$(printf %s "$pin" | od -An -tx1 | tr -d ' \n')
like "$(sed -n 's/^VmLck:[[:space:]]*//p' "/proc/$token/status")" \
	'^[1-9]' "the worker's PIN is locked in memory"
image token "$token" on
like "$(holds "$hex")" '^[1-9]' "the worker's memory has the PIN"
image token "$token"
is "$(holds "$hex")" 0 "a core image of it would not"
for name in signd launcher enrold recordd; do
	image $name "${pids[$name]}" on
	is "$(holds "$hex")" 0 "$name: no PIN anywhere in its memory"
done

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$scratch/key.pem" 2>/dev/null
scalar=$(openssl ec -in "$scratch/key.pem" -text -noout 2>/dev/null |
	sed -n '/^priv:/,/^pub:/{/^ /p}' | tr -d ' :\n')
scalar=${scalar: -64}
ok "a key is imported" ctl hsm key import release \
	"$scratch/key.pem" --purpose firmware
image signd "$signd" on
is "$(holds "$scalar")" 0 "signd's memory has nothing of it any more"
image launcher "$launcher" on
is "$(holds "$scalar")" 0 "nor has the launcher's"
image token "$token"
is "$(holds "$scalar")" 0 "nor would a core image of the worker"
rm -f "$scratch"/*.core

# --- what ends a daemon

for name in enrold recordd signd; do
	inside "${pids[$name]}" "$(syscall "$(number ptrace)" 0 0 0 0)" \
		>/dev/null
	ok "$name: ptrace(2) ends it" within 5 daemon_gone "${pids[$name]}"
	status=0
	wait "${pids[$name]}" 2>/dev/null || status=$?
	is "$status" $((128 + $(kill -l SYS))) "$name: by SIGSYS"
	unset "daemon_pid[$name]"
done
ok "its worker ends with signd" within 5 daemon_gone "$token"
tap_done
