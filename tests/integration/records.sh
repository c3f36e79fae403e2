#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# sanitize
# Records as people use them, from the command line and the web: the log,
# lists of devices, moving devices, users and their sessions.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2154 # lib.sh has them
T=$scratch
appliance_make "$T"
daemon_start recordd
daemon_ready recordd
for client in records people; do
	ok "$client, for programs" \
		"$top_builddir/tests/integration/$client-client" "$T/quoin.conf" ||
		tap_note "$(grep -A 2 '^not ok' <<<"$out")"
	tap_note "$(grep -c '^ok' <<<"$out") checks in it"
done

# --- users, from the console -----------------------------------------------

pick() { # JQ COMMAND...
	local filter=$1
	shift
	ctl --json "$@" 2>/dev/null | jq -r "$filter"
}
# The last one left one administrator who may log in, and ann, who may not.
last=$(pick '.users[] | select(.disabled | not) | .name' user list)
ok "a user" ctl user show "$last"
unlike "$(pick 'keys[]' user show "$last")" 'password$|totp$|recovery' \
	"without secrets"
exits 75 "the last administrator stays" ctl user delete "$last"
like "$out" "$last is the last administrator" "as it says"
exits 75 "and may log in" ctl user disable "$last"
exits 73 "no first link now" ctl user link --first
is "$(pick '.kind + " " + .role' user link)" "invite contributor" \
	"but an invitation"
is "$(pick '.kind + " " + .role + " " + .user' user link --user eve \
	--role administrator)" "invite administrator eve" "for somebody"
exits 73 "not for who is there" ctl user link --user ann
ok "ann is let in" ctl user enable ann
ok "the other goes" ctl user delete "$last"
is "$(pick .name user show ann) $(pick '.users | length' user list)" \
	"ann 1" "ann is left"
is "$(pick '.kind + " " + .user' user reset ann --no-second-factor)" \
	"reset ann" "a new password for ann"
is "$(pick '[.activity[-4:][].what] | join(", ")' activity list)" "user \
enable, user delete, user second factor off, user reset" "all of it is noted"
tap_done
