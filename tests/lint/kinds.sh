#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every kind of activity that something notes has a sentence for people (TAP).
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

# Kinds have two words at least; those who note them are known by name.
check() {
	sources "$1" '*.c' | grep -v '/tests/' | xargs -r grep -Pzoh \
		'\b(rec_actor_note|rec_actor_tell|web_note|note|save|user_change)\([^;{}]*\)' |
		tr '\0' '\n' | grep -oE '"[a-z0-9]+( [a-z0-9]+)+"' | sort -u |
		while read -r kind; do
			grep -qsF "{ $kind," "$1/web/webd/logs.c" ||
				echo "no sentence for $kind"
		done
}

clean_tree "kinds of activity have sentences"
planted "one that has none" 'no sentence for "batch eat"' web/webd/x.c <<'END'
	r = web_note(c, b.key,
	    "batch eat", f);
END
finish
